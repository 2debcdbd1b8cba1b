"""Every command about accounts, addresses, access and settings: it does what it says, in words and in JSON; what is
wrong, and names that stand for nothing, it refuses with the reason and leaves every row of the store as it was.

The commands are in commands.txt.
"""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import define, field, frozen

from mailkit.cli import COMMANDS, build
from mailkit.testing.platform import platform
from tests.cli.shell import Shell, state

CASES_FILE = Path(__file__).with_name("commands.txt")

NOT_HERE = {"auth", "backup", "check", "demo", "key", "mail", "serve", "spam"}
"""Commands about other things, which have tests of their own."""

NOTHING_TO_DO = {"user enable", "user recount", "user reset-limits", "user unsuspend"}
"""Commands that find all as they would have it."""


@define
class Case:
    """See commands.txt."""

    command: str
    good: str = ""
    says: str = ""
    tells: dict[str, Any] = field(factory=dict)
    bad: list[tuple[str, str]] = field(factory=list)
    stdin: str = ""
    looks: bool = False


def read_cases(text: str) -> Iterator[Case]:
    for block in text.split("\n== ")[1:]:
        command, *lines = block.rstrip().splitlines()
        found = Case(command)
        for line in lines:
            mark, _, rest = line.partition(" ")
            match mark:
                case "looks":
                    found.looks = True
                case "<":
                    found.stdin += f"{rest}\n"
                case "+":
                    found.good = rest
                case "says:":
                    found.says = rest.replace("\\t", "\t")
                case "json:":
                    found.tells = json.loads(rest)
                case "-":
                    words, _, reason = rest.rpartition(" => ")
                    found.bad.append((words, reason))
                case _:
                    raise AssertionError(line)
        yield found


CASES = list(read_cases(CASES_FILE.read_text()))
REFUSALS = [(each, words, reason) for each in CASES for words, reason in each.bad]

WORLD = """\
tenant add acme --most individual=3
tenant add full
domain add full.example --tenant full
domain add acme.example
role add helpdesk --permission individual-list
resource add beamer
location add hall --member beamer
user add jane --no-password --address jane@example.org --address second@example.org --tag a --limit recipients=5
user add bob --no-password --address bob@example.org
user add gone --no-password --address gone@example.org
user delete gone --after-days 3 --yes
group add staff --address staff@example.org --member jane --member bob
group add crowd
list add news --address news@example.org --member jane
domain alias alias.example example.org
forward add sales@example.org bob@example.org
token create --role user --user jane --description 'for tests'
api-key add ci --role user
app-password add jane Tablet
oauth-client add web --redirect https://web.example/ --contact ops@web.example
config set quota.default=2GiB
config set --any other.a.server=x other.a.port=5 other.b.server=y
"""


@frozen
class World:
    """A folder with some of everything, and the ids of what has no name."""

    folder: Path
    ids: dict[str, str]

    def words(self, text: str) -> list[str]:
        return [word.format(**self.ids) for word in shlex.split(text)]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world") / "data"
    shell = Shell(folder)
    for line in WORLD.splitlines():
        shell.run(*shlex.split(line))
    with platform(str(folder)) as kit:
        job = kit.transact(lambda tx: kit.jobs.cancel(tx, kit.users.recount_all(tx=tx), now=kit.clock()))
        jane = kit.principals.by_name("jane")
        kit.register.note(jane.number, [("Peer", "peer@elsewhere.example")], now=kit.clock())
    (gone,), (asp,), (token,) = (
        shell.lines(*words) for words in (("user", "deleted"), ("app-password", "list", "jane"), ("token", "list"))
    )
    (waiting,) = shell.lines("job", "list", "--state", "waiting")
    ids = {"asp": asp["id"], "gone": gone["id"], "jane": str(jane.id), "job": str(job.id), "token": token["key"]}
    return World(folder, {**ids, "waiting": waiting["id"]})


@pytest.fixture
def own(world: World, tmp_path: Path) -> Shell:
    """A copy of the world."""
    shutil.copytree(world.folder, tmp_path / "data")
    return Shell(tmp_path / "data")


def leaves(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from leaves(command, (*before, word))
        else:
            yield " ".join((*before, word))


def test_there_is_a_case_for_every_command() -> None:
    there = [command for command in leaves(build()) if command.split()[0] not in NOT_HERE]
    assert sorted(each.command for each in CASES) == sorted(there)
    assert set(COMMANDS) - NOT_HERE == {command.split()[0] for command in there}


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.command)
def test_a_command_says_to_people_what_it_did(each: Case, world: World, own: Shell) -> None:
    before = state(own.folder)
    said = own.say(*each.command.split(), *world.words(each.good), stdin=each.stdin)
    assert said.strip()
    assert each.says in said
    if each.command not in NOTHING_TO_DO:
        assert (state(own.folder) == before) == each.looks


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.command)
def test_a_command_says_to_programs_what_it_did(each: Case, world: World, own: Shell) -> None:
    first, *_ = own.lines(*each.command.split(), *world.words(each.good), stdin=each.stdin)
    assert {name: first.get(name, "missing") for name in each.tells} == each.tells


@pytest.mark.parametrize(
    ("each", "words", "reason"), REFUSALS, ids=[f"{each.command} {words}" for each, words, _ in REFUSALS]
)
def test_a_refusal_gives_its_reason_and_changes_nothing(each: Case, words: str, reason: str, world: World) -> None:
    shell, given = Shell(world.folder), (*each.command.split(), *world.words(words))
    before = state(world.folder)
    done = shell.run(*given, stdin=each.stdin, expect=None)
    assert reason in done.stderr
    assert done.stdout == ""
    assert done.exit_code in (1, 2)
    if done.exit_code == 1:
        told = json.loads(shell.run(*given, "--json", stdin=each.stdin, expect=1).stderr.splitlines()[-1])
        assert f"{told['error']} [{told['code']}]" in done.stderr
    assert state(world.folder) == before
