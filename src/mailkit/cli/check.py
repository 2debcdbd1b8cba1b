"""`mailkit check`: does what is stored agree with itself?"""

import json
import sys
from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit

__all__ = ["check"]


@click.command()
@data_option
@config_option
@json_option
def check(data: str | None, config: Path | None, as_json: bool) -> None:
    """Verify counters, indexes and references, offline. Exits 1 on errors; notices are harmless."""
    from mailkit.verify import verify

    errors = notices = 0
    with open_kit(data, config) as kit:
        for finding in verify(kit):
            errors += finding.level == "error"
            notices += finding.level == "notice"
            if as_json:
                shown = {"level": finding.level, "place": finding.place, "message": finding.message}
                click.echo(json.dumps(shown))
            else:
                click.echo(f"{finding.level}: {finding.place}: {finding.message}")
    if not as_json:
        click.echo(f"{errors} errors, {notices} notices")
    sys.exit(1 if errors else 0)
