"""Runs benchmarks and keeps what they print in docs/performance.md.

    python -m benchmarks                 all of them, one after the other
    python -m benchmarks storage http    these
    python -m benchmarks --list

A run replaces the sections of the benchmarks it has run and leaves the others as they are.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

TOPICS: dict[str, str] = {
    "imports": "What importing costs",
    "storage": "The store: writes and reads against bare LMDB",
    "postgres": "PostgreSQL: transactions against bare psycopg",
    "ground": "Jobs and telemetry",
    "lists": "Pages of 10^3 and of 10^6",
    "http": "Requests against an empty endpoint",
    "lmtp": "Mail in over LMTP",
    "mime": "MIME: reading messages",
    "mailauth": "Message authentication",
    "spam": "The spam engine",
    "credentials": "Access: logins, Basic credentials, tokens",
    "accounts": "Accounts: creating, resolving, listing",
    "delivery": "Real mail delivered, beside Dovecot",
    "mailstore": "The mail store by size",
    "encryption": "Mail encrypted at rest",
    "search": "Search beside SQLite FTS5 and notmuch",
}

HEAD = """# Performance

Measured by the scripts in `benchmarks/`, each with its peers in the same run: `python -m benchmarks TOPIC` (from a
checkout, with the extra `bench`) runs one and replaces its section here. Ratios are what counts: the absolute figures
are those of one small, noisy machine, named in each section.
"""


def sections(text: str) -> dict[str, str]:
    """Section title -> its text."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip("\n") for part in parts[2::2]), strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="*", metavar="TOPIC")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:10} {title}" for name, title in TOPICS.items()))
        return 0
    unknown = [name for name in options.topics if name not in TOPICS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(TOPICS)}")
    kept = sections(PAGE.read_text()) if PAGE.exists() else {}
    failed = 0
    for name in options.topics or TOPICS:
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        print(f"== {name}", flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
        print(done.stdout, done.stderr, sep="", flush=True)
        if done.returncode:
            failed = 1
            continue
        kept[TOPICS[name]] = f"`python -m benchmarks.{name}`\n\n```text\n{done.stdout.strip()}\n```"
        ordered = [title for title in TOPICS.values() if title in kept]
        PAGE.write_text(HEAD + "".join(f"\n## {title}\n\n{kept[title]}\n" for title in ordered))
    return failed


if __name__ == "__main__":
    sys.exit(main())
