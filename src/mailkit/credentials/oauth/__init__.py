"""OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), device flow (RFC 8628), introspection (RFC 7662), revocation (RFC 7009).

`authorize` decides who may ask for a code, `pkce` whether who redeems it is who asked, `bearer` seals and opens tokens,
`grants` keeps codes until they are used. Tokens are not stored: a token is sealed JSON, void when its account's auth
version moves on (a new password does that) or its grant was revoked.
"""
