"""The tables: made when they are missing, checked, and positions kept growing."""

import time

from mailkit.errors import Conflict, Unavailable
from mailkit.storage.backends.postgres.connection import Connection
from mailkit.storage.backends.postgres.statements import CREATE

__all__ = ["SUPPORTED", "ready"]

SUPPORTED = 1
"""Version of the tables that this code reads and writes."""

_ATTEMPTS = 50
_AHEAD = 1 << 36
"""How far positions jump on another server, in transactions: more than can have happened unseen since the last time
that `highest` was written."""

_META = "select name, value from mailkit_meta"
_NOW = (
    "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint, (select system_identifier from pg_control_system())"
)


def ready(connection: Connection) -> int:
    """Makes what is missing and returns what is to be added to transaction ids (`statements`).

    Raises Unavailable `store.newer` for tables of a newer version, and when this may not be done here.
    """
    for attempt in range(_ATTEMPTS):
        try:
            if not _exists(connection):
                connection.simple(CREATE)
            return _base(connection)
        except Conflict:
            # several processes begin at once: `if not exists` does not keep them from meeting
            time.sleep(0.01 * min(attempt + 1, 10))
    raise Unavailable("store.unavailable", "The tables could not be made: too many others were at it")


def _exists(connection: Connection) -> bool:
    return bool(connection.simple("select to_regclass('mailkit_meta') is not null")[0][0][0])


def _base(connection: Connection) -> int:
    *_, meta_rows, now_rows, highest_rows = connection.simple(
        f"set transaction isolation level serializable; {_META}; {_NOW}; select max(position) from mailkit_log"
    )
    meta = {str(name): int(value) for name, value in meta_rows}
    if meta["version"] > SUPPORTED:
        raise Unavailable(
            "store.newer", f"The tables have version {meta['version']}, newer than {SUPPORTED}: upgrade mailkit"
        )
    transaction, server = (int(value) for value in now_rows[0])
    highest = max(meta["highest"], int(highest_rows[0][0] or 0))
    base = meta["base"]
    moved = meta["cluster"] not in (0, server)
    if moved or (transaction + base) << 18 <= highest:
        # restored on another server: its transaction ids may be lower than those that readers have seen
        base = (highest >> 18) + (_AHEAD if moved else 1) - transaction
    wanted = {"cluster": server, "base": base, "highest": max(highest, (transaction + base) << 18)}
    changed = "; ".join(
        f"update mailkit_meta set value = {value} where name = '{name}' and value = {meta[name]}"
        for name, value in wanted.items()
        if value != meta[name]
    )
    if changed:
        connection.simple(f"set transaction isolation level serializable; {changed}")
    if base != meta["base"]:
        return _base(connection)
    return base
