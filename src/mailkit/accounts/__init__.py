"""Whole accounts: a principal with its folders, addresses and secrets, made and removed in one transaction each.

`create` decides what a new account is made of, `callers` who asks (a token or a password becomes a `Caller`),
`service` does it.
"""
