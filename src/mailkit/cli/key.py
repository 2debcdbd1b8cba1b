"""`mailkit key`: the key that seeds and private keys are sealed with."""

from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, open_kit

__all__ = ["key"]


@click.group()
def key() -> None:
    """Rotate secret.key."""


@key.command()
@data_option
@config_option
def rotate(data: str | None, config: Path | None) -> None:
    """Bring everything that is sealed under a new key.

    Safe while the server runs, and to repeat: what was interrupted goes on. The old key leaves secret.key an hour after
    nothing lies under it any more, by a background process or by this command.
    """
    from mailkit.sealing.rotate import schedule_rotation

    with open_kit(data, config) as kit:
        job_id = schedule_rotation(kit.jobs, kit.sealing, now=kit.clock())
        kit.run_due()
        with kit.store.snapshot() as tx:
            job = kit.jobs.get(tx, job_id)
    if job.state == "failed":
        raise click.ClickException(f"The rotation failed: {job.error}")
    if job.state == "done":
        click.echo("Done: the old key is gone")
    elif "until" in job.progress:
        click.echo(f"{job.progress['resealed']} sealed rows lie under the new key; the old one goes in an hour")
    else:
        click.echo("Under way in a background process")
