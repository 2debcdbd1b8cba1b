"""One of several LMTP processes of `mailkit serve`."""

import sys

from mailkit.cli.child import orders, upkeep
from mailkit.cli.lmtp import serve_sockets
from mailkit.cli.opening import open_kit
from mailkit.errors import MailKitError

__all__ = ["main"]


def main() -> None:
    """Takes mail in until SIGTERM."""
    told = orders()
    try:
        with open_kit(None, told.config, told.overrides, must_exist=False) as kit, upkeep(kit):
            serve_sockets(kit, told)
    except MailKitError as error:
        sys.exit(f"mailkit: {error.message} [{error.code}]")


if __name__ == "__main__":
    main()
