"""What proves who a caller is: passwords, application passwords, second factors, tokens. It knows principals by number.

The pure modules decide: `schemes` and `passwords` (RFC 9106), `totp` (RFC 6238), `webauthn` (W3C Level 2), `tokens`,
`apppasswords`, `factors`, `attempts` (which failures count for whom), `arrival` (what a secret given as text is),
`authlog_merge`, `oauth`. The services keep: `service`, `appservice`, `onetime`, `authenticators`, `authlog`,
`oauth.grants`.

Nothing here returns a secret that was stored: passwords are argon2id hashes, tokens are kept as their SHA-256,
application passwords as a keyed hash, TOTP seeds sealed.
"""
