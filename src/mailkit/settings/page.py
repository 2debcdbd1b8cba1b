"""The configuration page of the documentation, from the registry, so that it cannot be wrong."""

from itertools import groupby

from mailkit.settings.registry import Key, Registry

__all__ = ["configuration_page"]

_INTRODUCTION = """\
# Configuration

Every setting has a name, an environment variable and a default. What counts is, in this order: the command line, the
environment, the TOML file, the store (changed through the API), the default. In the file, dots are tables:

```toml
[http]
listen = "0.0.0.0:8080"
trusted_proxies = ["10.0.0.0/8"]
```

is `http.listen` and `http.trusted_proxies`, or `MAILKIT_HTTP_LISTEN=0.0.0.0:8080` in the environment. A name that does
not exist is an error which suggests the nearest one that does.

A change takes effect by *scope*: `boot` at the next start (such settings are never taken from the store), `reload` at
the next reload, `live` at once in every process. Durations are written `30s`, `5m`, `1h30m` or `7d`, sizes `512`,
`64 MiB` or `10 GB`, lists as TOML arrays or separated by commas.
"""


def configuration_page(registry: Registry) -> str:
    """Markdown: one table for each first word of the names."""
    parts = [_INTRODUCTION]
    for group, keys in groupby(registry, lambda key: key.name.partition(".")[0]):
        parts.append(
            f"\n## {group}\n\n| name | variable | type | default | scope | meaning |\n|---|---|---|---|---|---|\n"
        )
        parts.extend(map(_row, keys))
    return "".join(parts)


def _row(key: Key[object]) -> str:
    default = key.show(key.default)
    cells = (
        f"`{key.name}`",
        f"`{key.variable}`",
        key.kind.name,
        f"`{default}`" if default else "",
        key.scope,
        key.doc + (" Secret." if key.secret else ""),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
