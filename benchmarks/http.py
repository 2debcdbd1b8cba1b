"""HTTP: an authenticated GET of one user and a small durable write, against an empty async Starlette endpoint.

    python -m benchmarks.http [--seconds 3] [--rounds 3]

One uvicorn worker each, 32 connections that are kept open, the same client for all; rounds are interleaved and the
best of each counts. On a busy machine, or with a slow client, look at the second pair of columns: requests per second
of the server's own processor time. Further lines say what a page of 20 users costs out of 1,000 and out of many.
"""

import argparse
import asyncio
import multiprocessing
import os
import platform
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

CONNECTIONS = 32


def _empty_app() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def empty(request: Request) -> JSONResponse:
        return JSONResponse({})

    return Starlette(routes=[Route("/", empty)])


def _serve(make: Callable[[], Any], port: int) -> None:
    if make is _empty_app:
        import uvicorn

        uvicorn.run(make(), port=port, log_level="error", access_log=False)
        return
    from mailkit.http.server import make_server, run_server

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    run_server(make_server(make()), listening)


def _mailkit_app(path: str) -> Callable[[], Any]:
    """Both dialects, and one operation more, `PUT /probe`: a durable write of one row, to a user's token only."""

    def make() -> Any:
        from mailkit.http import build_app
        from mailkit.http.connection import Budget
        from mailkit.http.matching import Routes
        from mailkit.http.operation import Operation, endpoint_of
        from mailkit.http.wildduck.dialect import WildDuck
        from mailkit.http.wildduck.routes import ROUTES
        from mailkit.kit import MailKit
        from mailkit.principals.permits import Need

        kit = MailKit.open(path)
        app = build_app(kit)
        need = Need.wildduck("users:update:any")
        probe = Operation("PUT", "/probe", "probe", "Benchmark", need, endpoint_of(probe_endpoint()))
        app.wildduck = WildDuck(kit, Routes((*ROUTES, probe)), budget=Budget(1 << 28))
        return app

    return make


def probe_endpoint() -> Callable[..., Any]:
    """An endpoint that writes one row."""
    from mailkit.http.declare import answer, request
    from mailkit.http.operation import write
    from mailkit.http.wildduck import fields as take
    from mailkit.kit import MailKit
    from mailkit.principals.permits import Caller
    from mailkit.storage import keyspace
    from mailkit.storage.api import Tx

    @request
    class Probe:
        value: str = take.text(100)

    @answer
    class Done:
        value: str

    def put(kit: MailKit, ask: Probe, caller: Caller, tx: Tx) -> Done:
        tx.put(keyspace.LIMIT.key("benchmark", ask.value), ask.value.encode())
        return Done(value=ask.value)

    put.__annotations__ = {"ask": Probe, "return": Done}
    return write(put)


class _Client(asyncio.Protocol):
    """One connection: sends the next request when an answer is complete."""

    def __init__(self, make: Callable[[], bytes], stop: float, done: asyncio.Future[None]) -> None:
        self.make, self.stop, self.done = make, stop, done
        self.count = self.failed = 0
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.make())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.find(b"content-length: ", 0, head)
        length = int(self.buffer[at + 16 : self.buffer.index(b"\r\n", at)])
        if len(self.buffer) < head + 4 + length:
            return
        self.count += 1
        self.failed += not self.buffer.startswith(b"HTTP/1.1 200")
        self.buffer = b""
        if time.perf_counter() < self.stop:
            self.transport.write(self.make())
        else:
            self.transport.close()
            self.done.set_result(None)


async def _load(port: int, make: Callable[[], bytes], seconds: float) -> float:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = []
    for _ in range(CONNECTIONS):
        client = _Client(make, started + seconds, loop.create_future())
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    failed = sum(client.failed for client in clients)
    if failed:
        raise SystemExit(f"{failed} requests failed")
    return sum(client.count for client in clients) / (time.perf_counter() - started)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a server did not start")


def _request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if token:
        head += f"X-Access-Token: {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def _prepare(path: str, users: int) -> tuple[str, str]:
    from mailkit.accounts.create import NewAccount
    from mailkit.credentials.passwords import Cost
    from mailkit.kit import MailKit

    with MailKit.open(path, password_cost=Cost(8, 1, 1), settings={"mail.domain": "example.org"}) as kit:
        token = kit.credentials.issue_token("admin", now=kit.clock())
        first = kit.accounts.create("user0", password="benchmark")
        for start in range(1, users, 500):
            fns = [kit.accounts.prepare(NewAccount(f"user{n}")) for n in range(start, min(users, start + 500))]
            kit.transact(lambda tx, fns=fns: [fn(tx) for fn in fns])
        return token, str(first.id)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=10_000, help="users of the larger listing")
    args = parser.parse_args()
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        small, large = os.path.join(folder, "small"), os.path.join(folder, "large")
        token, user = _prepare(small, 1_000)
        large_token, _ = _prepare(large, args.many)
        ports = {name: _free_port() for name in ("empty", "small", "large")}
        makes = {"empty": _empty_app, "small": _mailkit_app(small), "large": _mailkit_app(large)}
        servers = [context.Process(target=_serve, args=(makes[name], port)) for name, port in ports.items()]
        for server in servers:
            server.start()
        try:
            for port in ports.values():
                _wait(port)
            pids = {ports[name]: server.pid or 0 for name, server in zip(ports, servers, strict=True)}
            _measure(args, ports, pids, token, large_token, user)
        finally:
            for server in servers:
                server.terminate()
                server.join()


def _cpu(pid: int) -> float:
    """Seconds of processor time a server has used (Linux)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure(
    args: argparse.Namespace, ports: dict[str, int], pids: dict[int, int], token: str, large_token: str, user: str
) -> None:
    uploaded = b'{"raw": "Subject: hi\\r\\n\\r\\nhello\\r\\n"}'
    box = asyncio.run(_inbox(ports["small"], token, user))
    works: dict[str, tuple[int, bytes]] = {
        "empty Starlette endpoint": (ports["empty"], _request("GET", "/")),
        "GET /users/{user}": (ports["small"], _request("GET", f"/users/{user}", token)),
        "page of 20 of 1,000": (ports["small"], _request("GET", "/users?limit=20", token)),
        f"page of 20 of {args.many:,}": (ports["large"], _request("GET", "/users?limit=20", large_token)),
        "small durable write": (ports["small"], _request("PUT", "/probe", token, b'{"value": "100 bytes or fewer"}')),
        "upload of a message": (
            ports["small"],
            _request("POST", f"/users/{user}/mailboxes/{box}/messages", token, uploaded),
        ),
    }
    best = dict.fromkeys(works, (0.0, 0.0))
    for _ in range(args.rounds):
        for name, (port, data) in works.items():
            before = _cpu(pids[port])
            rate = asyncio.run(_load(port, lambda data=data: data, args.seconds))
            busy = _cpu(pids[port]) - before
            best[name] = max(best[name], (rate, rate * args.seconds / busy))
    base, base_cpu = best["empty Starlette endpoint"]
    aims = {"GET /users/{user}": "aim >= 0.4", "small durable write": "aim >= 0.3"}
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {CONNECTIONS} connections"
    )
    print(f"{'':28} {'per second':>11} {'of empty':>9}   {'per CPU s':>10} {'of empty':>9}")
    for name, (rate, per_cpu) in best.items():
        ratios = f"{rate:11,.0f} {rate / base:9.2f}   {per_cpu:10,.0f} {per_cpu / base_cpu:9.2f}"
        print(f"{name:28} {ratios}   {aims.get(name, '')}")
    pages = [rate for name, (rate, _) in best.items() if name.startswith("page")]
    print(f"page out of many / out of 1,000: {pages[0] / pages[1]:.2f} times the time   aim <= 1.5")


async def _inbox(port: int, token: str, user: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("GET", f"/users/{user}/mailboxes", token))
    data = await reader.readuntil(b'"name":"INBOX"')
    writer.close()
    return data[data.index(b'"id":"') + 6 :][:24].decode()


if __name__ == "__main__":
    main()
