"""What `import mailkit` costs, in a fresh process, beside an empty one.

    python -m benchmarks.imports

Aim: `import mailkit` below 150 ms, and none of the server's, DNS's, crypto's or HTML's libraries loaded by it.
"""

import platform
import subprocess
import sys
import time

HEAVY = ("starlette", "uvicorn", "dns", "cryptography", "nh3", "selectolax", "numpy", "lmdb", "psycopg", "argon2")


def best(code: str, rounds: int = 15) -> float:
    """Milliseconds of a fresh interpreter that runs `code`; the best of the rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def main() -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}")
    empty = best("pass")
    for label, code in (
        ("import mailkit", "import mailkit"),
        ("from mailkit import MailKit", "from mailkit import MailKit"),
        ("a platform in memory, opened", "from mailkit import MailKit; MailKit.open('memory:').close()"),
    ):
        print(f"{label:30} {best(code) - empty:6.1f} ms above an empty interpreter ({empty:.1f} ms)")
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, mailkit; print(*[m for m in {HEAVY} if m in sys.modules])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    print("heavy libraries loaded by `import mailkit`:", ", ".join(loaded) or "none")
    print("aim: import mailkit < 150 ms")


if __name__ == "__main__":
    main()
