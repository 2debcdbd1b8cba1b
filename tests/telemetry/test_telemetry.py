"""Emitting, queues, sinks, secrets."""

import contextlib
import io
import json
import logging
import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.telemetry import Event, attach, detach, emit, figures, flush, span
from mailkit.telemetry.redact import HIDDEN, redact
from mailkit.telemetry.sinks import JsonLines, ListSink, LoggingSink


@contextlib.contextmanager
def attached(sink, **how) -> Iterator[None]:
    attach(sink, **how)
    try:
        yield
    finally:
        detach(sink)


@pytest.fixture
def seen() -> Iterator[ListSink]:
    sink = ListSink()
    with attached(sink):
        yield sink


def test_events_arrive_in_order_with_their_fields(seen: ListSink) -> None:
    for n in range(1000):
        emit("mail.seen", n=n)
    assert flush()
    assert [event.fields["n"] for event in seen.events] == list(range(1000))
    assert {event.name for event in seen.events} == {"mail.seen"}


def test_without_a_sink_nothing_happens_and_with_a_detached_one_no_more(seen: ListSink) -> None:
    detach(seen)
    emit("mail.seen")
    assert seen.events == []


def test_a_full_queue_drops_and_counts_and_nobody_waits() -> None:
    release, sink = threading.Event(), ListSink()

    class Slow:
        def write(self, events) -> None:
            release.wait(30)
            sink.write(events)

    slow = Slow()
    with attached(slow, queue=10):
        for n in range(1000):
            emit("mail.seen", n=n)
        assert figures()["dropped"] >= 1000 - 10 - 256
        dropped = figures()["dropped"]
        release.set()
        assert flush()
        assert len(sink.events) + dropped == 1000


def test_a_failing_sink_disturbs_neither_the_caller_nor_the_others(seen: ListSink) -> None:
    class Broken:
        def write(self, events) -> None:
            raise OSError("disk full")

    class Odd:
        def __bool__(self) -> bool:
            raise RuntimeError

        def __str__(self) -> str:
            raise RuntimeError

    with attached(Broken()):
        emit("mail.seen", odd=Odd())
        flush()
        assert figures()["failed"] == 1
    assert len(seen.events) == 1


@pytest.mark.parametrize(
    "name",
    ["password", "old_password", "Authorization", "api_key", "apiKey", "token", "totp_seed", "secret", "set-cookie"],
)
def test_secrets_are_known_by_their_names(seen: ListSink, name: str) -> None:
    emit("login.failed", **{name: "hunter2"}, request={"headers": {name: "hunter2"}, "list": [{name: "hunter2"}]})
    flush()
    assert "hunter2" not in repr(seen.events)
    assert seen.events[0].fields[name] == HIDDEN


@given(
    st.dictionaries(st.sampled_from(["user", "size", "ip", "reason"]), st.integers() | st.text("ab\n =") | st.none())
)
def test_what_is_not_secret_stays_as_it_is(fields) -> None:
    assert redact(fields) == fields


def test_whether_there_is_a_secret_is_no_secret() -> None:
    assert redact({"has_password": True, "token": None}) == {"has_password": True, "token": None}


def test_spans_measure_and_number_what_happens_in_them(seen: ListSink) -> None:
    with span("delivery.accept", queue="local") as outer:
        emit("spam.scored", score=3)
        with contextlib.suppress(KeyError), span("delivery.store"):
            raise KeyError
        outer["recipients"] = 2
    emit("mail.seen")
    flush()
    scored, stored, accepted, after = seen.events
    assert accepted.fields["recipients"] == 2
    assert accepted.fields["ms"] >= 0
    assert stored.fields["error"] == "KeyError"
    assert (stored.level, accepted.level) == ("warning", "info")
    assert scored.span == stored.fields["parent"] == accepted.span
    assert stored.span != accepted.span
    assert "parent" not in accepted.fields
    assert after.span is None


def test_a_span_without_sinks_still_runs_its_block_and_lets_errors_through() -> None:
    with pytest.raises(KeyError), span("x") as fields:
        fields["y"] = 1
        raise KeyError


EVENT = Event(
    "delivery.accepted", 1_700_000_000_123, "info", {"account": 7, "from": "a b\n", "id": b"\x01", "at": 5}, 9
)


def test_a_log_line_is_one_line_in_which_values_cannot_pretend() -> None:
    assert LoggingSink.line(EVENT) == 'delivery.accepted account=7 from="a b\\n" id=01 at=5'


def test_log_lines_go_to_a_logger_named_after_the_subject(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), attached(LoggingSink(least="warning")):
        emit("delivery.accepted")
        emit("queue.stuck", level="error", item=5)
        flush()
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("mailkit.queue", "ERROR", "queue.stuck item=5")
    ]


def test_json_lines() -> None:
    stream = io.StringIO()
    JsonLines(stream).write([EVENT, Event("x.y", 0, "debug", {})])
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "at": "2023-11-14T22:13:20.123+00:00", "event": "delivery.accepted", "level": "info", "span": 9,
        "account": 7, "from": "a b\n", "id": "01", "fields.at": 5,
    }  # fmt: skip


def test_a_forked_child_has_its_own_thread_and_not_its_parents_events(seen: ListSink) -> None:
    emit("parent.event")
    flush()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        seen.events.clear()
        emit("child.event")
        os.write(write, f"{flush()} {[event.name for event in seen.events]}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100) == b"True ['child.event']"
