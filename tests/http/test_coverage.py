from pathlib import Path

from mailkit.http.coverage import page


def test_the_page_in_docs_is_up_to_date() -> None:
    written = Path(__file__).parents[2] / "docs" / "coverage.md"
    assert written.read_text() == page(), "run: python -m mailkit.http.coverage > docs/coverage.md"
