"""Which addresses may be connected to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.egress import Purpose, permitted
from mailkit.egress.purpose import networks

WEBHOOK = Purpose(name="webhook")


def decide(address: str, purpose: Purpose = WEBHOOK, host: str = "host.example", port: int = 443) -> tuple[bool, str]:
    decision = permitted(address, port, host=host, purpose=purpose)
    assert decision.address == address
    return decision.is_permitted, decision.reason


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255",
     "169.253.255.255", "11.0.0.0", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
     "2002:808:808::1"],
)  # fmt: skip
def test_public_addresses_are_permitted(address: str) -> None:
    assert decide(address) == (True, "public")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"), ("127.255.255.255", "loopback"), ("::1", "loopback"),
        ("0.0.0.0", "this network"), ("0.1.2.3", "this network"), ("::", "unspecified"),
        ("10.0.0.1", "private"), ("172.16.0.1", "private"), ("172.31.255.255", "private"), ("192.168.1.1", "private"),
        ("100.64.0.1", "carrier"), ("100.127.255.255", "carrier"),
        ("169.254.1.1", "link-local"), ("fe80::1", "link-local"), ("fe80::1%eth0", "scoped"), ("febf::1", "link-local"),
        ("169.254.169.254", "metadata"), ("168.63.129.16", "metadata"), ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"), ("169.254.170.2", "metadata"), ("192.0.0.192", "metadata"),
        ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"), ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"), ("255.255.255.255", "reserved"),
        ("192.0.2.1", "documentation"), ("2001:db8::1", "documentation"), ("3fff::1", "documentation"),
        ("198.18.0.1", "benchmarking"), ("192.88.99.1", "6to4 relays"), ("192.0.0.8", "protocol assignments"),
        ("fc00::1", "private"), ("fdff::1", "private"), ("fec0::1", "site-local"), ("2001::1", "Teredo"),
        ("4000::1", "not global unicast"), ("100::1", "not global unicast"), ("5f00::1", "not global unicast"),
        ("64:ff9b:1::a00:1", "local translation"),
    ],
)  # fmt: skip
def test_special_addresses_are_refused(address: str, reason: str) -> None:
    allowed, why = decide(address)
    assert not allowed
    assert reason in why


@pytest.mark.parametrize(
    "carrier",
    ["::ffff:{}", "::ffff:0:{}", "::{}", "64:ff9b::{}", "2002:{h}::", "2002:{h}:1:2:3:4:5", "2a00:1450::5efe:{}",
     "2a00:1450::200:5efe:{}"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("inner", "reason"), [("127.0.0.1", "loopback"), ("10.1.2.3", "private"), ("169.254.169.254", "metadata")]
)
def test_an_address_that_carries_a_refused_one_is_refused(carrier: str, inner: str, reason: str) -> None:
    number = int(ipaddress.IPv4Address(inner))
    address = carrier.format(inner, h=f"{number >> 16:x}:{number & 0xFFFF:x}")
    allowed, why = decide(address)
    assert not allowed
    assert reason in why
    assert inner in why


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1 ", "127.0.0.01"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert decide(text) == (False, "not an IP address")


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_permitted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    allowed, _ = decide(str(address))
    if allowed:
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        assert address.is_global or mapped.is_global or address in ipaddress.ip_network("64:ff9b::/96")
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_decided_as_the_one_it_carries(address: ipaddress.IPv4Address) -> None:
    for carrier in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert decide(carrier)[0] == decide(str(address))[0]


# Allow-lists


def test_ports_and_hosts_are_closed_unless_listed() -> None:
    purpose = Purpose(name="mta-sts", ports=frozenset({443}), hosts=("*.example.org", "one.example"))
    assert decide("8.8.8.8", purpose, "mta-sts.example.org") == (True, "public")
    assert decide("8.8.8.8", purpose, "one.example") == (True, "public")
    assert decide("8.8.8.8", purpose, "one.example", port=25) == (False, "port 25 is closed for mta-sts")
    for host in ("example.org", "evilexample.org", "two.one.example", "example.org.evil.example"):
        assert decide("8.8.8.8", purpose, host) == (False, f"{host} is not a host for mta-sts")


def test_an_opened_network_is_permitted_and_nothing_beside_it() -> None:
    purpose = Purpose(name="webhook", open_networks=networks("10.1.0.0/16", "fd00:1::/32", "127.0.0.1"))
    for address in ("10.1.2.3", "fd00:1::5", "127.0.0.1", "::ffff:10.1.2.3"):
        assert decide(address, purpose) == (True, "in a network opened for webhook")
    for address in ("10.2.0.1", "127.0.0.2", "fd00:2::1"):
        assert not decide(address, purpose)[0]


def test_loopback_can_be_opened() -> None:
    purpose = Purpose(name="webhook", open_networks=networks("::1/128", "127.0.0.0/8"))
    for address in ("::1", "127.0.0.1", "::ffff:127.0.0.1"):
        assert decide(address, purpose)[0]


def test_an_opened_network_does_not_open_what_carries_it_from_a_closed_one() -> None:
    purpose = Purpose(name="webhook", open_networks=networks("10.1.0.0/16"))
    assert not decide("fd00::5efe:10.1.2.3", purpose)[0]


def test_an_opened_host_may_be_private_but_no_metadata_service() -> None:
    purpose = Purpose(name="webhook", open_hosts=("hooks.internal",))
    assert decide("10.0.0.1", purpose, "hooks.internal") == (True, "hooks.internal is opened for webhook")
    assert not decide("10.0.0.1", purpose, "other.internal")[0]
    assert not decide("169.254.169.254", purpose, "hooks.internal")[0]
    assert not decide("::ffff:169.254.169.254", purpose, "hooks.internal")[0]


def test_a_metadata_service_can_be_opened_by_its_address_alone() -> None:
    purpose = Purpose(name="webhook", open_networks=networks("169.254.169.254/32"))
    assert decide("169.254.169.254", purpose)[0]
