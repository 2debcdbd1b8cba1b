"""All SQL. Parameters and results are binary: bytea, and int8 in network order."""

import struct
from collections.abc import Sequence

__all__ = [
    "BEGIN",
    "BEGIN_READING",
    "COMMIT",
    "CREATE",
    "ENTRIES_PER_TRANSACTION",
    "PREPARED",
    "ROLLBACK",
    "bytes_array",
    "int8",
    "int8_array",
    "session",
    "to_int",
]

CREATE = """
create table if not exists mailkit_kv (key bytea primary key, value bytea not null);
create table if not exists mailkit_log (
    space bytea not null, position bigint not null, value bytea not null, primary key (space, position)
);
create table if not exists mailkit_meta (name text primary key, value bigint not null);
insert into mailkit_meta (name, value) values ('version', 1), ('cluster', 0), ('base', 0), ('highest', 0)
on conflict (name) do nothing
"""
"""`cluster`: which server the positions are from; `base`: what is added to its transaction ids; `highest`: no entry
above it was ever trimmed."""

BEGIN, BEGIN_READING, COMMIT, ROLLBACK = b"begin", b"begin_reading", b"commit", b"rollback"

ENTRIES_PER_TRANSACTION = 1 << 18

# The one thing that is not portable. A position is 45 bits of transaction id and 18 bits of a number within the
# transaction: below 2^63, enough for 100 years of 10,000 transactions a second and for 262,144 entries in each.
_STAMP = "((pg_current_xact_id()::text::bigint + {base}) << 18)"
# Below it every transaction has ended; every entry that is not committed yet will be above.
_BOUND = "((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {base}) << 18)"

PREPARED = {
    BEGIN: "begin isolation level serializable",
    BEGIN_READING: "begin isolation level serializable read only",
    COMMIT: "commit",
    ROLLBACK: "rollback",
    b"look": "select 1",
    b"get": "select value from mailkit_kv where key = $1::bytea",
    b"up": "select key, value from mailkit_kv where key >= $1::bytea and key < $2::bytea order by key limit $3::bigint",
    b"down": "select key, value from mailkit_kv where key >= $1::bytea and key < $2::bytea"
    " order by key desc limit $3::bigint",
    b"put": "insert into mailkit_kv (key, value) values ($1::bytea, $2::bytea)"
    " on conflict (key) do update set value = excluded.value",
    b"put_all": "insert into mailkit_kv (key, value) select * from unnest($1::bytea[], $2::bytea[])"
    " on conflict (key) do update set value = excluded.value",
    b"delete": "delete from mailkit_kv where key = any($1::bytea[])",
    b"append": "insert into mailkit_log (space, position, value)"
    f" select space, {_STAMP.format(base='$1::bigint')} + number, value"
    " from unnest($2::bytea[], $3::bigint[], $4::bytea[]) as entries (space, number, value)",
    b"appended": "select position, value from mailkit_log where space = $1::bytea and position > $2::bigint"
    f" and position < {_BOUND.format(base='$3::bigint')} order by position limit $4::bigint",
    b"head": f"select {_BOUND.format(base='$1::bigint')} - 1",
    b"trim": "with gone as (delete from mailkit_log where space = $1::bytea and position <= $2::bigint"
    " returning position) update mailkit_meta set value = greatest(value, (select max(position) from gone))"
    " where name = 'highest' and exists (select 1 from gone)",
}
"""What every connection prepares, by name."""


def session(statement_timeout: int, idle_timeout: int) -> str:
    """Settings of a connection; those that a compatible server doesn't know are left out. Times in milliseconds."""
    wanted = {
        "statement_timeout": statement_timeout,
        "idle_in_transaction_session_timeout": idle_timeout,
        # A sequential scan of a small table takes a predicate lock on all of it: everybody would conflict with
        # everybody (PostgreSQL's documentation, 13.2.3).
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "jit": "off",
    }
    values = ", ".join(f"('{name}', '{value}')" for name, value in wanted.items())
    return (
        f"select set_config(s.name, w.value, false) from pg_settings s join (values {values}) w (name, value)"
        " on s.name = w.name"
        # stronger settings (remote_apply) are the operator's; a commit that is not on disk is nobody's
        " union all select set_config(name, 'on', false) from pg_settings where name = 'synchronous_commit'"
        " and setting = 'off'"
    )


_INT8 = struct.Struct(">q")


def int8(value: int) -> bytes:
    """A bigint parameter."""
    return _INT8.pack(value)


def to_int(data: bytes | None) -> int:
    """A bigint result."""
    assert data is not None
    value: int = _INT8.unpack(data)[0]
    return value


def bytes_array(values: Sequence[bytes]) -> bytes:
    """A bytea[] parameter."""
    return _array(17, values)


def int8_array(values: Sequence[int]) -> bytes:
    """A bigint[] parameter."""
    return _array(20, [_INT8.pack(value) for value in values])


def _array(kind: int, values: Sequence[bytes]) -> bytes:
    # dimensions, has nulls, type of elements; size and lower bound of the one dimension; then length and bytes of each
    parts = [struct.pack(">iiiii", 1, 0, kind, len(values), 1)]
    for value in values:
        parts.append(struct.pack(">i", len(value)))
        parts.append(value)
    return b"".join(parts)
