# ruff: noqa: E501 - one row, one line
"""Every operation of Stalwart's management API (0.12) below `/api`, with its permission and the endpoint once there is
one.

    method(path, operation id, permission, endpoint, ...)

`*-list` means any of the principal types' permissions: the endpoint checks the one of the type in question. `source`
is the section of the behaviour file for operations that the document leaves out. An operation without an endpoint
answers 501.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve

from mailkit.http.operation import Listed, Operation, endpoint_of
from mailkit.http.stalwart import (
    access,
    crypto,
    principal_create,
    principal_delete,
    principal_patch,
    principals,
    purging,
    settings,
    store,
    troubleshoot,
    undelete,
)
from mailkit.http.stalwart.types import PERMISSION_PREFIXES
from mailkit.principals.permits import Need

__all__ = ["PREFIX", "ROUTES"]

PREFIX = "/api"
FLAT, SCAN, STREAM = Listed.FLAT, Listed.SCAN, Listed.STREAM


def row(
    method: str,
    path: str,
    name: str,
    permission: str,
    endpoint: Callable[..., Any] | None = None,
    *,
    listed: Listed = Listed.NONE,
    source: str = "document",
    changes: bool = False,
    secret: bool = False,
) -> Operation:
    kinds = sorted(set(PERMISSION_PREFIXES.values()))
    names = [kind + permission[1:] for kind in kinds] if permission.startswith("*") else [permission]
    return Operation(
        method,
        path,
        name,
        group="",
        need=Need.one_of(*names),
        endpoint=None if endpoint is None else endpoint_of(endpoint),
        listed=listed,
        source=source,
        unknown="ignored",  # of the query; bodies have rules of their own
        changes=changes,
        secret=secret,
    )


get, post, patch, delete = (partial(row, method) for method in ("GET", "POST", "PATCH", "DELETE"))


def tag(group: str, *rows: Operation) -> tuple[Operation, ...]:
    return tuple(evolve(operation, group=group) for operation in rows)


# fmt: off
ROUTES: tuple[Operation, ...] = (
    *tag("oauth",
        post("/oauth", "postOauth", "authenticate-oauth", access.give_code, secret=True),
    ),
    *tag("telemetry",
        get("/telemetry/metrics", "getTelemetryMetrics", "metrics-list", listed=SCAN),
        get("/telemetry/live/metrics-token", "getTelemetryLiveMetricsToken", "metrics-live"),
        get("/telemetry/metrics/live", "getTelemetryMetricsLive", "metrics-live", listed=STREAM),
        get("/telemetry/traces", "getTelemetryTraces", "tracing-list", listed=SCAN),
        get("/telemetry/trace/{trace_id}", "getTelemetryTraceTraceId", "tracing-get"),
        get("/telemetry/live/tracing-token", "getTelemetryLiveTracingToken", "tracing-live"),
        get("/telemetry/traces/live", "getTelemetryTracesLive", "tracing-live", listed=STREAM),
        get("/telemetry/trace", "getTelemetryTrace", "tracing-get", source="7.4"),
    ),
    *tag("principal",
        get("/principal", "getPrincipal", "*-list", principals.list_principals, listed=SCAN),
        post("/principal", "postPrincipal", "*-create", principal_create.create_principal),
        get("/principal/{principal_id}", "getPrincipalPrincipalId", "*-get", principals.get_principal),
        patch("/principal/{principal_id}", "patchPrincipalPrincipalId", "*-update", principal_patch.patch_principal),
        delete("/principal/{principal_id}", "deletePrincipalPrincipalId", "*-delete", principal_delete.delete_principal),
        delete("/principal", "deletePrincipalBulk", "*-delete", principal_delete.delete_principals, source="3.5"),
    ),
    *tag("dkim",
        post("/dkim", "postDkim", "dkim-signature-create"),
        get("/dkim/{id}", "getDkimId", "dkim-signature-get", source="4.1"),
    ),
    *tag("queue",
        get("/queue/messages", "getQueueMessages", "message-queue-list", listed=SCAN),
        patch("/queue/messages", "patchQueueMessages", "message-queue-update"),
        delete("/queue/messages", "deleteQueueMessages", "message-queue-delete"),
        get("/queue/reports", "getQueueReports", "outgoing-report-list", listed=SCAN),
        patch("/queue/status/stop", "patchQueueStatusStop", "message-queue-update"),
        patch("/queue/status/start", "patchQueueStatusStart", "message-queue-update"),
        get("/queue/messages/{message_id}", "getQueueMessagesMessageId", "message-queue-get"),
        patch("/queue/messages/{message_id}", "patchQueueMessagesMessageId", "message-queue-update"),
        delete("/queue/messages/{message_id}", "deleteQueueMessagesMessageId", "message-queue-delete"),
        get("/queue/status", "getQueueStatus", "message-queue-get"),
        delete("/queue/reports", "deleteQueueReports", "outgoing-report-delete", source="2.2"),
        get("/queue/reports/{id}", "getQueueReportsId", "outgoing-report-get", source="2.2"),
        delete("/queue/reports/{id}", "deleteQueueReportsId", "outgoing-report-delete", source="2.2"),
    ),
    *tag("reports",
        get("/reports/dmarc", "getReportsDmarc", "incoming-report-list", listed=SCAN),
        get("/reports/tls", "getReportsTls", "incoming-report-list", listed=SCAN),
        get("/reports/arf", "getReportsArf", "incoming-report-list", listed=SCAN),
        get("/reports/{class}/{id}", "getReportsClassId", "incoming-report-get", source="2.3"),
        delete("/reports/{class}/{id}", "deleteReportsClassId", "incoming-report-delete", source="2.3"),
        delete("/reports/{class}", "deleteReportsClass", "incoming-report-delete", source="2.3"),
    ),
    *tag("logs",
        get("/logs", "getLogs", "logs-view", listed=SCAN),
    ),
    *tag("spam-filter",
        post("/spam-filter/train/spam", "postSpamFilterTrainSpam", "spam-filter-train"),
        post("/spam-filter/train/ham", "postSpamFilterTrainHam", "spam-filter-train"),
        post("/spam-filter/train/spam/{account_id}", "postSpamFilterTrainSpamAccountId", "spam-filter-train"),
        post("/spam-filter/train/ham/{account_id}", "postSpamFilterTrainHamAccountId", "spam-filter-train"),
        post("/spam-filter/classify", "postSpamFilterClassify", "spam-filter-train"),
    ),
    *tag("troubleshoot",
        get("/troubleshoot/token", "getTroubleshootToken", "troubleshoot"),
        get("/troubleshoot/delivery/{recipient}", "getTroubleshootDeliveryRecipient", "troubleshoot", listed=STREAM),
        post("/troubleshoot/dmarc", "postTroubleshootDmarc", "troubleshoot", troubleshoot.check_dmarc),
    ),
    *tag("reload",
        get("/reload", "getReload", "settings-reload", settings.reload_all, changes=True),
        get("/reload/", "getReloadSlash", "settings-reload", settings.reload_all, changes=True),
        get("/reload/{what}", "getReloadWhat", "settings-reload", settings.reload_some, source="8.6", changes=True),
    ),
    *tag("update",
        get("/update/spam-filter", "getUpdateSpamFilter", "spam-filter-update", changes=True),
        get("/update/webadmin", "getUpdateWebadmin", "webadmin-update", changes=True),
    ),
    *tag("store",
        get("/store/reindex", "getStoreReindex", "fts-reindex", store.reindex_all, changes=True),
        get("/store/purge/in-memory/default/bayes-global", "getStorePurgeInMemoryDefaultBayesGlobal", "purge-in-memory-store", changes=True),
        get("/store/blobs/{blob_id}", "getStoreBlobsBlobId", "blob-fetch", store.get_blob),
        get("/store/purge/account/{account_id}", "getStorePurgeAccountAccountId", "purge-account", purging.purge_account, changes=True),
        get("/store/purge/in-memory/default/bayes-account/{account_id}", "getStorePurgeInMemoryDefaultBayesAccountAccountId", "purge-in-memory-store", changes=True),
        get("/store/undelete/{account_id}", "getStoreUndeleteAccountId", "undelete", undelete.list_deleted, listed=SCAN),
        post("/store/undelete/{account_id}", "postStoreUndeleteAccountId", "undelete", undelete.undelete),
        get("/store/purge/blob", "getStorePurgeBlob", "purge-blob-store", purging.purge_blobs, changes=True),
        get("/store/purge/data", "getStorePurgeData", "purge-data-store", purging.purge_data, changes=True),
        get("/store/purge/in-memory", "getStorePurgeInMemory", "purge-in-memory-store", purging.purge_memory, changes=True),
        get("/store/purge/account", "getStorePurgeAccount", "purge-account", purging.purge_accounts, changes=True),
        delete("/store/uids/{account_id}", "deleteStoreUidsAccountId", "purge-account", store.reset_uids),
        get("/store/reindex/{account_id}", "getStoreReindexAccountId", "fts-reindex", store.reindex_account, source="9.4", changes=True),
        get("/store/purge/data/{store}", "getStorePurgeDataStore", "purge-data-store", purging.purge_data_of, source="9.4", changes=True),
        get("/store/purge/in-memory/{store}", "getStorePurgeInMemoryStore", "purge-in-memory-store", purging.purge_memory_of, source="9.4", changes=True),
        get("/store/purge/in-memory/{store}/{prefix}", "getStorePurgeInMemoryPrefix", "purge-in-memory-store", purging.purge_keys, source="9.4", changes=True),
        get("/store/purge/in-memory/{store}/{prefix}/{account_id}", "getStorePurgeInMemoryAccount", "purge-in-memory-store", purging.purge_account_keys, source="9.4", changes=True),
        get("/store/quota/{account_id}", "getStoreQuotaAccountId", "purge-account", purging.get_quota, source="9.4"),
        delete("/store/quota/{account_id}", "deleteStoreQuotaAccountId", "purge-account", purging.recount_quota, source="9.4"),
    ),
    *tag("settings",
        get("/settings/keys", "getSettingsKeys", "settings-list", settings.get_keys),
        get("/settings/group", "getSettingsGroup", "settings-list", settings.get_groups, listed=SCAN),
        get("/settings/list", "getSettingsList", "settings-list", settings.get_list, listed=SCAN),
        post("/settings", "postSettings", "settings-update", settings.update_settings),
        delete("/settings/{key}", "deleteSettingsKey", "settings-delete", settings.delete_setting, source="8.5"),
    ),
    *tag("account",
        get("/account/crypto", "getAccountCrypto", "manage-encryption", crypto.get_crypto),
        post("/account/crypto", "postAccountCrypto", "manage-encryption", crypto.change_crypto),
        get("/account/auth", "getAccountAuth", "manage-passwords", access.get_account_auth),
        post("/account/auth", "postAccountAuth", "manage-passwords", access.change_account_auth),
    ),
    *tag("dns",
        get("/dns/records/{domain}", "getDnsRecordsDomain", "domain-get"),
    ),
    *tag("restart",
        get("/restart", "getRestart", "restart", source="11", changes=True),
    ),
)
# fmt: on
