"""What proves who a caller is: passwords and access tokens. It knows principals by number only.

`passwords` hashes and verifies (RFC 9106), `tokens` mints and checks, `service` keeps both. Nothing here returns a
secret that was stored: passwords are argon2id hashes, tokens are kept as their SHA-256.
"""
