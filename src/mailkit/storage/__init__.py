"""Where everything is kept: the storage seams, and the typed tables that the domain uses on top of them.

`api` is all that a backend has to know; `keyspace` is the one list of key prefixes; `tables` (Table, indexes,
Counter) is all that domain code uses. Only `backends/<name>.py` knows a database driver.
"""
