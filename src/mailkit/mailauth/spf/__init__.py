"""SPF, the Sender Policy Framework (RFC 7208): `check(ip, mail_from=..., helo=...)`."""

from mailkit.mailauth.spf.check import SpfResult, check

__all__ = ["SpfResult", "check"]
