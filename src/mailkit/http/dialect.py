"""The way of a request through a dialect, the same for both. What differs is in their subclasses.

    path -> operation -> who asks -> may they -> body -> parameters -> request object -> endpoint -> answer

The permission is checked before the body is read: who may not do a thing learns nothing from its validation.
"""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread
from attrs import frozen

from mailkit.errors import Conflict, Corrupt, Denied, Invalid, MailKitError, NotSupported, Unavailable
from mailkit.http.answers import Content, Response, send_content
from mailkit.http.client_address import client_address
from mailkit.http.connection import Budget, Connection, Receive, Scope, Send
from mailkit.http.declare import CONNECTION
from mailkit.http.later import OnThread
from mailkit.http.matching import Missing, Routes
from mailkit.http.once import HEADER, Once, Replayed, fingerprint, key_of, takes_key, who
from mailkit.http.operation import Operation, Runs
from mailkit.http.origin import cors_headers, foreign_site, local_only
from mailkit.http.room import Room
from mailkit.http.structure import Reader, reader
from mailkit.http.wire import encoder
from mailkit.idempotency import Name
from mailkit.principals.permits import LOCAL_ADMINISTRATOR, Caller, permits
from mailkit.settings import kernel as keys
from mailkit.storage.api import ReadTx
from mailkit.storage.calls import settled
from mailkit.telemetry import emit

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["Dialect", "Served"]

T = TypeVar("T")

_ATTEMPTS = 3

_KEY = HEADER.lower().encode()

NOBODY = Caller()


@frozen
class Served:
    """What is told of a request after it was answered. The path, never the query: tokens may stand there."""

    method: str
    path: str
    operation: str
    status: int
    size: int
    microseconds: int
    address: str
    caller: str


@frozen
class _Ready:
    """An operation with what was compiled for it."""

    operation: Operation
    reader: Reader[Any] | None
    encode: Callable[[Any], bytes]
    of_connection: tuple[tuple[str, str], ...] = ()
    """Attributes that come from the connection, with their source."""


class Dialect(ABC):
    """One vendor's API over a kit: an ASGI application."""

    def __init__(
        self, kit: "MailKit", routes: Routes, *, budget: Budget, served: Callable[[Served], None] | None = None
    ) -> None:
        self.kit = kit
        self.routes = routes
        self._budget = budget
        self._room = Room()
        self._served = served
        self._open = kit.settings.get(keys.HTTP_OPEN)
        self._ready = {operation: _compile(operation) for operation in routes.operations}

    # what a dialect decides

    @abstractmethod
    async def authenticate(self, connection: Connection) -> Caller:
        """Who asks, by the credentials that were sent; Denied when they are missing or wrong."""

    @abstractmethod
    def parameters(
        self, connection: Connection, operation: Operation, path: dict[str, str], body: bytes | None
    ) -> dict[str, Any]:
        """Everything the request says, by wire name."""

    @abstractmethod
    def body_limit(self, operation: Operation) -> int:
        """Bytes that the body of an operation may have."""

    @abstractmethod
    def success(self, encoded: bytes) -> Response:
        """An answer in the envelope of success."""

    @abstractmethod
    def failure(self, error: Exception, operation: Operation | None, ask: object) -> Response:
        """An error in the dialect's shape; `ask` is the request object, None before there is one."""

    @abstractmethod
    async def unknown(self, connection: Connection, methods: tuple[str, ...]) -> Response:
        """No operation has this path with this method; `methods` are those that it has."""

    def owner(self, path: dict[str, str], caller: Caller) -> str | None:
        """Whose object the path is about, as far as the path says. May replace words such as `me` in it."""
        return None

    # the way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        started = perf_counter_ns()
        connection = Connection(scope, receive, self._budget)
        origin = connection.header(b"origin")
        state = _State()
        try:
            result = await self._answer(connection, origin, state)
        except Exception as error:
            if not isinstance(error, MailKitError):
                where = _frames(error)
                emit("http.crashed", level="error", method=connection.method, path=connection.path, error=where)
            elif isinstance(error, (Unavailable, Corrupt)):
                emit("http.failed", level="error", method=connection.method, path=connection.path, error=str(error))
            result = self.failure(error, state.operation, state.ask)
        finally:
            connection.release()
        headers = tuple(cors_headers(origin, self._origins(), preflight=False)) if origin else ()
        if isinstance(result, Content):
            status = result.status
            size = await send_content(result, send, receive, headers)
        else:
            status = result.status
            if headers:
                result = Response(result.status, result.body, result.media_type, (*result.headers, *headers))
            size = await result.send(send, body=connection.method != "HEAD")
        if self._served is not None:
            operation = state.operation.name if state.operation else ""
            micros = (perf_counter_ns() - started) // 1000
            self._served(
                Served(
                    connection.method,
                    connection.path,
                    operation,
                    status,
                    size,
                    micros,
                    self.address(connection),
                    state.caller.name,
                )
            )

    async def _answer(self, connection: Connection, origin: str, state: "_State") -> Response | Content:
        if connection.headers_too_large():
            raise Invalid("headers.too_large", "The request has more than 64 KiB of headers")
        if self._open:
            refusal = local_only(connection.header(b"host"), origin, connection.header(b"sec-fetch-site"))
            if refusal is not None:
                raise Denied("origin.refused", refusal)
        if connection.method == "OPTIONS":
            return Response(204, b"", headers=tuple(cors_headers(origin, self._origins(), preflight=True)))
        found = self.routes.find(connection.method, connection.path)
        if isinstance(found, Missing):
            return await self.unknown(connection, found.methods)
        operation, path = found
        state.operation = operation
        caller = state.caller = await self._caller(connection, operation)
        owner = state.owner = self.owner(path, caller)
        if operation.need is not None:
            permit = permits(caller, operation.need, owner=owner)
            if not permit.allowed:
                raise Denied("permission.missing", "Not enough privileges", reason=permit.reason)
        if operation.changes and foreign_site(connection.header(b"sec-fetch-site")) and origin not in self._origins():
            raise Denied("origin.refused", "Another site's page may not ask for this")
        return await self._run(connection, self._ready[operation], path, state)

    async def _caller(self, connection: Connection, operation: Operation) -> Caller:
        if operation.need is None:
            return NOBODY
        if self._open and not self.has_credentials(connection):
            return LOCAL_ADMINISTRATOR
        return await self.authenticate(connection)

    @abstractmethod
    def has_credentials(self, connection: Connection) -> bool:
        """True when the request carries credentials of any kind: they are always checked."""

    async def _run(
        self, connection: Connection, ready: _Ready, path: dict[str, str], state: "_State"
    ) -> Response | Content:
        endpoint = ready.operation.endpoint
        if endpoint is None or ready.reader is None:
            raise NotSupported("operation.not_built", f"{ready.operation.name} is not built yet")
        body = await connection.body(self.body_limit(ready.operation)) if self.has_body(connection) else None
        values = self.parameters(connection, ready.operation, path, body)
        header = connection.list_header(_KEY)
        once = await self._once(ready, header, values, state) if header else None
        for name, source in ready.of_connection:
            values[name] = self._said(connection, source)
        ask = state.ask = ready.reader(values)
        result = await self.run(endpoint.runs, endpoint.function, ask, state.caller, once)
        if isinstance(result, Content):
            return result
        return self.success(result.answer if isinstance(result, Replayed) else ready.encode(result))

    async def _once(self, ready: _Ready, header: str, values: dict[str, Any], state: "_State") -> Once | None:
        """The request by the name that its client gave it; None where names mean nothing."""
        operation, kit = ready.operation, self.kit
        if not takes_key(operation):
            return None
        key = key_of(header)
        said = await anyio.to_thread.run_sync(fingerprint, operation.name, dict(values))  # it may be large
        name = Name(who(state.caller, state.owner), key, said)
        return Once(kit.idempotency, name, kit.clock, ready.encode, operation.secret)

    def _said(self, connection: Connection, source: str) -> str:
        """What the connection itself says."""
        if source == "address":
            return self.address(connection)
        if source == "token":
            return self.presented_token(connection)
        if source == "range" and b"if-range" in connection.headers:
            return ""  # RFC 9110 13.1.5: no validator is ever given out, so whatever it names is not this
        return connection.header(source.encode())

    async def run(
        self, runs: Runs, function: Callable[..., Any], ask: Any, caller: Caller, once: Once | None = None
    ) -> Any:
        """Runs an endpoint the way it is marked; what was done `once` is not done again."""
        kit, store = self.kit, self.kit.store
        match runs:
            case Runs.READ if not store.reads_block:
                result = function(kit, ask, caller)
            case Runs.WRITE:
                write = partial(function, kit, ask, caller)
                return await store.atransact(write if once is None else once.around(write))
            case Runs.PREPARED:
                if once is not None and (known := await self._reading(once.known)) is not None:
                    return known
                return await self._prepared(function, ask, caller, once)
            case Runs.READ:
                result = await anyio.to_thread.run_sync(settled, lambda: function(kit, ask, caller))
            case _:
                result = await anyio.to_thread.run_sync(function, kit, ask, caller)
        if isinstance(result, OnThread):
            async with self._room.of(result.weight):
                result = await anyio.to_thread.run_sync(result.function)
        return result

    async def _reading(self, function: Callable[[ReadTx], T]) -> T:
        def read() -> T:
            with self.kit.store.snapshot() as tx:
                return function(tx)

        return await anyio.to_thread.run_sync(settled, read) if self.kit.store.reads_block else read()

    async def _prepared(self, function: Callable[..., Any], ask: Any, caller: Caller, once: Once | None) -> Any:
        for attempt in range(_ATTEMPTS):
            commit = await anyio.to_thread.run_sync(function, self.kit, ask, caller)
            if isinstance(commit, OnThread):
                async with self._room.of(commit.weight):
                    commit = await anyio.to_thread.run_sync(commit.function)
            try:
                return await self.kit.store.atransact(commit if once is None else once.around(commit))
            except Conflict:  # what was prepared is stale: a blob was purged meanwhile
                if attempt == _ATTEMPTS - 1:
                    raise
        return None

    def has_body(self, connection: Connection) -> bool:
        """True when the request's body is to be read."""
        return connection.method not in ("GET", "HEAD")

    def address(self, connection: Connection) -> str:
        """The client's address."""
        forwarded = connection.list_header(b"x-forwarded-for")  # some proxies add a field, others extend it
        if not forwarded:
            return connection.peer
        proxies = self.kit.settings.get(keys.HTTP_TRUSTED_PROXIES)
        return client_address(connection.peer, forwarded, proxies)

    @abstractmethod
    def presented_token(self, connection: Connection) -> str:
        """The access token as it was sent; empty without one."""

    def _origins(self) -> tuple[str, ...]:
        return self.kit.settings.get(keys.HTTP_CORS_ORIGINS)

    async def of_token(self, token: str) -> Caller:
        """The caller behind an access token; Denied `token.invalid`. Using it renews it, seldom enough to be cheap."""
        callers, credentials = self.kit.callers, self.kit.credentials
        if self.kit.store.reads_block:
            checked = await anyio.to_thread.run_sync(callers.of_token, token)
        else:
            checked = callers.of_token(token)
        if (key := checked.renew) is not None:
            now = self.kit.clock()
            await self.kit.store.atransact(lambda tx: credentials.renew(key, now=now, tx=tx))
        return checked.caller


class _State:
    """What is known of a request so far."""

    __slots__ = ("ask", "caller", "operation", "owner")

    def __init__(self) -> None:
        self.operation: Operation | None = None
        self.caller = NOBODY
        self.owner: str | None = None
        self.ask: Any = None


def _compile(operation: Operation) -> _Ready:
    endpoint = operation.endpoint
    if endpoint is None:
        return _Ready(operation, None, lambda value: b"")
    made: Reader[Any] = reader(endpoint.request, operation.unknown)
    in_path = {segment[1:-1] for segment in operation.path.split("/") if segment.startswith("{")}
    missing = in_path - made.params.keys()
    if missing:
        raise TypeError(f"{operation.name}: {endpoint.request.__name__} does not declare {', '.join(missing)}")
    sources = ((name, param.source) for name, (_, param) in made.params.items())
    of_connection = tuple((name, source) for name, source in sources if source in CONNECTION)
    return _Ready(operation, made, encoder(endpoint.answer), of_connection)


def _frames(error: BaseException, most: int = 6) -> str:
    """Kind and place of a mistake of ours, for the log; not its words, which may quote what people keep here."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return " < ".join([type(error).__name__, *(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))])
