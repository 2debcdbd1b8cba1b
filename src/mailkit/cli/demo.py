"""`mailkit demo`: a mail platform from nothing, real messages through the real pipeline, and how to talk to it."""

import secrets
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from mailkit.cli.opening import config_option, open_kit

__all__ = ["demo"]

_USER = "demo@example.org"


@click.command()
@click.option("--data", metavar="DIR", help="Where to keep it. [default: a new temporary folder]")
@config_option
@click.option("--http", "http_listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True)
@click.option("--exit", "leave", is_flag=True, help="Print and exit, serve nothing.")
def demo(data: str | None, config: Path | None, http_listen: str, leave: bool) -> None:
    """Make a platform, deliver bundled messages, print what happened to each, serve both dialects."""
    where = data or tempfile.mkdtemp(prefix="mailkit-demo-")
    with open_kit(where, config, {"mail.hostname": "mx.example.org"}, must_exist=False) as kit:
        found = kit.principals.find_login("demo")
        password = secrets.token_urlsafe(9)
        if found is None:
            made = kit.accounts.create(
                "demo", address=_USER, password=password, display="Demo", roles=("user", "admin")
            )
        else:
            made = found
            kit.accounts.set_password(made.id, password)
        token = kit.credentials.issue_token("admin", now=kit.clock(), description="demo")
        click.echo(f"data folder  {where}\nuser         {made.name} <{_USER}>, password {password}\n")
        for name, raw in bundled():
            receipt = kit.delivery.accept(
                raw, mail_from="sender@example.net", rcpt_to=[_USER, "nobody@example.org"], ip="192.0.2.1", hello="demo"
            )
            click.echo(f"{name}, {len(raw)} bytes")
            for outcome in receipt.outcomes:
                steps = "; ".join(f"{item.step}: {item.reason or item.verdict}" for item in outcome.decisions)
                click.echo(f"  {outcome.recipient:20} {outcome.status}, {outcome.reply} {outcome.code} ({steps})")
        inbox = kit.mailstore.mailbox(made.id, "INBOX")
        click.echo(f"\nINBOX has {inbox.total} messages, {inbox.unseen} unread, {inbox.size} bytes\n")
        user, box = made.id, inbox.id
    base = f"http://{http_listen}"
    for title, line in (
        ("the user, as WildDuck shows it", f"curl -s -H 'X-Access-Token: {token}' {base}/users/{user}"),
        ("the same as a Stalwart principal", f"curl -s -u {made.name}:{password} {base}/api/principal/{made.name}"),
        ("the messages", f"curl -s -H 'X-Access-Token: {token}' {base}/users/{user}/mailboxes/{box}/messages"),
        ("one of them, as it came", _source(base, token, str(user), str(box))),
    ):
        click.echo(f"# {title}\n{line}")
    if leave:
        return
    from mailkit.cli.serve import serve

    click.echo(f"\nBoth dialects on {base}; Ctrl-C stops. The documents: {base}/openapi.json, {base}/api/openapi.json")
    arguments = ["--data", where, "--http", http_listen]
    if config is not None:
        arguments += ["--config", str(config)]
    serve.main(arguments, prog_name="mailkit serve", standalone_mode=False)
    sys.exit(0)


def _source(base: str, token: str, user: str, box: str) -> str:
    return f"curl -s -H 'X-Access-Token: {token}' {base}/users/{user}/mailboxes/{box}/messages/1/message.eml"


def bundled() -> Iterator[tuple[str, bytes]]:
    """The messages that come with mailkit, by name."""
    folder = resources.files("mailkit.cli") / "demo_mail"
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".eml"):
            yield item.name, item.read_bytes()
