"""ARC, the Authenticated Received Chain (RFC 8617): `validate` what came in, `seal` what goes on."""

from mailkit.mailauth.arc.seal import seal
from mailkit.mailauth.arc.validate import ArcResult, validate

__all__ = ["ArcResult", "seal", "validate"]
