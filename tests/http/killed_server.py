"""Serves both dialects in processes that kill themselves at their first commit. Run by `test_once.py`.

Reads lines of JSON `[where, moment, now]`; for each it serves until the first commit that an answer waits for, tells
its port and then how it ended: -9. `moment` is `within` (all is written, nothing committed) or `after` (committed, and
nobody answered).
"""

import json
import os
import signal
import socket
import sys
from typing import Any

from mailkit.clock import FixedClock
from mailkit.http import build_app
from mailkit.http.server import make_server, run_server
from mailkit.testing.platform import platform


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def serve(where: str, moment: str, now: int) -> None:
    with platform(where, clock=FixedClock(now)) as kit, socket.socket() as listening:
        real = kit.store.atransact

        async def deadly(fn: Any) -> Any:
            def run(tx: Any) -> Any:
                result = fn(tx)
                if moment == "within":
                    die()
                return result

            result = await real(run)
            die()
            return result

        kit.store.atransact = deadly  # type: ignore[method-assign]
        listening.bind(("127.0.0.1", 0))
        run_server(make_server(build_app(kit), ready=lambda: say(listening.getsockname()[1])), listening)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(*json.loads(line))
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
