"""The page of all commands is current, and what other pages tell people to type can be typed."""

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import click
import pytest

from mailkit.cli import build
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

ROOT = Path(__file__).parents[2]
PAGES = [page for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))] if "mailkit " in page.read_text()]


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cli_page", ROOT / "docs/cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(page: ModuleType) -> None:
    assert page.PAGE.read_text() == page.page(), "run: PYTHONPATH=src python docs/cli.py"


def test_every_command_is_on_the_page_with_every_option(page: ModuleType) -> None:
    text = page.PAGE.read_text()
    for words, command in page.leaves(build()):
        heading = f"### mailkit {' '.join(words)}"
        found = re.search(rf"^{re.escape(heading)}(?: [^\n]*)?\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
        assert found, heading
        options = [each for each in command.params if isinstance(each, click.Option)]
        missing = [
            each.opts[0] for each in options if f"`{each.opts[0]}`" not in found[1] + "`--data``--config``--json`"
        ]
        assert missing == [], heading


def test_every_operation_about_accounts_has_a_command(page: ModuleType) -> None:
    there = {" ".join(words) for words, _ in page.leaves(build())}
    for table in (page.WILDDUCK, page.STALWART):
        assert {command for commands in table.values() for command in commands} <= there
    groups = ("Users", "Addresses", "ApplicationPasswords", "DomainAliases", "Settings")
    operations = {each.name for each in WILDDUCK if each.group in groups} - {"getUpdates"}  # a stream is no command
    assert operations <= page.WILDDUCK.keys() <= {each.name for each in WILDDUCK}
    operations = {each.name for each in STALWART if each.group in ("principal", "settings", "reload")}
    assert operations <= page.STALWART.keys() <= {each.name for each in STALWART}


def typed(text: str) -> list[list[str]]:
    """What a page tells people to type: calls of the command in its code blocks."""
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"^    .*\n", text, re.MULTILINE)
    found = []
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        if "[--" in line:
            continue  # a synopsis
        for call in re.findall(r"(?:^|\| |\$\()mailkit ([^#)]+)", line.strip()):
            words = shlex.split(call)
            ends = (n for n, word in enumerate(words) if word in ("|", "||", "&&", ">"))
            found.append(words[: next(ends, None)])
    return found


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_what_a_page_tells_people_to_type_can_be_typed(file: Path) -> None:
    for words in typed(file.read_text()):
        command: click.Command | None = build()
        rest = list(words)
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), rest.pop(0))
        assert command is not None, words
        _, strange, _ = command.make_parser(click.Context(command, info_name=command.name)).parse_args(rest)
        assert strange == [], words


def test_commands_are_found_in_pages() -> None:
    page = "    $ x\n    echo a | mailkit user passwd jane   # says\n```sh\nmailkit auth m.eml \\\n  --json\n```\n"
    assert sorted(typed(page)) == [["auth", "m.eml", "--json"], ["user", "passwd", "jane"]]
    assert len(typed((ROOT / "docs/accounts.md").read_text())) > 5
