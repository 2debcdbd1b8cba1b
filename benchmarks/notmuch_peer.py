"""notmuch in a process of its own, for its Python binding comes with the system's Python (Debian: python3-notmuch2).

    NOTMUCH_CONFIG=... /usr/bin/python3 benchmarks/notmuch_peer.py MAILDIR

Reads one query a line and answers with one line of JSON: milliseconds (best of three), the number of hits. What is
timed is `count_messages` and the ids of the first 20: the binding makes an object of each message, and all of them
would cost it many times that.
"""

import json
import sys
import time
from itertools import islice

import notmuch2


def main() -> None:
    """Answers until its input ends."""
    database = notmuch2.Database(sys.argv[1], mode=notmuch2.Database.MODE.READ_ONLY)
    for line in sys.stdin:
        query = line.rstrip("\n")
        best = 1e9
        for _ in range(3):
            began = time.perf_counter()
            count = database.count_messages(query)
            for message in islice(database.messages(query), 20):
                _ = message.messageid
            best = min(best, time.perf_counter() - began)
        print(json.dumps([best * 1e3, count]), flush=True)


if __name__ == "__main__":
    main()
