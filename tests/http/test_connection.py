"""A request as it comes: repeated fields, slow and wrongly announced bodies."""

from typing import Any

import anyio
import pytest

from mailkit.errors import Invalid
from mailkit.http import connection
from mailkit.http.connection import Budget, Connection


def connected(receive: Any, *headers: tuple[bytes, bytes], budget: Budget | None = None) -> Connection:
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Connection(scope, receive, budget or Budget(1000))


async def nothing() -> Any:
    await anyio.sleep_forever()


def test_the_fields_of_a_list_are_read_together() -> None:
    repeated = connected(nothing, (b"x-forwarded-for", b"1.1.1.1"), (b"x", b"y"), (b"x-forwarded-for", b"2.2.2.2"))
    assert repeated.list_header(b"x-forwarded-for") == "1.1.1.1, 2.2.2.2"
    assert repeated.list_header(b"x-real-ip") == ""


@pytest.mark.parametrize("pieces", [0, 3])
def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    monkeypatch.setattr(connection, "_BODY_SECONDS", 0.05)
    budget = Budget(1000)

    async def go() -> None:
        left = pieces

        async def receive() -> Any:
            nonlocal left
            if not left:
                await anyio.sleep_forever()
            left -= 1
            return {"type": "http.request", "body": b"x", "more_body": True}

        asked = connected(receive, (b"content-length", b"900"), budget=budget)
        try:
            await asked.body(1000)
        finally:
            assert budget.held == pieces  # what was announced is not what is held
            asked.release()

    with pytest.raises(Invalid) as refused:
        anyio.run(go)
    assert refused.value.code == "body.too_slow"
    assert budget.held == 0


@pytest.mark.parametrize("length", [b"1001", b"9" * 5000])
def test_a_body_announced_beyond_the_cap_is_not_waited_for(length: bytes) -> None:
    async def go() -> None:
        await connected(nothing, (b"content-length", length)).body(1000)

    with pytest.raises(Invalid) as refused:
        anyio.run(go)
    assert refused.value.code == "body.too_large"
