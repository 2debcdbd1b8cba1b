"""LMTP in: messages a second of a listener whose sink only answers 250, against its peers.

    python -m benchmarks.lmtp [--messages 4000] [--connections 16] [--size 10240] [--rounds 3] [--no-pipelining]

Each listener runs in its own process, the client in this one; the rounds are interleaved, the best of each counts.
`cpu` is the processor time of the listener's process per message, which a busy machine disturbs less than the rate.

- floor: an asyncio.Protocol that splits lines, answers 250 and drops the content; none can be faster on this loop
- streams: the same written with asyncio.start_server and readline, keeping the content
- aiosmtpd: aiosmtpd.lmtp.LMTP (if installed)
- mailkit: mailkit.listeners.lmtp.LmtpListener with a sink that only answers 250
- stored: the same listener with the whole pipeline behind it: parsed, stored in LMDB with fsync, counted, journalled

Aims: mailkit >= 0.4 x floor (with an empty sink on both sides), and faster than aiosmtpd; stored >= 0.4 x a bare
listener that only answers 250.
"""

import argparse
import asyncio
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

OK = b"250 2.0.0 Ok\r\n"


# The listeners


class Floor(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport, self.lines, self.content = transport, bytearray(), False
        transport.write(b"220 floor\r\n")

    def data_received(self, data: bytes) -> None:
        self.lines += data
        while True:
            if self.content:
                if not self.lines.endswith(b"\r\n.\r\n"):
                    return
                self.lines.clear()
                self.content = False
                self.transport.write(OK)
            end = self.lines.find(b"\r\n")
            if end < 0:
                return
            verb = bytes(self.lines[:4])
            del self.lines[: end + 2]
            self.content = verb == b"DATA"
            self.transport.write(b"354 go\r\n" if self.content else OK)


async def streams_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 streams\r\n")
    while line := await reader.readline():
        if not line.startswith(b"DATA"):
            writer.write(OK)
            continue
        writer.write(b"354 go\r\n")
        content = []
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                return
            content.append(line[1:] if line.startswith(b".") else line)
        b"".join(content)
        writer.write(OK)


class Sink:
    """Answers 250, and does nothing else."""

    async def check_recipient(self, session: Any, address: Any, parameters: Any) -> Any:
        return self.reply

    async def deliver(self, session: Any, envelope: Any, raw: bytes) -> Sequence[Any]:
        return [self.reply] * len(envelope.recipients)

    def __init__(self) -> None:
        from mailkit.listeners import Reply

        self.reply = Reply(250, "2.1.5", "Ok")


def options_threads() -> int:
    """Deliveries at a time, as in `mailkit serve`."""
    from mailkit.cli.lmtp import DELIVERIES

    return DELIVERIES


async def serve(kind: str) -> None:
    loop = asyncio.get_running_loop()
    if kind == "mailkit":
        from mailkit.listeners.lmtp import LmtpListener

        _, port = await LmtpListener(Sink()).listen(port=0)
    elif kind == "stored":
        import atexit
        import shutil
        import tempfile
        from concurrent.futures import ThreadPoolExecutor

        from mailkit import MailKit
        from mailkit.listeners.inbound import InboundSink
        from mailkit.listeners.lmtp import LmtpListener

        folder = tempfile.mkdtemp(prefix="mailkit-bench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        kit = MailKit.open(folder, settings={"mail.hostname": "mx.example.org", "limits.received_per_minute": 10**9})
        kit.accounts.create("bob", address="bob@example.net", quota=1 << 40)
        sink = InboundSink(kit, ThreadPoolExecutor(options_threads()))
        _, port = await LmtpListener(sink).listen(port=0)
    elif kind == "aiosmtpd":
        from aiosmtpd.lmtp import LMTP

        class Handler:
            async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
                return "250 Ok"

        server = await loop.create_server(lambda: LMTP(Handler(), enable_SMTPUTF8=True), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    elif kind == "streams":
        server = await asyncio.start_server(streams_client, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    else:
        server = await loop.create_server(Floor, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    stopped = asyncio.Event()

    def stdin_said() -> None:
        # The client asks for the processor time used so far with a line, and ends the process by closing the pipe.
        if not os.read(0, 100):
            stopped.set()
            return
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(usage.ru_utime + usage.ru_stime, flush=True)

    loop.add_reader(0, stdin_said)
    await stopped.wait()


# The client


class Client(asyncio.Protocol):
    """Sends `count` messages over one connection; a step is what is sent, and how many reply lines it waits for."""

    def __init__(self, count: int, message: bytes, pipelining: bool) -> None:
        self.done = asyncio.get_running_loop().create_future()
        commands = [b"MAIL FROM:<alice@example.org>\r\n", b"RCPT TO:<bob@example.net>\r\n", b"DATA\r\n"]
        content = (message + b".\r\n", 1)
        self.steps = [(b"".join(commands), 3), content] if pipelining else [(c, 1) for c in commands] + [content]
        self.left, self.step, self.wait = count, 0, 2

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"LHLO client.example\r\n")

    def data_received(self, data: bytes) -> None:
        # Final lines of replies have a space as their fourth octet.
        self.wait -= sum(line[3:4] == b" " for line in data.split(b"\n") if line)
        if self.wait > 0:
            return
        if self.step == 0:
            if self.left == 0:
                if not self.done.done():
                    self.done.set_result(None)
                self.transport.close()
                return
            self.left -= 1
        octets, self.wait = self.steps[self.step]
        self.step = (self.step + 1) % len(self.steps)
        self.transport.write(octets)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the listener hung up"))


async def send(port: int, options: argparse.Namespace, message: bytes) -> float:
    loop = asyncio.get_running_loop()
    share = options.messages // options.connections
    clients = []
    began = time.perf_counter()
    for _ in range(options.connections):
        _, client = await loop.create_connection(lambda: Client(share, message, options.pipelining), "127.0.0.1", port)
        clients.append(client.done)
    await asyncio.gather(*clients)
    return share * options.connections / (time.perf_counter() - began)


def measure(kinds: list[str], options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Per kind: messages a second, and processor seconds of the listener per message; the best of the rounds."""
    line = b"The quick brown fox jumps over the lazy dog, and goes on to the end of it.\r\n"
    message = b"From: a@example.org\r\nSubject: benchmark\r\n\r\n"
    message += line * ((options.size - len(message)) // len(line))
    processes = {
        kind: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.lmtp", "--serve", kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for kind in kinds
    }
    ports = {kind: int(process.stdout.readline()) for kind, process in processes.items() if process.stdout}

    def cpu(kind: str) -> float:
        process = processes[kind]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"?\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    best: dict[str, tuple[float, float]] = {}
    try:
        for _ in range(options.rounds):
            for kind in kinds:
                before = cpu(kind)
                rate = asyncio.run(send(ports[kind], options, message))
                spent = (cpu(kind) - before) / options.messages
                old_rate, old_spent = best.get(kind, (0.0, float("inf")))
                best[kind] = max(rate, old_rate), min(spent, old_spent)
    finally:
        for process in processes.values():
            process.communicate()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-pipelining", dest="pipelining", action="store_false")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    kinds = ["floor", "streams", *(["aiosmtpd"] if find_spec("aiosmtpd") else []), "mailkit", "stored"]
    best = measure(kinds, options)
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{options.size} octets, {options.connections} connections, pipelining {options.pipelining}")
    rate, spent = best["mailkit"]
    for kind, (peer_rate, peer_spent) in best.items():
        ratios = f"mailkit is {rate / peer_rate:.2f} x its rate, {peer_spent / spent:.2f} x by cpu"
        print(f"{kind:9} {peer_rate:8.0f} msg/s  {peer_spent * 1e6:6.0f} us cpu/msg  {ratios}")
    print("aim: 0.40 x floor, above 1 x aiosmtpd")
    stored, _ = best["stored"]
    for kind in (kind for kind in kinds if kind != "stored"):
        print(f"stored is {stored / best[kind][0]:.2f} x the rate of {kind}, which stores nothing (aim 0.40)")


if __name__ == "__main__":
    main()
