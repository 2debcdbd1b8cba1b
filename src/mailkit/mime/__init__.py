"""Parsing and composing of messages. Pure: bytes in, values out.

RFC 5322 (messages), 2045-2047 and 2049 (MIME), 2231 (parameters), 2183 (dispositions), 2392 (cid:), 6532 (UTF-8).

Three stages, each on top of the one before:

- `mailkit.mime.scan.scan(raw)`: where everything is: header fields and part tree, as offsets into the source.
- `mailkit.mime.parse.parse(raw)`: what it says: addresses, dates, texts, attachments, on demand.
- `mailkit.mime.compose.compose(draft)`: the way back, from a structured message to bytes.

No input makes the first two raise. What was wrong with it is told in `defects`.
"""
