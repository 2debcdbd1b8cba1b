"""The keys of the kernel: what is needed to open a store, listen and log.

A default of None means "unset", and the sentence says what then happens.
"""

from typing import Any

from mailkit.settings.kinds import (
    DURATION,
    FILLED,
    FLAG,
    HOST_PORT,
    NETWORK,
    SIZE,
    TEXT,
    URL,
    HostPort,
    Network,
    list_of,
    one_of,
    or_off,
    whole,
)
from mailkit.settings.registry import Key

__all__ = ["KERNEL_KEYS"]

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_MINUTE = 60_000

STORE: Key[str] = Key(
    "store",
    FILLED,  # an empty path would be the folder that one happens to stand in
    "mail-data",
    "Where everything is kept: a folder, or a URL such as `postgresql://...`.",
    scope="boot",
)
PLUGINS: Key[tuple[str, ...]] = Key(
    "plugins", list_of(TEXT), (), "Plugins to load, by name and in this order.", scope="boot"
)

HTTP_LISTEN: Key[HostPort | None] = Key(
    "http.listen", or_off(HOST_PORT), HostPort("127.0.0.1", 8080), "Where both REST dialects are served.", scope="boot"
)
HTTP_WORKERS: Key[int] = Key("http.workers", whole(1, 1024), 1, "Processes that serve HTTP.", scope="boot")
HTTP_PUBLIC_URL: Key[str | None] = Key(
    "http.public_url", URL, None, "The URL that clients use; unset: the one that is listened on.", scope="boot"
)
HTTP_OPEN: Key[bool] = Key(
    "http.open",
    FLAG,
    False,
    "Serve without credentials, to requests for localhost only. For trying things out.",
    scope="boot",
)
HTTP_TRUSTED_PROXIES: Key[tuple[Network, ...]] = Key(
    "http.trusted_proxies", list_of(NETWORK), (), "Proxies whose X-Forwarded-For is believed.", scope="reload"
)
HTTP_CORS_ORIGINS: Key[tuple[str, ...]] = Key(
    "http.cors_origins",
    list_of(TEXT),
    (),
    "Origins whose pages may call the API; `*` for all, then without credentials.",
    scope="reload",
)

LMTP_LISTEN: Key[HostPort | None] = Key(
    "lmtp.listen", or_off(HOST_PORT), None, "Where mail is taken in over LMTP; unset: nowhere.", scope="boot"
)
LMTP_WORKERS: Key[int] = Key(
    "lmtp.workers",
    whole(1, 1024),
    1,
    "Processes that take mail in; with 1 the background process does it beside its own work.",
    scope="boot",
)
LMTP_MAX_RECIPIENTS: Key[int] = Key(
    "lmtp.max_recipients",
    whole(100),
    1000,
    "Most recipients of one LMTP transaction (RFC 5321 4.5.3.1.8: 100 or more).",
)
LMTP_MAX_CONNECTIONS: Key[int] = Key(
    "lmtp.max_connections",
    whole(1),
    100,
    "Most LMTP connections at a time, shared out among the workers; more are told to come back.",
)

LIMITS_MESSAGE_SIZE: Key[int] = Key("limits.message_size", SIZE, 64 << 20, "Largest message that is taken.")

MAIL_HOSTNAME: Key[str | None] = Key(
    "mail.hostname",
    TEXT,
    None,
    "The name this host gives itself in greetings and trace fields; unset: the machine's.",
    scope="reload",
)
MAIL_DOMAIN: Key[str | None] = Key(
    "mail.domain", TEXT, None, "The domain of addresses given without one; unset: `mail.hostname`.", scope="reload"
)

REPORT_DOMAIN: Key[str | None] = Key(
    "report.domain", TEXT, None, "The domain that reports are sent from; unset: the first one that somebody adds."
)

DNS_ZONE: Key[str | None] = Key(
    "dns.zone",
    TEXT,
    None,
    "A zone file (YAML or JSON) that answers every DNS question; unset: the machine's resolver. For trying things out.",
    scope="boot",
)

JOURNAL_KEEP: Key[int] = Key(
    "journal.keep", DURATION, 3 * _HOUR, "How long every journal entry lives, read or not.", owner="journal"
)
JOURNAL_KEEP_MOST: Key[int] = Key(
    "journal.keep_most",
    DURATION,
    7 * _DAY,
    "How long journal entries wait for their slowest reader; never less than `journal.keep`.",
    owner="journal",
)

TELEMETRY_LOG_LEVEL: Key[str] = Key(
    "telemetry.log_level",
    one_of("debug", "info", "warning", "error", "off"),
    "info",
    "The least important events that are logged.",
    owner="telemetry",
)
TELEMETRY_LOG_FORMAT: Key[str] = Key(
    "telemetry.log_format", one_of("text", "json"), "text", "How log lines look.", scope="boot", owner="telemetry"
)

ARCHIVE_KEEP: Key[int] = Key(
    "archive.keep", DURATION, 25 * _DAY, "How long deleted messages can be restored.", owner="mailstore"
)
AUTHLOG_KEEP: Key[int] = Key(
    "authlog.keep", DURATION, 30 * _DAY, "How long login events are kept; 0: none is.", owner="credentials"
)
AUTOREPLY_INTERVAL: Key[int] = Key(
    "autoreply.interval", DURATION, 4 * _HOUR, "Time between two automatic replies to one sender.", owner="autoreply"
)
QUEUE_RETRY_DELAYS: Key[tuple[int, ...]] = Key(
    "queue.retry_delays",
    list_of(DURATION),
    (*(m * _MINUTE for m in (5, 7, 8, 25, 75, 120)), *[240 * _MINUTE] * 11),
    "Waits between attempts to deliver; after the last one the message is returned.",
    owner="queue",
)

KERNEL_KEYS: tuple[Key[Any], ...] = (
    STORE,
    PLUGINS,
    HTTP_LISTEN,
    HTTP_WORKERS,
    HTTP_PUBLIC_URL,
    HTTP_OPEN,
    HTTP_TRUSTED_PROXIES,
    HTTP_CORS_ORIGINS,
    LMTP_LISTEN,
    LMTP_WORKERS,
    LMTP_MAX_RECIPIENTS,
    LMTP_MAX_CONNECTIONS,
    LIMITS_MESSAGE_SIZE,
    MAIL_HOSTNAME,
    MAIL_DOMAIN,
    REPORT_DOMAIN,
    DNS_ZONE,
    JOURNAL_KEEP,
    JOURNAL_KEEP_MOST,
    TELEMETRY_LOG_LEVEL,
    TELEMETRY_LOG_FORMAT,
    ARCHIVE_KEEP,
    AUTHLOG_KEEP,
    AUTOREPLY_INTERVAL,
    QUEUE_RETRY_DELAYS,
)
