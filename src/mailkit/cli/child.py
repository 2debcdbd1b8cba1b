"""What every child process of `mailkit serve` does: say that it is ready, and stop when its supervisor is gone."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import frozen

from mailkit import telemetry
from mailkit.errors import MailKitError
from mailkit.settings import kernel as keys
from mailkit.telemetry.sinks import JsonLines, LoggingSink

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["Orders", "orders", "upkeep"]


@frozen
class Orders:
    """What the supervisor told this process."""

    ready: int
    lifeline: int
    sockets: tuple[int, ...]
    config: Path | None
    overrides: dict[str, Any]

    def say_ready(self) -> None:
        """Tells the supervisor that this process serves."""
        os.write(self.ready, b"!")
        os.close(self.ready)

    def watch_lifeline(self) -> None:
        """From now on the end of the supervisor is a SIGTERM to this process."""

        def watch() -> None:
            os.read(self.lifeline, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _log_to_stderr() -> None:
    """Ours alone: what other libraries log is their users' to ask for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("mailkit")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


@contextmanager
def upkeep(kit: "MailKit") -> Iterator[None]:
    """While the block lasts: log lines on standard error as the settings say, and settings kept current."""
    settings = kit.settings
    level = settings.get(keys.TELEMETRY_LOG_LEVEL)
    sink: telemetry.Sink | None = None
    if level != "off":
        least = cast("telemetry.Level", level)
        as_json = settings.get(keys.TELEMETRY_LOG_FORMAT) == "json"
        sink = JsonLines(sys.stderr, least=least) if as_json else LoggingSink(least=least)
        if not as_json:
            _log_to_stderr()
        telemetry.attach(sink)
    stop = threading.Event()

    def refresh() -> None:
        while not stop.wait(1.0):
            try:
                settings.refresh()
            except MailKitError as error:
                telemetry.emit("settings.refresh_failed", level="warning", error=str(error))

    thread = threading.Thread(target=refresh, name="settings", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)
        if sink is not None:
            telemetry.detach(sink)


def orders() -> Orders:
    """Reads the command line that `supervise` wrote."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", type=int, required=True)
    parser.add_argument("--lifeline", type=int, required=True)
    parser.add_argument("--socket", type=int, action="append", default=[])
    parser.add_argument("--config", type=Path)
    parser.add_argument("--overrides", type=json.loads, default={})
    given = parser.parse_args()
    return Orders(given.ready, given.lifeline, tuple(given.socket), given.config, given.overrides)
