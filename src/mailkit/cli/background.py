"""The background process of `mailkit serve`: due jobs, and LMTP unless it has processes of its own."""

import sys

from mailkit.cli.child import orders, upkeep
from mailkit.cli.lmtp import serve_sockets
from mailkit.cli.opening import open_kit
from mailkit.errors import MailKitError

__all__ = ["main"]


def main() -> None:
    """Runs until SIGTERM."""
    told = orders()
    try:
        with open_kit(None, told.config, told.overrides, must_exist=False) as kit, upkeep(kit), kit.background():
            serve_sockets(kit, told)
    except MailKitError as error:
        sys.exit(f"mailkit: {error.message} [{error.code}]")


if __name__ == "__main__":
    main()
