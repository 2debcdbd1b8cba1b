"""The ranks of docs/architecture.md are held by import-linter, and it does see what breaks them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLANTED = {
    "ground imports a use case": ("storage/walk.py", "import mailkit.delivery.service"),
    "one service imports another": ("credentials/tokens.py", "import mailkit.principals.records"),
    "a pure module reads the clock": ("mime/scan.py", "import mailkit.clock"),
    "Starlette outside http": ("delivery/steps.py", "import starlette"),
    "a driver outside its backend": ("mailstore/append.py", "import lmdb"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_ranks_are_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_import_is_found(copy: Path, planted: str) -> None:
    name, statement = PLANTED[planted]
    module = copy / "src" / "mailkit" / name
    module.write_text(f"{module.read_text()}\n{statement}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
