"""Who there is: people, groups, lists, domains, tenants, roles and keys as one kind of record, and their addresses.

`normalise` gives names and addresses their stored form, `records` says what is kept, `tables` where and by which
indexes, `service` does it in the caller's transaction; `permits` decides who may do what, with `roles` as data. What it
takes to create or delete a whole account (folders, secrets, quota) is the use case `mailkit.accounts`.
"""
