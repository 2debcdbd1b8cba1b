"""Egress: the only way out. Whoever connects to a host that somebody else named goes through here.

A URL of a webhook, a forward target, an MX or a policy host is chosen by others, and could name the loopback interface,
a private network or a cloud's metadata service (server-side request forgery, CWE-918). So:

1. a host is resolved once; every address is decided on (`permitted`), for the purpose at hand (`purpose`);
2. the connection goes to an address that was decided on, never to the name again, so an answer that changes between
   check and use (DNS rebinding) changes nothing (`connect`);
3. each redirect is a new URL and starts again at 1 (`fetch`);
4. size and total time are bounded, no body is decoded, and proxies of the environment are not asked.

`permitted`, `purpose` and `target` are pure. `connect` and `fetch` block.
"""

from mailkit.egress.permitted import Decision, permitted
from mailkit.egress.purpose import Purpose

__all__ = ["Decision", "Purpose", "permitted"]
