"""What OAuth clients need beside the API: the token and device endpoints, introspection, revocation, the page where
people sign in, and the documents by which clients find all that (RFC 6749, 7009, 7662, 8414, 8628, 9207).

Errors are `{"error", "error_description"}` with the RFC's words. No answer may be kept by a cache.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import anyio.to_thread
import msgspec

from mailkit.accounts.login import Attempt
from mailkit.accounts.oauth import DEVICE_GRANT, INTERVAL
from mailkit.credentials.attempts import network
from mailkit.credentials.oauth.authorize import WEBADMIN, Asked
from mailkit.errors import Denied, Invalid, MailKitError, RateLimited
from mailkit.http import multipart, querystring
from mailkit.http.answers import Response
from mailkit.http.connection import Budget, Connection, Receive, Scope, Send
from mailkit.http.dialect import Served
from mailkit.http.origin import cors_headers, foreign_site
from mailkit.http.stalwart.authorization import caller_of
from mailkit.http.stalwart.authorize_page import HEADERS, page
from mailkit.principals.permits import Caller, TokenKind
from mailkit.settings import kernel as keys
from mailkit.telemetry import emit

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["PATHS", "OAuthServer"]

_LARGEST: Final = 2048
_LARGEST_PAGE: Final = 16 << 10
_METADATA: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
PATHS: Final = frozenset(
    (
        "/auth/token",
        "/auth/device",
        "/auth/introspect",
        "/auth/revoke",
        "/auth/register",
        "/auth/userinfo",
        "/auth/jwks.json",
        "/authorize",
        "/authorize/",  # where Stalwart's devices send people
        *_METADATA,
    )
)
_KEPT: Final[tuple[str, ...]] = (
    "response_type", "client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method", "code",
)  # fmt: skip


class OAuthServer:
    """The endpoints as an ASGI application; `of_token` and `address` are the API's own."""

    def __init__(
        self,
        kit: "MailKit",
        *,
        budget: Budget,
        of_token: Callable[[str], Awaitable[Caller]],
        address: Callable[[Connection], str],
        served: Callable[[Served], None] | None = None,
    ) -> None:
        self.kit = kit
        self._budget = budget
        self._of_token = of_token
        self._address = address
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        started = perf_counter_ns()
        connection = Connection(scope, receive, self._budget)
        origin = connection.header(b"origin")
        try:
            answer = await self._answer(connection)
        except MailKitError as error:
            answer = _error(error)
        except Exception as error:
            emit("http.crashed", level="error", method=connection.method, path=connection.path, error=repr(error))
            answer = _json(500, {"error": "server_error"})
        finally:
            connection.release()
        allowed = self.kit.settings.get(keys.HTTP_CORS_ORIGINS)
        if origin and connection.path != "/authorize":
            extra = tuple(cors_headers(origin, allowed, preflight=connection.method == "OPTIONS"))
            answer = Response(answer.status, answer.body, answer.media_type, (*answer.headers, *extra))
        size = await answer.send(send, body=connection.method != "HEAD")
        if self._served is not None:
            micros = (perf_counter_ns() - started) // 1000
            address = self._address(connection)
            self._served(Served(connection.method, connection.path, "oauth", answer.status, size, micros, address, ""))

    async def _answer(self, connection: Connection) -> Response:
        match connection.method, connection.path:
            case "OPTIONS", _:
                return Response(204, b"")
            case "GET" | "HEAD", path if path in _METADATA:
                return _json(200, self._metadata())
            case "GET" | "HEAD", "/auth/jwks.json":
                return _json(200, await self.kit.store.atransact(lambda tx: self.kit.oauth.jwks(tx=tx)))
            case "GET" | "POST", "/auth/userinfo":
                caller = await self._caller(connection)
                return _json(200, await self._thread(lambda: self.kit.oauth.userinfo(caller)))
            case "POST", "/auth/token":
                return await self._token(await self._form(connection))
            case "POST", "/auth/device":
                return await self._device(await self._form(connection))
            case "POST", "/auth/introspect":
                await self._caller(connection)
                token = (await self._form(connection)).get("token", "")
                return _json(200, await self._thread(lambda: self.kit.oauth.introspect(token)))
            case "POST", "/auth/revoke":
                form = await self._form(connection)
                if not form.get("token"):
                    raise Denied("oauth.invalid_request", "token is missing")
                client = form.get("client_id")
                await self.kit.store.atransact(lambda tx: self.kit.oauth.revoke(form["token"], client=client, tx=tx))
                return _json(200, {})
            case "POST", "/auth/register":
                return _json(201, await self._register(connection))
            case "GET" | "HEAD", "/authorize" | "/authorize/":
                return await self._ask({k: v for k, v in querystring.flat(connection.query) if k in _KEPT})
            case "POST", "/authorize":
                return await self._consent(connection)
        return _json(405, {"error": "invalid_request", "error_description": "not with this method"})

    # tokens

    async def _form(self, connection: Connection, largest: int = _LARGEST) -> dict[str, str]:
        body = await connection.body(largest)
        kind = connection.header(b"content-type")
        if kind.startswith("multipart/form-data"):
            pairs = list(multipart.parse_form(kind, body))
        elif kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            pairs = list(querystring.flat(body.decode("utf-8", "replace")))
        else:
            raise Denied("oauth.invalid_request", "the body must be a form")
        form: dict[str, str] = {}
        for name, value in pairs:
            if name in form:  # RFC 6749 3.2: parameters must not be repeated
                raise Denied("oauth.invalid_request", f"{name} is repeated")
            form[name] = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
        return form

    async def _token(self, form: dict[str, str]) -> Response:
        tokens = await self._thread(lambda: self.kit.oauth.exchange(form))
        told: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "expires_in": tokens.expires_in,
        }
        for name in ("refresh_token", "id_token"):
            if (value := getattr(tokens, name)) is not None:
                told[name] = value
        return _json(200, told)

    async def _device(self, form: dict[str, str]) -> Response:
        client, nonce = form.get("client_id", ""), form.get("nonce")
        made = await self.kit.store.atransact(lambda tx: self.kit.oauth.device(client, nonce=nonce, tx=tx))
        base = self.kit.oauth.issuer()
        return _json(
            200,
            {
                "device_code": made.device_code,
                "user_code": made.user_code,
                "verification_uri": f"{base}/authorize",
                "verification_uri_complete": f"{base}/authorize/?code={made.user_code}",
                "expires_in": made.expires_in,
                "interval": INTERVAL,
            },
        )

    async def _register(self, connection: Connection) -> dict[str, Any]:
        caller = await self._caller(connection) if connection.header(b"authorization") else None
        try:
            body = msgspec.json.decode(await connection.body(_LARGEST_PAGE), type=dict[str, Any])
        except msgspec.MsgspecError:
            raise Denied("oauth.invalid_client_metadata", "the body must be a JSON object") from None
        nearby = network(self._address(connection))
        told: dict[str, Any] = await self.kit.store.atransact(
            lambda tx: self.kit.access.oauth_clients.register(body, caller, network=nearby, tx=tx)
        )
        return told

    async def _caller(self, connection: Connection) -> Caller:
        header = connection.header(b"authorization")
        return await caller_of(self.kit, header, self._address(connection), self._of_token)

    def _metadata(self) -> dict[str, Any]:
        base = self.kit.oauth.issuer()
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/auth/token",
            "device_authorization_endpoint": f"{base}/auth/device",
            "introspection_endpoint": f"{base}/auth/introspect",
            "registration_endpoint": f"{base}/auth/register",
            "revocation_endpoint": f"{base}/auth/revoke",
            "userinfo_endpoint": f"{base}/auth/userinfo",
            "jwks_uri": f"{base}/auth/jwks.json",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": True,
        }

    # the page

    async def _ask(self, given: dict[str, str], error: str | None = None) -> Response:
        """The form; what cannot be answered is told here, and nobody is redirected to where nobody has registered."""
        if "client_id" not in given:
            title = "Connect a device"
            return _page(
                page(title, lines=("Type in the code that the device shows.",), error=error, hidden=given, device=True)
            )
        asked = _asked(given)
        client = await self._thread(lambda: self.kit.oauth.check(asked, direct=False))
        if given.get("response_type", "code") != "code":
            return _redirect(asked.redirect, given, {"error": "unsupported_response_type"}, self.kit.oauth.issuer())
        name = client.name if client else ("The administration page" if asked.client == WEBADMIN else asked.client)
        where = urlsplit(asked.redirect)
        lines = (
            f"{name} asks to act as you on this mail server.",
            f"The answer is sent to {where.hostname or where.scheme + ':'}.",
            *(
                ()
                if (client and client.vouched) or asked.client == WEBADMIN
                else ("Nobody here has vouched for it: allow it only if you began this yourself.",)
            ),
        )
        return _page(page("Allow access?", lines=lines, error=error, hidden=given))

    async def _consent(self, connection: Connection) -> Response:
        sent_from = connection.header(b"origin")
        if foreign_site(connection.header(b"sec-fetch-site")) or (
            sent_from and urlsplit(sent_from).netloc.lower() != connection.header(b"host").lower()
        ):
            raise Denied("origin.refused", "Another site's page may not send this form")
        form = await self._form(connection, _LARGEST_PAGE)
        given = {name: form[name] for name in _KEPT if name in form}
        device = "client_id" not in given
        asked = _asked(given)
        issuer = self.kit.oauth.issuer()
        if not device:
            await self._thread(lambda: self.kit.oauth.check(asked, direct=False))
        if form.get("answer") != "allow":
            if device:
                return _page(page("Nothing was connected"))
            return _redirect(asked.redirect, given, {"error": "access_denied"}, issuer)
        password = form.get("password", "") + (f"${form['totp'].strip()}" if form.get("totp", "").strip() else "")
        attempt = Attempt(
            form.get("username", ""), password, protocol="OAuth", ip=self._address(connection), app_id=asked.client
        )
        try:
            done = await self._thread(lambda: self.kit.login.basic(attempt))
            kind = TokenKind.APP_PASSWORD if done.app else TokenKind.BASIC
            caller = await self._thread(lambda: self.kit.callers.of_principal(done.principal.number, kind))
            for needed in ("authenticate", "authenticate-oauth"):
                if needed not in caller.permissions:
                    raise Denied("permission.missing", "This account may not sign in here")
            if kind is TokenKind.APP_PASSWORD:
                raise Denied("login.failed", "An application password is not enough here")
            if device:
                approved = await self.kit.store.atransact(
                    lambda tx: self.kit.oauth.approve(caller, given.get("code", ""), tx=tx)
                )
                if not approved:
                    return await self._ask(given, "No device shows this code.")
                return _page(page("Connected", lines=("The device is connected. You can close this page.",)))
            nonce = given.get("nonce")
            code = await self.kit.store.atransact(
                lambda tx: self.kit.oauth.code(caller, asked, nonce=nonce, direct=False, tx=tx)
            )
        except (Denied, RateLimited) as error:
            return await self._ask(given, _TOLD.get(error.code, error.message))
        return _redirect(asked.redirect, given, {"code": code}, issuer)

    async def _thread(self, run: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(run)


_TOLD: Final = {
    "login.failed": "The name, the password or the code is wrong.",
    "totp.missing": "This account asks for a code as well.",
    "login.limited": "Too many failures. Try again in a few minutes.",
}


def _asked(given: dict[str, str]) -> Asked:
    return Asked(
        given.get("client_id", ""),
        given.get("redirect_uri", ""),
        given.get("code_challenge"),
        given.get("code_challenge_method"),
    )


def _redirect(target: str, given: dict[str, str], answer: dict[str, str], issuer: str) -> Response:
    """Sends the browser back, with `state` and `iss` (RFC 9207). The target was checked."""
    parts = urlsplit(target)
    state = {"state": given["state"]} if "state" in given else {}
    added = urlencode({**answer, **state, "iss": issuer})
    query = f"{parts.query}&{added}" if parts.query else added
    location = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    if not parts.netloc and target.startswith(f"{parts.scheme}://"):
        location = f"{parts.scheme}://{location.partition(':')[2]}"  # urlunsplit drops the empty authority
    return Response(303, b"", b"text/plain", ((b"location", location.encode("ascii", "replace")), *HEADERS[2:]))


def _page(body: bytes, status: int = 200) -> Response:
    return Response(status, body, b"text/html; charset=utf-8", HEADERS)


_STATUS: Final = {"login.failed": 401, "token.invalid": 401, "totp.missing": 401}


def _error(error: MailKitError) -> Response:
    if error.code.startswith("oauth."):
        word, status = error.code.removeprefix("oauth."), 429 if isinstance(error, RateLimited) else 400
    elif isinstance(error, (Invalid, Denied, RateLimited)):
        status = _STATUS.get(
            error.code, 400 if isinstance(error, Invalid) else 429 if isinstance(error, RateLimited) else 403
        )
        word = "invalid_token" if status == 401 else "invalid_request" if status == 400 else "access_denied"
    else:
        status, word = 503, "temporarily_unavailable"
    headers = ((b"www-authenticate", b'Bearer realm="mailkit"'),) if status == 401 else ()
    return _json(status, {"error": word, "error_description": error.message}, headers)


def _json(status: int, body: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    return Response(status, msgspec.json.encode(body), headers=((b"pragma", b"no-cache"), *headers))
