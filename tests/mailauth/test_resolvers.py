"""The resolvers against a name server of our own, over real sockets; the zone forms; the cache."""

import asyncio
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from mailkit.errors import Invalid
from mailkit.mailauth import Answer, Query, arun, run
from mailkit.mailauth.lookup import MX, NODATA, NXDOMAIN, TLSA, temporary
from mailkit.mailauth.resolvers.cache import AnswerCache
from mailkit.mailauth.resolvers.live import AsyncDnsResolver, DnsResolver
from mailkit.mailauth.resolvers.zone import ZoneResolver, load_zone, read_zone
from mailkit.mailauth.spf import check

SOA = "ns.example. host.example. 1 3600 600 86400 60"
RECORDS: dict[tuple[str, str], tuple[int, list[str]]] = {
    ("example.org.", "TXT"): (300, ['"v=spf1 " "mx -all"']),
    ("example.org.", "MX"): (300, ["10 MX.Example.org."]),
    ("mx.example.org.", "A"): (300, ["192.0.2.1"]),
    ("mx.example.org.", "AAAA"): (300, ["2001:db8::1"]),
    ("alias.example.org.", "A"): (300, []),
    ("1.2.0.192.in-addr.arpa.", "PTR"): (300, ["mx.example.org."]),
    ("_25._tcp.mx.example.org.", "TLSA"): (300, ["3 1 1 " + "ab" * 32]),
    (r"\255\;.example.org.", "TXT"): (300, ['"odd \\255"']),
}


class Server:
    """One thread, one socket: answers from RECORDS, fails on `fail.`, is silent on `silent.`; counts."""

    def __init__(self) -> None:
        self.socket = socket(AF_INET, SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.count = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            data, peer = self.socket.recvfrom(4096)
            if not data:
                return
            self.count += 1
            if (reply := self.reply(dns.message.from_wire(data))) is not None:
                self.socket.sendto(reply.to_wire(), peer)

    def reply(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        if name.startswith("silent."):
            return None
        reply = dns.message.make_response(query)
        if name.startswith("fail."):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        target = question.name
        if name == "alias.example.org.":
            reply.answer.append(dns.rrset.from_text(question.name, 300, "IN", "CNAME", "mx.example.org."))
            target, name = dns.name.from_text("mx.example.org."), "mx.example.org."
        if name.startswith("_25.") and query.flags & dns.flags.AD:
            reply.flags |= dns.flags.AD
        ttl, texts = RECORDS.get((name, kind), (0, []))
        if texts:
            reply.answer.append(dns.rrset.from_text(target, ttl, "IN", kind, *texts))
        else:
            reply.authority.append(dns.rrset.from_text("example.org.", 300, "IN", "SOA", SOA))
            if not any(owner == name for owner, _ in RECORDS):
                reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply

    def close(self) -> None:
        with socket(AF_INET, SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def resolver(server: Server, kind: Any = DnsResolver, **options: Any) -> Any:
    return kind(["127.0.0.1"], port=server.port, **{"timeout": 0.2, "lifetime": 0.4, **options})


EXPECTED = [
    (Query("example.org", "TXT"), Answer("ok", ("v=spf1 mx -all",))),
    (Query("EXAMPLE.org.", "MX"), Answer("ok", (MX(10, "mx.example.org"),))),
    (Query("mx.example.org", "A"), Answer("ok", (IPv4Address("192.0.2.1"),))),
    (Query("mx.example.org", "AAAA"), Answer("ok", (IPv6Address("2001:db8::1"),))),
    (Query("alias.example.org", "A"), Answer("ok", (IPv4Address("192.0.2.1"),))),
    (Query("1.2.0.192.in-addr.arpa", "PTR"), Answer("ok", ("mx.example.org",))),
    (Query("_25._tcp.mx.example.org", "TLSA"), Answer("ok", (TLSA(3, 1, 1, b"\xab" * 32),), secure=True)),
    (Query("mx.example.org", "TXT"), NODATA),
    (Query("nothing.example.org", "TXT"), NXDOMAIN),
    (Query("\udcff;.example.org", "TXT"), Answer("ok", ("odd \udcff",))),
    (Query("x" * 64 + ".example.org", "A"), NXDOMAIN),
    (Query("a..example.org", "A"), NXDOMAIN),
    (Query(".".join(["label"] * 60), "A"), NXDOMAIN),
]


@pytest.mark.parametrize(("query", "answer"), EXPECTED)
def test_both_resolvers_give_the_same_answer(server: Server, query: Query, answer: Answer) -> None:
    assert resolver(server)(query) == answer
    assert asyncio.run(resolver(server, AsyncDnsResolver)(query)) == answer


@pytest.mark.parametrize("name", ["fail.example.org", "silent.example.org"])
def test_failures_are_temporary_and_say_why(server: Server, name: str) -> None:
    for answer in (
        resolver(server)(Query(name, "A")),
        asyncio.run(resolver(server, AsyncDnsResolver)(Query(name, "A"))),
    ):
        assert answer.status == "temporary"
        assert name in answer.reason


def test_answers_are_kept_negative_ones_too(server: Server) -> None:
    ask = resolver(server)
    for name in ("mx.example.org", "nothing.example.org"):
        ask(Query(name, "A"))
        before = server.count
        ask(Query(name, "A"))
        assert server.count == before


def test_evaluations_run_over_the_network_in_both_worlds(server: Server) -> None:
    result = run(check("192.0.2.1", mail_from="u@example.org"), resolver(server))
    assert result.result == "pass"
    again = asyncio.run(arun(check("192.0.2.1", mail_from="u@example.org"), resolver(server, AsyncDnsResolver)))
    assert again == result


def test_the_cache_forgets_by_time_and_by_size() -> None:
    now = 0.0
    cache = AnswerCache(2, clock=lambda: now)
    one, two, three = (Query(name, "A") for name in "abc")
    cache.put(one, Answer("ok"), 10)
    cache.put(two, temporary("x"), 1000)
    now = 6.0
    assert cache.get(one) is not None
    assert cache.get(two) is None  # failures are kept for seconds only
    cache.put(two, NXDOMAIN, 5000)
    cache.get(one)
    cache.put(three, NODATA, 100)
    assert cache.get(two) is None  # the least recently used goes first
    assert len(cache) == 2
    now = 10.0
    assert cache.get(one) is None


def test_a_zone_is_read_in_three_forms(tmp_path: Any) -> None:
    forms = {
        "types.yaml": "example.org:\n  TXT: [['v=spf1 ', -all]]\n  MX: ['10 mx.example.org.']\n  A: 192.0.2.1\n",
        "short.json": '{"example.org": "v=spf1 -all", "mx.example.org": {"MX": [{"priority": 1, "exchange": "a.b"}]}}',
        "openspf.yml": "zonedata:\n  example.org:\n    - SPF: v=spf1 -all\n    - MX: [10, mx.example.org]\n"
        "    - TIMEOUT\n",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        zone = load_zone(tmp_path / name)
        assert zone(Query("example.org", "TXT")).records == ("v=spf1 -all",)
    assert zone(Query("example.org", "AAAA")).status == "temporary"
    assert zone(Query("example.org", "MX")).records == (MX(10, "mx.example.org"),)


def test_a_zone_knows_names_without_records_aliases_and_wildcards() -> None:
    zone = ZoneResolver(
        {
            "a.b.example": {"A": "192.0.2.1"},
            "alias.example": {"CNAME": "a.b.example"},
            "loop.example": {"CNAME": "loop.example"},
            "*.wild.example": {"TXT": "any"},
            "there.wild.example": {"A": "192.0.2.2"},
            "slow.example": {"TXT": "TIMEOUT"},
        },
        secure=True,
    )
    assert zone(Query("b.example", "A")) == NODATA
    assert zone(Query("c.example", "A")) == NXDOMAIN
    assert zone(Query("alias.example", "A")).records == (IPv4Address("192.0.2.1"),)
    assert zone(Query("alias.example", "A")).secure
    assert zone(Query("loop.example", "A")).status == "temporary"
    assert zone(Query("x.y.wild.example", "TXT")).records == ("any",)
    assert zone(Query("there.wild.example", "TXT")) == NODATA
    assert zone(Query("slow.example", "TXT")).status == "temporary"
    assert asyncio.run(zone.resolve(Query("alias.example", "A"))).records


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: {A: [not an address]}", "a: {MX: [x y z]}", "a: 5", "{", "a: b: c"])
def test_a_zone_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        ZoneResolver(read_zone(text))
