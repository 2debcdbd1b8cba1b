"""One HTTP worker of `mailkit serve`."""

import sys

from mailkit.cli.child import orders, upkeep
from mailkit.cli.opening import open_kit
from mailkit.errors import MailKitError
from mailkit.http.server import serve_socket

__all__ = ["main"]


def main() -> None:
    """Serves until SIGTERM; requests under way are finished."""
    told = orders()
    try:
        with open_kit(None, told.config, told.overrides, must_exist=False) as kit, upkeep(kit):
            told.watch_lifeline()
            serve_socket(kit, told.sockets[0], ready=told.say_ready)
    except MailKitError as error:
        sys.exit(f"mailkit: {error.message} [{error.code}]")


if __name__ == "__main__":
    main()
