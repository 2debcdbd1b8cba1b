"""Parsing and composing of messages (RFC 5322, 2045-2049). Pure: bytes in, frozen values out."""
