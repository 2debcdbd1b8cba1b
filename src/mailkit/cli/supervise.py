"""The supervisor: starts child processes, starts them again when they fail, stops them in order. It serves nothing.

The law:

    start     every child gets a pipe; the supervisor is ready once each child has written to its own
    failure   a child that ends is started again, at once the first time, later the oftener it happened lately
    stop      SIGTERM or SIGINT: SIGTERM to all children, `grace` seconds for them, then SIGKILL; exit 0
    orphans   a child that loses its supervisor reads the end of its lifeline and stops by itself
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from attrs import define, field, frozen

__all__ = ["Child", "supervise"]

_CALM = 60.0  # seconds after which a child's earlier failures are forgotten
_LONGEST_PAUSE = 30.0


@frozen
class Child:
    """A process to keep alive: `python -m <module> <arguments>`, with the sockets it inherits."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    sockets: tuple[int, ...] = ()


@define(eq=False)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    ready: int  # read end of the pipe it writes to
    lifeline: int  # write end of the pipe that it reads the end of
    started: float
    is_ready: bool = False


@define
class _Failures:
    count: int = 0
    last: float = field(default=0.0)

    def pause(self, now: float) -> float:
        """Seconds until the child may start again."""
        self.count = self.count + 1 if now - self.last < _CALM else 1
        self.last = now
        return min(_LONGEST_PAUSE, 0.0 if self.count == 1 else 2.0 ** (self.count - 2))


def supervise(
    children: Sequence[Child],
    *,
    grace: float = 35.0,
    ready: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),  # noqa: T201
) -> int:
    """Runs until told to stop; returns the exit status. `ready` is called once all children are.

    A child that ends before it was ever ready ends everything: its message is on standard error, and trying again
    would only repeat it.
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    stopping = False

    def stop(_: int, __: object) -> None:
        nonlocal stopping
        stopping = True

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    earlier[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _, __: None)
    signal.set_wakeup_fd(wake_write)
    selector = selectors.DefaultSelector()
    selector.register(wake_read, selectors.EVENT_READ)
    running: list[_Running] = []
    failures = {child.name: _Failures() for child in children}
    waiting: list[tuple[float, Child]] = []
    announced = False
    status = 0
    try:
        running.extend(_start(child, selector) for child in children)
        while not stopping:
            now = time.monotonic()
            for due, child in [item for item in waiting if item[0] <= now]:
                waiting.remove((due, child))
                running.append(_start(child, selector))
            pause = min((due - now for due, _ in waiting), default=None)
            for key, _ in selector.select(pause):
                if key.fd == wake_read:
                    os.read(wake_read, 4096)
                elif os.read(key.fd, 1):
                    key.data.is_ready = True
                    selector.unregister(key.fd)
                else:
                    selector.unregister(key.fd)
            if not announced and len(running) == len(children) and all(item.is_ready for item in running):
                announced = True
                ready()
            for item in [item for item in running if item.process.poll() is not None]:
                running.remove(item)
                _close(item, selector)
                if not announced and not stopping:
                    say(f"mailkit: {item.child.name} could not start")
                    stopping, status = True, item.process.returncode or 1
                    break
                if not stopping:
                    delay = failures[item.child.name].pause(time.monotonic())
                    say(f"mailkit: {item.child.name} ended with {item.process.returncode}; again in {delay:.0f} s")
                    waiting.append((time.monotonic() + delay, item.child))
    finally:
        _stop_all(running, selector, grace, say)
        signal.set_wakeup_fd(-1)
        for number, handler in earlier.items():
            signal.signal(number, handler)
        selector.close()
        os.close(wake_read)
        os.close(wake_write)
    return status if status >= 0 else 1


def _start(child: Child, selector: selectors.BaseSelector) -> _Running:
    ready_read, ready_write = os.pipe()
    life_read, life_write = os.pipe()
    command = [sys.executable, "-m", child.module, f"--ready={ready_write}", f"--lifeline={life_read}"]
    process = subprocess.Popen(
        [*command, *child.arguments],
        pass_fds=(ready_write, life_read, *child.sockets),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C at the terminal is the supervisor's to hand on
    )
    os.close(ready_write)
    os.close(life_read)
    running = _Running(child, process, ready_read, life_write, time.monotonic())
    selector.register(ready_read, selectors.EVENT_READ, running)
    return running


def _close(item: _Running, selector: selectors.BaseSelector) -> None:
    if item.ready in {key.fd for key in selector.get_map().values()}:
        selector.unregister(item.ready)
    os.close(item.ready)
    os.close(item.lifeline)


def _stop_all(
    running: list[_Running], selector: selectors.BaseSelector, grace: float, say: Callable[[str], None]
) -> None:
    for item in running:
        item.process.terminate()
    deadline = time.monotonic() + grace
    for item in running:
        try:
            item.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"mailkit: {item.child.name} did not stop in {grace:.0f} s and was killed")
            item.process.kill()
            item.process.wait()
        _close(item, selector)
    running.clear()
