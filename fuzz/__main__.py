"""Runs every fuzz target, one after the other, for an hour in all or as told.

python -m fuzz [--seconds 3600]
"""

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3600)
    options = parser.parse_args()
    targets = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    failed = []
    for target in targets:
        share = max(1, options.seconds // len(targets))
        print(f"== {target}, {share} s", flush=True)
        if subprocess.run([sys.executable, "-m", f"fuzz.{target}", "--seconds", str(share)]).returncode:
            failed.append(target)
    print("finds in: " + ", ".join(failed) if failed else "no finds")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
