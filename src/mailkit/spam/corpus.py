"""Mail in files: what `mailkit spam train` and `evaluate` read."""

import mailbox
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from mailkit.errors import Invalid
from mailkit.spam.evaluate import Labelled
from mailkit.spam.reading import Source

__all__ = ["count_messages", "labelled_folder", "messages_in", "read_file"]

_LARGEST: Final = 32 << 20


def messages_in(path: Path) -> Iterator[Source]:
    """Gives each message in a file, an mbox, a Maildir, or a folder of these. Empty files are none."""
    if path.is_dir():
        if (path / "cur").is_dir() and (path / "new").is_dir():
            for part in ("cur", "new"):
                for file in sorted((path / part).iterdir()):
                    if file.is_file() and file.stat().st_size:
                        yield partial(Path.read_bytes, file)
            return
        for entry in sorted(path.iterdir()):
            if not entry.name.startswith("."):
                yield from messages_in(entry)
        return
    if _is_mbox(path):
        box = mailbox.mbox(path, create=False)
        try:
            for key in box.iterkeys():
                yield partial(bytes, box.get_bytes(key))
        finally:
            box.close()
        return
    if path.is_file() and path.stat().st_size:
        yield partial(Path.read_bytes, path)


def count_messages(path: Path) -> int:
    """About how many messages `messages_in` will give, for a progress bar."""
    if path.is_dir():
        if (path / "cur").is_dir() and (path / "new").is_dir():
            return sum(1 for part in ("cur", "new") for _ in (path / part).iterdir())
        return sum(count_messages(entry) for entry in path.iterdir() if not entry.name.startswith("."))
    if _is_mbox(path):
        with path.open("rb") as file:
            return sum(line.startswith(b"From ") for line in file)
    return 1 if path.is_file() and path.stat().st_size else 0


def _is_mbox(path: Path) -> bool:
    """A separator line first, and another later. A single message that kept its separator is no mbox."""
    if not path.is_file():
        return False
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
    """The messages of a folder with `ham/*.eml` and `spam/*.eml`, in order of receipt. Folders within are walked.

    The order is that of `order.tsv` (lines `label<TAB>file`; the file with or without its folder); messages it
    doesn't name come after, and without it both classes are spread evenly over the whole in order of file name.
    Invalid when a class is missing or the list names what isn't there.
    """
    files = {label: _files_of(folder / label) for label in ("ham", "spam")}
    for label, found in files.items():
        if not found:
            raise Invalid.field("folder", f"There are no messages in {folder / label}", code="spam.corpus_missing")
    order: list[tuple[str, Path]] = []
    listed = folder / "order.tsv"
    if listed.exists():
        for number, line in enumerate(listed.read_text("utf-8-sig", "surrogateescape").splitlines(), 1):
            if line.strip():
                order.append(_listed(files, line, f"Line {number} of {listed}"))
    rest = [
        ((place + 0.5) / len(found), label, path)
        for label, found in files.items()
        for place, path in enumerate(found.values())
    ]
    order += [(label, path) for _, label, path in sorted(rest)]
    return [
        Labelled(path.relative_to(folder).as_posix(), label == "spam", partial(read_file, path))
        for label, path in order
    ]


def _files_of(folder: Path) -> dict[str, Path]:
    """Path below the folder -> file, sorted. What begins with a dot is left out."""
    paths = sorted(path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _listed(files: dict[str, dict[str, Path]], line: str, where: str) -> tuple[str, Path]:
    """The message that a line of the list names, taken out of `files`."""
    label, _, name = (part.strip() for part in line.partition("\t"))
    if not name or label not in files:
        text = f'{where} must be "ham" or "spam", a tab, and a file: {line!r}'
        raise Invalid.field("order", text, code="spam.corpus_order")
    name = name.replace("\\", "/").removeprefix("./").removeprefix(f"{label}/")
    path = files[label].pop(name, None)
    if path is None:
        raise Invalid.field(
            "order",
            f"{where} names no file of the folder {label!r}, or one named before: {line!r}",
            code="spam.corpus_order",
        )
    return label, path


def read_file(path: Path) -> bytes:
    """The first 32 MiB of a file: far more than is looked at. Half the time of `Path.read_bytes`."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = min(os.fstat(file).st_size, _LARGEST)
        data = os.read(file, size)
        while len(data) < size and (more := os.read(file, size - len(data))):
            data += more
        return data
    finally:
        os.close(file)
