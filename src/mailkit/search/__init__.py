"""Search: what users ask for, what it means, and an index that answers exactly that.

Pure: `terms` (words), `query` (what can be asked), `parse` and `words_query` (how it is written), `document` (what of a
message is looked at), `match` (what a query means). `api` is the seam an index has to fit; `store` is the one that
lies in the Store, written in the same transaction as the message. `service` is what others call.
"""
