"""Settings of a running process: loaded at the start, kept current, changed through the store.

`current` is the published snapshot, a plain attribute read. It changes when `refresh` finds the store changed (every
process calls it, every second or so; it costs one small read), or by `change` and `reload` in this process. A snapshot
is published only when all of it is valid; otherwise the last good one stays.
"""

import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from mailkit import journal
from mailkit.errors import Denied, FieldError, Invalid, NotFound, NotSupported, Unavailable
from mailkit.settings import stored
from mailkit.settings.kinds import native
from mailkit.settings.layers import Layer, Problem, Resolved, resolve
from mailkit.settings.registry import Key, Registry
from mailkit.settings.snapshot import Snapshot
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["Report", "Settings", "read_toml"]

T = TypeVar("T")


@frozen
class Report:
    """What was found. A reload with errors applies nothing. `restart` names boot settings that have changed in the
    file or the environment and wait for a restart."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    restart: tuple[str, ...] = ()


def read_toml(path: Path) -> dict[str, Any]:
    """The document; Invalid `settings.file` when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid("settings.file", f"{path}: {error}") from error


class Settings:
    """See the module. Loads on construction; raises Invalid `settings.invalid` that names every mistake."""

    def __init__(
        self,
        registry: Registry,
        *,
        arguments: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> None:
        self.registry = registry
        self._arguments = dict(arguments or {})
        self._environment = dict(environment or {})
        self._file = file
        self._document = {} if file is None else read_toml(file)
        self._store: Store | None = None
        self._seen = stored.State()
        self._lock = threading.Lock()
        resolved = self._resolve({}, self._document)
        if resolved.errors:
            raise Invalid(
                "settings.invalid",
                errors=tuple(FieldError((p.name,), p.message, p.kind) for p in resolved.errors),
            )
        self.current = Snapshot(1, resolved.values)

    def get(self, key: Key[T]) -> T:
        """The present value of `key`."""
        return self.current.get(key)

    def attach(self, store: Store) -> Report:
        """Adds the store's layer, once the store is open. Rows that cannot be understood don't stop the start: they
        are reported as errors, and their defaults count."""
        with self._lock:
            self._store = store
            seen, rows = self._rows()
            resolved = self._resolve(rows, self._document)
            self._publish(resolved.values, seen)
            return Report(resolved.errors, resolved.warnings)

    def refresh(self) -> bool:
        """Looks whether anybody changed the store, and publishes a new snapshot if so: of `live` settings at once, of
        all when a reload was asked for. A row that cannot be understood changes nothing. True when one was published.
        """
        if self._store is None:
            return False
        with self._store.snapshot() as tx:
            state = stored.state(tx)
        if state == self._seen:
            return False
        if state.reloads != self._seen.reloads:
            return not self._reload(publish=True).errors
        with self._lock:
            seen, rows = self._rows()
            resolved = self._resolve(rows, self._document)
            doubtful = {problem.name for problem in resolved.errors}
            taken = {
                key: value if key.scope == "live" and key.name not in doubtful else self.current.values[key]
                for key, value in resolved.values.items()
            }
            self._publish(taken, seen)
        return True

    def reload(self, *, dry_run: bool = False) -> Report:
        """Reads file and store again and publishes the result if there is no error; other processes follow at their
        next `refresh`. A dry run only reports."""
        report = self._reload(publish=not dry_run)
        if self._store is not None and not dry_run and not report.errors:
            asked = self._store.transact(stored.ask_reload)
            with self._lock:
                if asked == self._seen.reloads + 1:  # else somebody else asked too, and there is more to load
                    self._seen = stored.State(changes=self._seen.changes, reloads=asked)
        return report

    def change(self, values: Mapping[str, object | None], *, now: int) -> None:
        """Stores values (text or native) by name, None to return to the default, after checking all of them.

        `live` ones are in effect here when this returns. NotFound `settings.unknown`, Denied `settings.boot` for boot
        settings, NotSupported `settings.secret` for secrets, which belong into the file or the environment, Invalid.
        """
        rows = {name: self.text(name, value) for name, value in values.items()}
        self._needs_store().transact(lambda tx: self.write(rows, now=now, tx=tx))
        self.refresh()

    def text(self, name: str, value: object | None) -> str | None:
        """What `change` would store for a value; raises what it raises."""
        key = self.registry.find(name)
        if key is None:
            meant = self.registry.nearest(name)
            raise NotFound("settings.unknown", f"{name} is not a setting", name=name, nearest=meant)
        self._refuse_boot(key)
        if value is None:
            return None
        try:
            return key.kind.show(native(key.kind, value))
        except ValueError as error:
            raise Invalid.field(name, f"{name} {error}", code="settings.invalid") from error

    @staticmethod
    def rows(tx: ReadTx, prefix: str = "") -> Iterator[tuple[str, str]]:
        """What is stored, valid or not, under names that begin with `prefix`; lazily, in the caller's snapshot."""
        return stored.scan(tx, prefix)

    def write(self, rows: Mapping[str, str | None], *, now: int, tx: Tx) -> None:
        """Stores texts unchecked, unknown names included; they count from the next reload or refresh that finds them
        valid. Boot settings are refused as in `change`."""
        for name in rows:
            key = self.registry.find(name)
            if key is not None:
                self._refuse_boot(key)
        stored.write(tx, rows)
        journal.add(tx, journal.Entry(kind="settings.changed", at=now, payload={"names": sorted(rows)}))

    @staticmethod
    def _refuse_boot(key: Key[Any]) -> None:
        if key.scope == "boot":
            raise Denied("settings.boot", f"{key.name} is set only in the environment or the TOML file", name=key.name)
        if key.secret:
            raise NotSupported("settings.secret", f"{key.name} is secret: set it in the environment or the TOML file")

    def _needs_store(self) -> Store:
        if self._store is None:
            raise Unavailable("settings.no_store", "Settings can be changed only once a store is attached")
        return self._store

    def _rows(self) -> tuple[stored.State, dict[str, str]]:
        if self._store is None:
            return stored.State(), {}
        with self._store.snapshot() as tx:
            return stored.state(tx), stored.read_all(tx)

    def _resolve(self, rows: Mapping[str, str], document: Mapping[str, Any]) -> Resolved:
        return resolve(
            self.registry, arguments=self._arguments, environment=self._environment, file=document, stored=rows
        )

    def _reload(self, *, publish: bool) -> Report:
        with self._lock:
            seen, rows = self._rows()
            try:
                document = {} if self._file is None else read_toml(self._file)
            except Invalid as error:
                if publish:
                    self._seen = seen
                return Report((Problem(str(self._file), "file", "value", error.message),), ())
            resolved = self._resolve(rows, document)
            taken = {
                key: self.current.values[key] if key.scope == "boot" else value
                for key, value in resolved.values.items()
            }
            restart = tuple(key.name for key in taken if taken[key][0] != resolved.values[key][0])
            if publish:
                if resolved.errors:
                    self._seen = seen  # looked at, and refused: not again until something changes
                else:
                    self._document = document
                    self._publish(taken, seen)
            return Report(resolved.errors, resolved.warnings, restart)

    def _publish(self, values: Mapping[Key[Any], tuple[Any, Layer]], seen: stored.State) -> None:
        self._seen = seen
        self.current = Snapshot(self.current.number + 1, values)
