"""Every Python block of the documentation runs, page by page, each page in a folder of its own.

A block after a comment `<!-- not run: reason -->` is left out.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(<!-- not run: [^\n]+ -->\n)?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if any(not skipped for skipped, _ in _BLOCK.findall(page.read_text()))
]


def run(source: str, folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    script = folder / name
    script.write_text(source)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAILKIT_")}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    blocks = [source for skipped, source in _BLOCK.findall(page.read_text()) if not skipped]
    done = run("\n".join(blocks), tmp_path, "page.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_examples_run(example: Path, tmp_path: Path) -> None:
    done = run(example.read_text(), tmp_path, example.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_server_serves(tmp_path: Path) -> None:
    source = (
        "import sys; sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else '.')\n"
        + (ROOT / "examples/server.py").read_text()
        + """
from starlette.testclient import TestClient

with TestClient(app, base_url="http://localhost") as client:
    assert client.get("/health").status_code == 403  # no token
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert client.get("/api/principal").status_code == 401
"""
    )
    done = run(source, tmp_path, "serving.py")
    assert done.returncode == 0, done.stdout + done.stderr
