"""`python -m mailkit`: the `mailkit` command."""

from mailkit.cli import main

main()
