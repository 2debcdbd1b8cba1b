# ruff: noqa: E501 - one row, one line
"""Every operation of WildDuck 1.45, with its permission, what its list costs, and the endpoint once there is one.

    method(path, operation id, permission, endpoint, ...)

The permission is `resource:action` (W1.7): own scope is enough on the caller's own account, unless `:any` is said;
with `:listing`, own scope cuts the list down to the caller's own records. `loose` operations ignore unknown keys
(W1.3). An operation without an endpoint answers 501.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from attrs import evolve

from mailkit.http.operation import Listed, Operation, endpoint_of
from mailkit.http.wildduck import asps, authentication, health, mailboxes, messages, twofactor, upload, users, webauthn
from mailkit.principals.permits import NOTHING, Need

__all__ = ["ROUTES"]

VALID: Final = "-"  # no permission: any valid token will do
FLAT, EITHER, SCAN, STREAM = Listed.FLAT, Listed.EITHER, Listed.SCAN, Listed.STREAM


def row(
    method: str,
    path: str,
    name: str,
    permission: str,
    endpoint: Callable[..., Any] | None = None,
    *,
    listed: Listed = Listed.NONE,
    loose: bool = False,
    changes: bool = False,
) -> Operation:
    return Operation(
        method,
        path,
        name,
        group="",
        need=NOTHING if permission == VALID else Need.wildduck(permission),
        endpoint=None if endpoint is None else endpoint_of(endpoint),
        listed=listed,
        unknown="ignored" if loose else "refused",
        changes=changes,
    )


get, post, put, delete = (partial(row, method) for method in ("GET", "POST", "PUT", "DELETE"))


def tag(group: str, *rows: Operation) -> tuple[Operation, ...]:
    return tuple(evolve(operation, group=group) for operation in rows)


# fmt: off
ROUTES: tuple[Operation, ...] = (
    *tag("Users",
        get("/users", "getUsers", "userlisting:read:listing", users.list_users, listed=EITHER, loose=True),
        post("/users", "createUser", "users:create:any", users.create_user),
        get("/users/resolve/{username}", "resolveUser", "users:read:any", users.resolve_user),
        get("/users/{user}", "getUser", "users:read", users.get_user),
        put("/users/{user}", "updateUser", "users:update"),
        delete("/users/{user}", "deleteUser", "users:delete:any", users.delete_user),
        put("/users/{user}/logout", "logoutUser", "users:read"),
        post("/users/{user}/quota/reset", "recalculateQuota", "users:update"),
        post("/quota/reset", "recalculateQuotaAllUsers", "users:update:any"),
        post("/users/{user}/password/reset", "resetUserPassword", "users:update:any"),
        get("/users/{user}/restore", "restoreUserInfo", "users:read"),
        post("/users/{user}/restore", "cancelUserDelete", "users:update"),
        get("/users/{user}/updates", "getUpdates", "users:read", listed=STREAM),
    ),
    *tag("Export",
        post("/data/export", "createExport", "export:create:any", listed=STREAM),
        post("/data/import", "createImport", "import:create:any"),
    ),
    *tag("Addresses",
        get("/addresses", "getAddresses", "addresslisting:read:listing", listed=EITHER, loose=True),
        post("/users/{user}/addresses", "createUserAddress", "addresses:create"),
        get("/users/{user}/addresses", "getUserAddresses", "addresses:read", listed=STREAM),
        get("/users/{user}/addresses/{address}", "getUserAddress", "addresses:read"),
        delete("/users/{user}/addresses/{address}", "deleteUserAddress", "addresses:delete"),
        put("/users/{user}/addresses/{id}", "updateUserAddress", "addresses:update"),
        get("/users/{user}/addressregister", "getUserAddressregister", "addresses:read", listed=SCAN),
        post("/addresses/forwarded", "createForwardedAddress", "addresses:create:any"),
        put("/addresses/forwarded/{id}", "updateForwardedAddress", "addresses:update:any"),
        delete("/addresses/forwarded/{address}", "deleteForwardedAddress", "addresses:delete:any"),
        get("/addresses/forwarded/{address}", "getForwardedAddress", "addresses:read:any"),
        get("/addresses/resolve/{address}", "resolveAddress", "addresses:read:any"),
        put("/addresses/renameDomain", "renameDomain", "addresses:update:any"),
    ),
    *tag("Mailboxes",
        get("/users/{user}/mailboxes", "getMailboxes", "mailboxes:read", mailboxes.list_mailboxes, listed=STREAM),
        post("/users/{user}/mailboxes", "createMailbox", "mailboxes:create"),
        get("/users/{user}/mailboxes/{mailbox}", "getMailbox", "mailboxes:read"),
        put("/users/{user}/mailboxes/{mailbox}", "updateMailbox", "mailboxes:update"),
        delete("/users/{user}/mailboxes/{mailbox}", "deleteMailbox", "mailboxes:delete"),
    ),
    *tag("Messages",
        get("/users/{user}/mailboxes/{mailbox}/messages", "getMessages", "messages:read", messages.list_messages, listed=EITHER, loose=True),
        put("/users/{user}/mailboxes/{mailbox}/messages", "updateMessage", "messages:update"),
        delete("/users/{user}/mailboxes/{mailbox}/messages", "deleteMessagesInMailbox", "messages:delete"),
        post("/users/{user}/mailboxes/{mailbox}/messages", "uploadMessage", "messages:create", upload.upload_message),
        get("/users/{user}/search", "searchMessages", "messages:read", listed=FLAT, loose=True),
        post("/users/{user}/search", "searchApplyMessages", "messages:read", loose=True),
        get("/users/{user}/mailboxes/{mailbox}/messages/{message}", "getMessage", "messages:read", messages.get_message),
        put("/users/{user}/mailboxes/{mailbox}/messages/{message}", "updateMessagePathParams", "messages:update"),
        delete("/users/{user}/mailboxes/{mailbox}/messages/{message}", "deleteMessage", "messages:delete"),
        get("/users/{user}/mailboxes/{mailbox}/messages/{message}/message.eml", "getMessageSource", "messages:read", messages.get_source),
        get("/users/{user}/mailboxes/{mailbox}/messages/{message}/attachments/{attachment}", "getMessageAttachment", "attachments:read"),
        post("/users/{user}/mailboxes/{mailbox}/messages/{message}/forward", "forwardStoredMessage", "messages:create"),
        post("/users/{user}/mailboxes/{mailbox}/messages/{message}/submit", "submitStoredMessage", "messages:create"),
        delete("/users/{user}/outbound/{queueId}", "deleteOutboundMessage", "messages:delete"),
    ),
    *tag("Archive",
        get("/users/{user}/archived/messages", "getArchivedMessages", "messages:read", listed=FLAT, loose=True),
        post("/users/{user}/archived/restore", "restoreMessages", "messages:update"),
        post("/users/{user}/archived/messages/{message}/restore", "restoreMessage", "messages:update"),
    ),
    *tag("Storage",
        post("/users/{user}/storage", "uploadFile", "storage:create"),
        get("/users/{user}/storage", "getFiles", "storage:read", listed=EITHER, loose=True),
        delete("/users/{user}/storage/{file}", "deleteFile", "storage:delete"),
        get("/users/{user}/storage/{file}", "getFile", "storage:read"),
    ),
    *tag("Filters",
        get("/filters", "getAllFilters", "filters:read:listing", listed=EITHER, loose=True),
        get("/users/{user}/filters", "getFilters", "filters:read", listed=STREAM),
        post("/users/{user}/filters", "createFilter", "filters:create"),
        get("/users/{user}/filters/{filter}", "getFilter", "filters:read"),
        delete("/users/{user}/filters/{filter}", "deleteFilter", "filters:delete"),
        put("/users/{user}/filters/{filter}", "updateFilter", "filters:update"),
    ),
    *tag("DomainAccess",
        post("/domainaccess/{tag}/allow", "createAllowedDomain", "domainaccess:create:any"),
        get("/domainaccess/{tag}/allow", "getAllowedDomains", "domainaccess:read:any", listed=STREAM),
        post("/domainaccess/{tag}/block", "createBlockedDomain", "domainaccess:create:any"),
        get("/domainaccess/{tag}/block", "getBlockedDomains", "domainaccess:read:any", listed=STREAM),
        delete("/domainaccess/{domain}", "deleteDomainListing", "domainaccess:delete:any"),
    ),
    *tag("ApplicationPasswords",
        get("/users/{user}/asps", "getASPs", "asps:read", asps.list_asps, listed=STREAM),
        post("/users/{user}/asps", "createASP", "asps:create", asps.create_asp),
        get("/users/{user}/asps/{asp}", "getASP", "asps:read", asps.get_asp),
        delete("/users/{user}/asps/{asp}", "deleteASP", "asps:delete", asps.delete_asp),
    ),
    *tag("TwoFactorAuth",
        post("/users/{user}/2fa/totp/setup", "generateTOTPSeed", "users:update", twofactor.setup_totp),
        post("/users/{user}/2fa/totp/enable", "enableTOTPSeed", "users:update", twofactor.enable_totp),
        delete("/users/{user}/2fa/totp", "disableTOTPAuth", "users:update", twofactor.disable_totp),
        post("/users/{user}/2fa/totp/check", "validateTOTPToken", "users:read", twofactor.check_totp),
        delete("/users/{user}/2fa", "disable2FA", "users:update", twofactor.disable_all),
        put("/users/{user}/2fa/custom", "enableCustom2FA", "users:update", twofactor.enable_custom),
        delete("/users/{user}/2fa/custom", "disableCustom2FA", "users:update", twofactor.disable_custom),
        get("/users/{user}/2fa/webauthn/credentials", "getWebAuthN", "users:read", webauthn.list_credentials, listed=STREAM),
        delete("/users/{user}/2fa/webauthn/credentials/{credential}", "deleteWebAuthN", "users:update", webauthn.delete_credential),
        post("/users/{user}/2fa/webauthn/registration-challenge", "initiateWebAuthNRegistration", "users:update", webauthn.begin_registration),
        post("/users/{user}/2fa/webauthn/registration-attestation", "attestateWebAuthNRegistration", "users:update", webauthn.attest_registration),
        post("/users/{user}/2fa/webauthn/authentication-challenge", "authenticateWebAuthN", "authentication:create", webauthn.begin_authentication),
        post("/users/{user}/2fa/webauthn/authentication-assertion", "assertWebAuthN", "authentication:create", webauthn.check_assertion),
    ),
    *tag("Authentication",
        post("/preauth", "preauth", "authentication:create:any", authentication.preauth),
        post("/authenticate", "authenticate", "authentication:create:any", authentication.authenticate),
        delete("/authenticate", "invalidateAccessToken", VALID, authentication.log_out),
        get("/users/{user}/authlog", "getAuthlog", "authentication:read", authentication.list_events, listed=EITHER),
        get("/users/{user}/authlog/{event}", "getAuthlogEvent", "authentication:read", authentication.get_event),
    ),
    *tag("Autoreplies",
        put("/users/{user}/autoreply", "updateAutoreply", "autoreplies:update"),
        get("/users/{user}/autoreply", "getAutoreply", "autoreplies:read"),
        delete("/users/{user}/autoreply", "deleteAutoreply", "autoreplies:delete"),
    ),
    *tag("Submission",
        post("/users/{user}/submit", "submitMessage", "messages:create", loose=True),
    ),
    *tag("Audit",
        post("/audit", "createAudit", "audit:update:any"),
        get("/audit/{audit}", "getAudit", "audit:read:any"),
        get("/audit/{audit}/export.mbox", "getAuditEmails", "audit:read:any", listed=STREAM),
    ),
    *tag("DomainAliases",
        get("/domainaliases", "getDomainAliases", "domainaliases:read:any", listed=EITHER, loose=True),
        post("/domainaliases", "createDomainAlias", "domainaliases:create:any"),
        get("/domainaliases/resolve/{alias}", "resolveDomainAlias", "domainaliases:read:any"),
        get("/domainaliases/{alias}", "getDomainAlias", "domainaliases:read:any"),
        delete("/domainaliases/{alias}", "deleteDomainAlias", "domainaliases:delete:any"),
    ),
    *tag("DKIM",
        get("/dkim", "getDkimKeys", "dkim:read:any", listed=EITHER, loose=True),
        post("/dkim", "updateDkimKey", "dkim:create:any"),
        get("/dkim/resolve/{domain}", "resolveDkim", "dkim:read:any"),
        get("/dkim/{dkim}", "getDkimKey", "dkim:read:any"),
        delete("/dkim/{dkim}", "deleteDkimKey", "dkim:delete:any"),
    ),
    *tag("Certs",
        get("/certs", "getTLSCertificates", "certs:read:any", listed=EITHER, loose=True),
        post("/certs", "updateTLSCertificate", "certs:create:any"),
        get("/certs/resolve/{servername}", "resolveTLSCertificate", "certs:read:any"),
        get("/certs/{cert}", "getTLSCertificate", "certs:read:any"),
        delete("/certs/{cert}", "deleteTLSCert", "certs:delete:any"),
    ),
    *tag("Webhooks",
        get("/webhooks", "getWebhooks", "webhooks:read:listing", listed=FLAT, loose=True),
        post("/webhooks", "createWebhook", "webhooks:create:any"),
        delete("/webhooks/{webhook}", "deleteWebhook", "webhooks:delete:any"),
    ),
    *tag("Settings",
        get("/settings", "getSettings", "settings:read:any", listed=STREAM, loose=True),
        post("/settings/{key}", "createSetting", "settings:create:any"),
        get("/settings/{key}", "getSetting", "settings:read:any"),
    ),
    *tag("Health",
        get("/health", "getHealth", VALID, health.get_health),
    ),
)
# fmt: on
