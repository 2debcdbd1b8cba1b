"""The store on PostgreSQL: the way out of one machine. Needs the extra `postgres` (psycopg 3).

The law:

1. Every transaction is SERIALIZABLE, snapshots too (SERIALIZABLE READ ONLY): a plain snapshot could show a state
   that no order of the transactions ever had (the read-only anomaly). Losers get Conflict, or run again.
2. Writes wait in the client and go to the server with the COMMIT, in one round trip. So a transaction holds a row
   lock, or a transaction id, for no longer than that round trip, whatever its function does.
3. A function that raises has its reads validated by a COMMIT too: an error is only passed on when the state it was
   decided on is one that the store really had.
4. A connection that breaks before a COMMIT was sent means that nothing happened; one that breaks after that leaves
   the outcome open, and the caller gets Unavailable `store.outcome_unknown`: never a silent second run, which could
   do everything twice. This is the one exception to "if it raises, nothing happened".
5. An entry's position is made of its transaction's id and a number within it. Ids are given out in order, so a reader
   that stops below the oldest transaction that may still commit can never be overtaken (`statements.STAMP`).

SQL is what CockroachDB and YugabyteDB accept too, except the stamp of law 5.
"""

from mailkit.storage.backends.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
