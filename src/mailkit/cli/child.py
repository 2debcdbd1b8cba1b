"""What every child process of `mailkit serve` does: say that it is ready, and stop when its supervisor is gone."""

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from attrs import frozen

__all__ = ["Orders", "orders"]


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
