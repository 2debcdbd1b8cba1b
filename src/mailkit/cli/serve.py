"""`mailkit serve`: a supervisor, HTTP workers, LMTP workers, and one background process (jobs, and LMTP if there is but
one worker)."""

import ipaddress
import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailkit.cli.opening import config_option, data_option, settings_sources

if TYPE_CHECKING:
    from mailkit.settings.kinds import HostPort

__all__ = ["bind", "serve"]


def bind(where: "HostPort", setting: str, *, beside: socket.socket | None = None) -> socket.socket:
    """A bound socket that does not listen yet: clients are refused until a worker serves.

    With `beside`, another one at the same place: the system spreads the connections evenly over those that listen.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = where.port
    if beside is not None:
        # set on the first one only now: another server must not get in beside it unnoticed
        for one in (beside, made):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        port = beside.getsockname()[1]
    try:
        made.bind((where.host, port))
    except OSError as error:
        made.close()
        raise click.ClickException(f"{setting}: cannot listen on {where}: {error.strerror or error}") from error
    made.set_inheritable(True)
    return made


@click.command()
@data_option
@config_option
@click.option(
    "--http", "http_listen", metavar="HOST:PORT", help="Where both REST dialects are served; 'off' for nowhere."
)
@click.option("--lmtp", "lmtp_listen", metavar="HOST:PORT", help="Where mail is taken in over LMTP; 'off' for nowhere.")
@click.option("--workers", type=int, help="Processes that serve HTTP, and as many for LMTP.")
@click.option("--dns", "zone", metavar="ZONE", help="Answer every DNS question from this zone file (YAML or JSON).")
@click.option("--open", "is_open", is_flag=True, help="Ask for no credentials. For trying out, on this machine only.")
def serve(
    data: str | None,
    config: Path | None,
    http_listen: str | None,
    lmtp_listen: str | None,
    workers: int | None,
    zone: str | None,
    is_open: bool,
) -> None:
    """Run the server until SIGTERM. Everything can also be said in the TOML file or the environment."""
    from mailkit.cli.supervise import Child, supervise
    from mailkit.known_settings import registry
    from mailkit.settings import Settings
    from mailkit.settings import kernel as keys

    given = {
        keys.HTTP_LISTEN.name: http_listen,
        keys.LMTP_LISTEN.name: lmtp_listen,
        keys.HTTP_WORKERS.name: workers,
        keys.LMTP_WORKERS.name: workers,
        keys.HTTP_OPEN.name: is_open or None,
        keys.DNS_ZONE.name: zone,
        keys.STORE.name: data,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    settings = Settings(registry(), **settings_sources(None, config, overrides))
    http, lmtp = settings.get(keys.HTTP_LISTEN), settings.get(keys.LMTP_LISTEN)
    if settings.get(keys.HTTP_OPEN) and http is not None and not _is_loopback(http.host):
        # Host and Origin keep browsers out; any other client on the network writes into them what it likes.
        raise click.ClickException(f"http.open asks for no credentials: listen on 127.0.0.1, not on {http.host}.")
    if settings.get(keys.STORE).startswith("memory:"):
        raise click.ClickException("A store in memory cannot be shared between processes: name a folder or a database.")

    common = ["--overrides", json.dumps(overrides)]
    if config is not None:
        common += ["--config", str(config)]
    sockets: list[socket.socket] = []

    places: list[str] = []

    def child(name: str, module: str, listening: socket.socket | None = None) -> Child:
        if listening is None:
            return Child(name, module, tuple(common))
        number = listening.fileno()
        return Child(name, module, (*common, "--socket", str(number)), (number,))

    def opened(where: "HostPort", setting: str, scheme: str) -> socket.socket:
        made = bind(where, setting)
        sockets.append(made)
        places.append(f"{scheme}://{_place(made)}")
        return made

    takes_mail = None if lmtp is None else opened(lmtp, "lmtp.listen", "lmtp")
    count = settings.get(keys.LMTP_WORKERS)
    children: list[Child] = []
    if lmtp is None or takes_mail is None or count == 1:
        children.append(child("background", "mailkit.cli.background", takes_mail))
    else:
        children.append(child("background", "mailkit.cli.background"))
        listening = [takes_mail, *(bind(lmtp, "lmtp.listen", beside=takes_mail) for _ in range(count - 1))]
        sockets += listening[1:]
        children += [
            child(f"lmtp worker {number}", "mailkit.cli.lmtp_worker", one) for number, one in enumerate(listening, 1)
        ]
    if http is not None:
        serves = opened(http, "http.listen", "http")
        children += [
            child(f"http worker {number}", "mailkit.cli.http_worker", serves)
            for number in range(1, settings.get(keys.HTTP_WORKERS) + 1)
        ]

    def ready() -> None:
        click.echo(f"mailkit is ready: {', '.join(places) or 'background work only'}", err=True)

    sys.exit(supervise(children, ready=ready))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _place(made: socket.socket) -> str:
    host, port = made.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
