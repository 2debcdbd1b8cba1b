"""Mail encrypted at rest, for the keys of whoever receives it: OpenPGP (RFC 3156) and S/MIME (RFC 8551). Pure.

A message's header fields stay outside, in clear; its MIME fields and its body move inside:

    Received, From, Subject, ...      stay as they are
    Content-Type, Content-...      -> the header of the MIME entity that is encrypted
    body                           -> its body

What is decrypted is therefore a MIME entity with the very bytes of the message: nothing is decoded or encoded anew.

`demand` says whether a message is to be encrypted and for which keys, `encrypt` does it, and `already` recognises what
somebody else has encrypted. Encrypting needs randomness, which the libraries take from the system; all else follows
from the arguments.
"""
