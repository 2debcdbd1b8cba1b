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


def bind(where: "HostPort", setting: str) -> socket.socket:
    """A bound socket that does not listen yet: clients are refused until a worker serves."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((where.host, where.port))
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

    def inherited(where: "HostPort | None", setting: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        if where is None:
            return (), ()
        made = bind(where, setting)
        sockets.append(made)
        return (made.fileno(),), ("--socket", str(made.fileno()))

    lmtp_fds, lmtp_arguments = inherited(lmtp, "lmtp.listen")
    http_fds, http_arguments = inherited(http, "http.listen")
    count = settings.get(keys.LMTP_WORKERS)
    if lmtp is None or count == 1:
        children = [Child("background", "mailkit.cli.background", (*common, *lmtp_arguments), lmtp_fds)]
    else:
        children = [Child("background", "mailkit.cli.background", tuple(common))]
        children += [
            Child(f"lmtp worker {number}", "mailkit.cli.lmtp_worker", (*common, *lmtp_arguments), lmtp_fds)
            for number in range(1, count + 1)
        ]
    if http is not None:
        count = settings.get(keys.HTTP_WORKERS)
        children += [
            Child(f"http worker {number}", "mailkit.cli.http_worker", (*common, *http_arguments), http_fds)
            for number in range(1, count + 1)
        ]

    def ready() -> None:
        places = [f"{scheme}://{_place(made)}" for made, scheme in zip(sockets, _schemes(lmtp, http), strict=True)]
        click.echo(f"mailkit is ready: {', '.join(places) or 'background work only'}", err=True)

    sys.exit(supervise(children, ready=ready))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _schemes(lmtp: object, http: object) -> list[str]:
    return [scheme for scheme, where in (("lmtp", lmtp), ("http", http)) if where is not None]


def _place(made: socket.socket) -> str:
    host, port = made.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
