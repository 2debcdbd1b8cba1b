"""Prints one of the two commands of the README, so that CI runs what people are told to run."""

import re
import sys
from pathlib import Path


def command(name: str) -> str:
    """The shell line under the README's heading for `name`: `demo` or `tests`."""
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    found = re.search(rf"<!-- {name} -->\n```sh\n(.+)\n```", readme)
    if not found:
        raise SystemExit(f"README.md has no command marked {name!r}")
    return found[1]


if __name__ == "__main__":
    print(command(sys.argv[1]))  # noqa: T201  # printing is its job
