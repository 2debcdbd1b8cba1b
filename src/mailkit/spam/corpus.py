"""Mail in files: what `mailkit spam train` and `evaluate` read."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

from mailkit.errors import Invalid
from mailkit.spam.evaluate import Labelled

__all__ = ["count_messages", "labelled_folder", "messages_in"]


def messages_in(path: Path) -> Iterator[bytes]:
    """The source of each message in a file, an mbox, a Maildir, or a folder of these."""
    if path.is_dir():
        if (path / "cur").is_dir() and (path / "new").is_dir():
            for part in ("cur", "new"):
                for file in sorted((path / part).iterdir()):
                    if file.is_file():
                        yield file.read_bytes()
            return
        for entry in sorted(path.iterdir()):
            if not entry.name.startswith("."):
                yield from messages_in(entry)
        return
    if _is_mbox(path):
        box = mailbox.mbox(path, create=False)
        try:
            for key in box.iterkeys():
                yield box.get_bytes(key)
        finally:
            box.close()
        return
    yield path.read_bytes()


def count_messages(path: Path) -> int:
    """About how many messages `messages_in` will give, for a progress bar."""
    if path.is_dir():
        if (path / "cur").is_dir() and (path / "new").is_dir():
            return sum(1 for part in ("cur", "new") for _ in (path / part).iterdir())
        return sum(count_messages(entry) for entry in path.iterdir() if not entry.name.startswith("."))
    if _is_mbox(path):
        with path.open("rb") as file:
            return sum(line.startswith(b"From ") for line in file)
    return 1


def _is_mbox(path: Path) -> bool:
    """A separator line first, and another later. A single message that kept its separator is no mbox."""
    with path.open("rb") as file:
        if file.read(5) != b"From ":
            return False
        blank = False
        for line in file:
            if blank and line.startswith(b"From ") and len(line.split()) > 5:
                return True
            blank = line in (b"\n", b"\r\n")
    return False


def labelled_folder(folder: Path) -> list[Labelled]:
    """The messages of a folder with `ham/*.eml` and `spam/*.eml`, in order of receipt.

    The order is that of `order.tsv` (lines `label<TAB>file`; the file with or without its folder); messages it
    doesn't name come after, and without it both classes are spread evenly over the whole in order of file name.
    Invalid when a class is missing or the list names what isn't there.
    """
    files = {
        label: {path.name: path for path in sorted((folder / label).glob("*")) if path.is_file()}
        for label in ("ham", "spam")
    }
    for label, found in files.items():
        if not found:
            raise Invalid.field("folder", f"There are no messages in {folder / label}", code="spam.corpus_missing")
    order: list[tuple[str, Path]] = []
    listed = folder / "order.tsv"
    if listed.exists():
        for number, line in enumerate(listed.read_text("utf-8", "surrogateescape").splitlines(), 1):
            if not line.strip():
                continue
            label, _, name = line.partition("\t")
            path = files.get(label, {}).pop(name.strip().rpartition("/")[2], None)
            if path is None:
                text = f"Line {number} of {listed} names no message of the folder (each once): {line!r}"
                raise Invalid.field("order", text, code="spam.corpus_order")
            order.append((label, path))
    rest = [
        ((place + 0.5) / len(found), label, path)
        for label, found in files.items()
        for place, path in enumerate(found.values())
    ]
    order += [(label, path) for _, label, path in sorted(rest)]
    return [Labelled(f"{label}/{path.name}", label == "spam", path.read_bytes) for label, path in order]
