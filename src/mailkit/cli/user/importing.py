"""`mailkit user import`."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

import click

from mailkit.cli.acting import by_command
from mailkit.cli.noun import said, told
from mailkit.cli.opening import making_kit
from mailkit.cli.output import Output
from mailkit.cli.progress import Bar, progress

if TYPE_CHECKING:
    from mailkit.accounts.importing import Failed
    from mailkit.kit import MailKit

__all__ = ["import_users", "interrupts"]

_INTERRUPTED = 130  # as a shell says it of SIGINT


@click.command("import")
@click.argument("file", type=click.File("rb"))
@making_kit
def import_users(kit: "MailKit", out: Output, file: BinaryIO) -> None:
    """Add the users in the CSV file FILE (`-`: standard input), whose first line names the columns.

    Lines that fail are told, with the reason, on standard error; the others are done. Who is there already, with the
    same name and address, is left alone: run again, an import goes on where it was stopped, and adds what failed.
    """
    from mailkit.accounts.importing import Failed, Made, UserImport
    from mailkit.accounts.userfile import read_users, text_lines

    work = UserImport(
        kit.accounts,
        kit.principals,
        kit.addresses,
        kit.credentials,
        clock=kit.clock,
        domain=kit.domain,
        by=by_command(),
    )
    count = Counter({"made": 0, "present": 0, "failed": 0})
    interrupted = False
    with progress("Users", _size(file)) as bar, interrupts() as came:
        try:
            for outcome in work.run(read_users(text_lines(_reading(file, bar)))):
                if isinstance(outcome, Failed):
                    _tell(outcome, out, bar)
                    count["failed"] += 1
                else:
                    count["made" if isinstance(outcome, Made) else "present"] += 1
                if came:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupted = True
    words = f"{count['made']} users added, {count['present']} were there, {count['failed']} failed"
    if interrupted:
        words += "; interrupted: run it again to go on"
    out.say({**count, "interrupted": interrupted}, words)
    if interrupted or count["failed"]:
        click.get_current_context().exit(_INTERRUPTED if interrupted else 1)


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """The interrupts that came: one that is raised where nothing can rise from, as in a destructor, would be lost."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
        yield came
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(failed: "Failed", out: Output, bar: Bar) -> None:
    if out.as_json:
        bar.say(json.dumps(told(failed.error, line=failed.line, name=failed.name)), raw=True)
    else:
        who = f" ({failed.name})" if failed.name else ""
        bar.say(f"line {failed.line}{who}: {said(failed.error)}")


def _size(file: BinaryIO) -> int | None:
    """Bytes of a file; None where nobody knows."""
    try:
        return os.fstat(file.fileno()).st_size or None
    except (OSError, AttributeError):
        return None


def _reading(file: BinaryIO, bar: Bar) -> Callable[[int], bytes]:
    """What reads the file, as much as there is, and moves the bar along."""
    read = getattr(file, "read1", file.read)

    def some(n: int) -> bytes:
        data: bytes = read(n)
        bar.advance(len(data))
        return data

    return some
