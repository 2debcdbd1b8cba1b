"""Every fact about accounts is shown by a test that is there (`tests/conformance/behaviour`)."""

import csv
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LINES = (TESTS / "conformance/behaviour/accounts.tsv").read_text().splitlines()
FACTS = list(csv.DictReader(LINES, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("fact", FACTS, ids=[f"{fact['section']} {fact['fact']}" for fact in FACTS])
def test_a_fact_is_shown(fact: dict[str, str]) -> None:
    assert fact["text"] in (TESTS / fact["file"]).read_text()


def test_a_fact_stands_once() -> None:
    assert len({(fact["section"], fact["fact"]) for fact in FACTS}) == len(FACTS) > 150
