"""`mailkit auth`: check one message, online or offline against a zone file."""

from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from mailkit.mailauth import Resolver

__all__ = ["auth", "resolver_for"]


def resolver_for(zone: str | None) -> "Resolver":
    """The resolver that `--dns` names: a zone file, or the system's DNS when there is none."""
    if zone is None:
        from mailkit.mailauth.resolvers.live import DnsResolver

        return DnsResolver()
    from mailkit.mailauth.resolvers.zone import load_zone

    return load_zone(zone)


@click.command()
@click.argument("message", type=click.File("rb"))
@click.option("--ip", help="Address of the client that brought the message; without it SPF and iprev are skipped.")
@click.option("--helo", default="", help="What the client said in HELO or EHLO.")
@click.option("--mail-from", default="", help="The reverse-path, without angle brackets; empty for <>.")
@click.option("--dns", "zone", type=click.Path(exists=True, dir_okay=False), help="Answer from this zone (YAML, JSON).")
@click.option("--now", help="Seconds since 1970, or an ISO 8601 time; default: now.")
@click.option("--method", type=click.Choice(["rfc9989", "rfc7489"]), default="rfc9989", help="How to evaluate DMARC.")
@click.option("--receiver", default="unknown", help="Our own name, for SPF explanations.")
@click.option("--compare", "comparing", is_flag=True, help="Say where RFC 9989 and RFC 7489 differ for this message.")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def auth(
    message: BinaryIO,
    ip: str | None,
    helo: str,
    mail_from: str,
    zone: str | None,
    now: str | None,
    method: str,
    receiver: str,
    comparing: bool,
    as_json_: bool,
) -> None:
    """Check SPF, DKIM, ARC, DMARC and iprev of MESSAGE (a file, or - for standard input)."""
    import json

    from mailkit.errors import MailKitError
    from mailkit.mailauth import Message, authenticate, run
    from mailkit.mailauth.authenticate import identifiers
    from mailkit.mailauth.dmarc import author_domains, compare
    from mailkit.mailauth.report import as_json, as_text

    parsed = Message.parse(message.read())
    try:
        resolve = resolver_for(zone)
        evaluation = authenticate(
            parsed,
            ip=ip,
            helo=helo,
            mail_from=mail_from.strip().removeprefix("<").removesuffix(">"),
            receiver=receiver,
            now=_milliseconds(now),
            method="rfc7489" if method == "rfc7489" else "rfc9989",
        )
        found = run(evaluation, resolve)
        comparison = None
        if comparing:
            comparison = run(compare(author_domains(parsed), identifiers(found.spf, found.dkim)), resolve)
    except (MailKitError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if as_json_:
        # Surrogates stand for octets that are not UTF-8; JSON text has no such thing.
        click.echo(json.dumps(as_json(found, comparison), indent=2))
    else:
        click.echo(as_text(found, comparison).encode("utf-8", "replace").decode(), nl=False)


def _milliseconds(now: str | None) -> int:
    from datetime import UTC, datetime

    if now is None:
        return int(datetime.now(UTC).timestamp() * 1000)
    try:
        return int(float(now) * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        raise click.BadParameter(f"{now!r} is no time", param_hint="--now") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
