"""The page at `/authorize` as HTML: no script, nothing from elsewhere, in no frame. Pure.

Signing in and consenting are one form: nothing is remembered in the browser, so there is no session that another
site's page could use.
"""

from collections.abc import Mapping
from html import escape

__all__ = ["HEADERS", "page"]

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem;color:#222}
label{display:block;margin:.8rem 0}
input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem;border:1px solid #999}
button{font:inherit;padding:.5rem 1rem;margin:.8rem .5rem 0 0}.error{color:#a00}code{word-break:break-all}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}.error{color:#f88}}"""


def page(
    title: str,
    *,
    lines: tuple[str, ...] = (),
    error: str | None = None,
    hidden: Mapping[str, str] | None = None,
    device: bool = False,
) -> bytes:
    """`lines` are sentences; with `hidden` (the request's own parameters, kept for the next step) there is a form."""
    out = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lines),
    ]
    if error is not None:
        out.append(f"<p class=error role=alert>{escape(error)}</p>")
    if hidden is not None:
        out.append("<form method=post action=/authorize autocomplete=on>")
        if device:
            value = escape(hidden.get("code", ""))
            out.append(f"<label>Code on the device<input name=code required value='{value}' autocomplete=off></label>")
        out += [
            f"<input type=hidden name='{escape(name)}' value='{escape(value)}'>"
            for name, value in hidden.items()
            if name != "code"
        ]
        out.append(
            "<label>Name<input name=username required autocomplete=username autocapitalize=off></label>"
            "<label>Password<input name=password type=password required autocomplete=current-password></label>"
            "<label>Code, if your account asks for one<input name=totp inputmode=numeric autocomplete=one-time-code>"
            "</label><button name=answer value=allow>Allow</button>"
            "<button name=answer value=deny formnovalidate>Deny</button></form>"
        )
    return "".join(out).encode()
