"""The mail store: mailboxes, messages and threads of accounts, by IMAP's rules (RFC 3501, 7162).

One package owns UIDs, modseqs and counters. The pure modules decide (`folders` what a new account gets, `segments` how
a message is cut for storing, `describe` what its row says); `prepare` does all slow work before the transaction;
`append` is the one place where a message comes into being; `service` is what others call.
"""
