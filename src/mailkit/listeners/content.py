"""Message content between 354 and its end: where it ends, what it was before dot-stuffing, whether its lines are lines.

The law (RFC 5321 2.3.8, 4.1.1.4, 4.5.2), which leaves no room for smuggling (CVE-2023-51764 and its family):
1. Content ends at CRLF . CRLF and nowhere else: not at LF . LF, LF . CRLF, CRLF . LF, CR . CR or any mixture.
   The CRLF of the DATA line counts as the first one, so an empty message is `.` CRLF.
2. A bare CR or LF inside is content, never structure; content that has one is refused as a whole (`line_ends`).
   Refused and not repaired: the stored message is the exact source, its signatures are over these octets, and whoever
   forwards it may not send bare line ends (RFC 5321 2.3.8), so a repair only moves the damage. The MTAs in front of an
   LMTP listener send whole lines: Postfix and Exim do, smtplib repairs on its own side.
3. A line's first dot is removed if more follows on the line (4.5.2), once, after the end was found.
NUL and 8-bit octets are content like others.
"""

__all__ = ["END", "find_end", "line_ends", "most_octets", "unstuff"]

END = b"\r\n.\r\n"


def find_end(received: bytearray, start: int = 0) -> tuple[int, int] | None:
    """Where the content stops and where the octets after its end begin; None while the end has not come.

    With `start` 0, `received` begins right after the CRLF of DATA. Nothing before `start` is looked at again: pass the
    length at the last call, less the four octets that may be the beginning of an end.
    """
    if start == 0 and received.startswith(b".\r\n"):
        return 0, 3
    at = received.find(END, start)
    return None if at < 0 else (at + 2, at + 5)


def unstuff(content: bytes) -> bytes:
    """Content without the dots of transparency (RFC 5321 4.5.2)."""
    if content.startswith(b"."):
        content = content[1:]
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n")
    return content


def line_ends(content: bytes) -> str | None:
    """What is wrong with the line ends, None if every CR is followed by LF and every LF preceded by CR."""
    pairs = content.count(b"\r\n")
    if content.count(b"\n") != pairs:
        return "bare LF"
    if content.count(b"\r") != pairs:
        return "bare CR"
    return None


def most_octets(size: int) -> int:
    """How long the stuffed form of `size` octets can be: at worst each line is a dot, three octets become four."""
    return size + size // 3 + 1
