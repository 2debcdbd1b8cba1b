"""Address lists (RFC 5322 3.4 with the obsolete forms of 4.4, RFC 6532), as they should be and as they come.

Structure first, encoded words after (RFC 2047 5): a comma in an encoded word separates nothing. Tolerated: comments
anywhere, missing angle brackets, missing "@", unquoted specials, quotes, comments and groups that are never closed,
encoded words in quotes. A comment is shown behind the name, or as the name if there is none, as in RFC 822's days.
"""

import re

from attrs import define, field, frozen

from mailkit.mime.charsets import decode_raw_header
from mailkit.mime.encoded_words import decode_words

__all__ = ["Address", "Group", "Mailbox", "addresses_of", "header_addresses", "mailboxes", "parse_addresses"]

#: Entries of one field that are read.
LIMIT = 50_000

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
      | (?P<quoted>"(?:[^"\\]++|\\.)*+")
      | (?P<literal>\[[^\[\]\\<>"]*+\])
      | (?P<pair>\\.)
      | (?P<special>[()<>,;:"\\\[])
      | (?P<text>[^ \t\r\n"()<>,;:\\\[]+)""",
    re.VERBOSE | re.DOTALL,
)
# What nearly all fields consist of: `Name <address>`, `"Name" <address>` and `address`, parted by commas.
_ATOM = r"[^\s\"()<>,;:\\\[\]@]++"
_PLAIN = re.compile(
    rf"""[ \t]*+
         (?: (?: "([^"\\\r\n]*+)"[ ]?+ | ({_ATOM}(?:[ ]{_ATOM})*+[ ]?+)?+ ) <({_ATOM}@{_ATOM})>
           | ({_ATOM}@{_ATOM}) )
         [ \t]*+ (?:,|\Z)""",
    re.VERBOSE,
)
_PLAIN_LENGTH = 10_000
_COMMENT = re.compile(r"[^()\\]++|\\.|[()\\]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BREAK = re.compile(r"[\r\n]+")
_LINE_BREAK = re.compile(r"[\r\n\x00]+")  # an encoded word may hold one
_BLANKS = re.compile(r"[ \t\r\n]+")
_AROUND_DOT_AT = re.compile(r"(?<![ \t]) ?([.@]) ?")
_ROUTE = re.compile(r"\A@[^:<>]*+:(?=[^@]*+@)")


@frozen
class Mailbox:
    """A display name (may be empty) and an address (empty if nothing could be one; `local@domain` if well-formed)."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What follows the last "@", as written; empty if there is none."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""

    @property
    def local(self) -> str:
        """What precedes the last "@"; the whole address if there is none."""
        return self.address.rpartition("@")[0] if "@" in self.address else self.address


@frozen
class Group:
    """A named group of mailboxes (RFC 5322 3.4), possibly empty."""

    name: str
    members: tuple[Mailbox, ...]


Address = Mailbox | Group


@define
class _Entry:
    """What was gathered since the last separator; lists, for adding to a string copies it.

    `source` is `shown` with quotes kept, for addresses without "<".
    """

    shown: list[str] = field(factory=list)
    source: list[str] = field(factory=list)
    comments: list[str] = field(factory=list)
    angle: list[str] | None = None
    blank: bool = False
    at: bool = False  # whether there is an "@" in `source`

    def add(self, shown: str, source: str) -> None:
        if self.blank and self.source:
            self.shown.append(" ")
            self.source.append(" ")
        self.shown.append(shown)
        self.source.append(source)
        self.blank = False
        self.at = self.at or "@" in source


def parse_addresses(value: bytes | str) -> tuple[Address, ...]:
    """Read an address list. Never raises; linear. Entries with neither name nor address are left out."""
    text = value if isinstance(value, str) else decode_raw_header(value)
    return _plain(text) or _Reader(text).read()


def _plain(text: str) -> tuple[Address, ...]:
    """The list, if it has none but plain entries, read in one step each; else nothing."""
    found: list[Address] = []
    position, end = 0, len(text)
    if end > _PLAIN_LENGTH:
        return ()
    while position < end:
        entry = _PLAIN.match(text, position)
        if entry is None:
            return ()
        quoted, words, address, alone = entry.groups()
        if address is None:
            found.append(Mailbox("", alone))
        else:
            found.append(Mailbox(_name(quoted if quoted is not None else (words or "").rstrip(" "), []), address))
        position = entry.end()
    return tuple(found)


def mailboxes(addresses: tuple[Address, ...]) -> tuple[Mailbox, ...]:
    """The mailboxes of a list, those in groups included, in order."""
    out: list[Mailbox] = []
    for entry in addresses:
        out += entry.members if isinstance(entry, Group) else (entry,)
    return tuple(out)


def addresses_of(addresses: tuple[Address, ...]) -> tuple[str, ...]:
    """The addresses that have an "@", in order."""
    return tuple(mailbox.address for mailbox in mailboxes(addresses) if "@" in mailbox.address)


class _Reader:
    """One pass over the tokens of a field, with the entry and the group that are open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.found: list[Address] = []
        self.group: tuple[str, list[Mailbox]] | None = None
        self.entry = _Entry()
        self.in_angle = False
        self.count = 0
        self.comments_close = True  # False once a "(" had no ")": the rest is then taken as text

    def read(self) -> tuple[Address, ...]:
        while self.position < len(self.text) and self.count < LIMIT:
            token = _TOKEN.match(self.text, self.position)
            if token is None:
                break
            self.position = token.end()
            kind, piece, entry = token.lastgroup, token[0], self.entry
            if kind == "blank":
                entry.blank = True
                if self.in_angle and entry.angle:
                    entry.angle.append(" ")
            elif kind == "special" and self.special(piece):
                continue
            elif self.in_angle and entry.angle is not None:
                entry.angle.append(piece)
            elif kind == "quoted":
                entry.add(_unquote(piece), piece)
            elif kind == "pair":
                entry.add(piece[1], piece)
            else:
                entry.add(piece, piece)
        self.flush()
        self.end_group()
        return tuple(self.found)

    def special(self, piece: str) -> bool:
        """Act on a special character; False if it stands for itself here."""
        if piece == "(":
            return self.comment()
        entry = self.entry
        if self.in_angle and entry.angle is not None:
            route_or_url = ":" in entry.angle[:2] or "".join(entry.angle[:1]).startswith("@")
            if piece == ">":
                self.in_angle = False
            elif piece == "," and not route_or_url:  # "<a@b, c@d": the bracket was never closed
                self.in_angle = False
                self.flush()
            elif piece != "<":
                entry.angle.append(piece)
        elif piece == "<":
            if entry.angle is None:
                self.in_angle, entry.angle = True, []
        elif piece == ",":
            self.flush()
        elif piece == ";":
            self.flush()
            self.end_group()
        elif piece == ":" and self.group is None and entry.angle is None and not entry.at:
            self.begin_group()
        else:
            return piece == ">"
        return True

    def comment(self) -> bool:
        """Take the comment that begins here; False if it never ends."""
        if not self.comments_close:
            return False
        text, end = _comment(self.text, self.position)
        self.comments_close = end >= 0
        if end >= 0:
            self.position = end
            if text:
                self.entry.comments.append(text)
        return end >= 0

    def flush(self) -> None:
        entry, self.entry = self.entry, _Entry()
        mailbox = _mailbox(entry)
        if mailbox is None:
            return
        self.count += 1
        if self.group is None:
            self.found.append(mailbox)
        else:
            self.group[1].append(mailbox)

    def begin_group(self) -> None:
        entry, self.entry = self.entry, _Entry()
        shown = "".join(entry.shown)
        if shown.lower() != "mailto":  # a URL where an address should be
            self.group = (_name(shown, entry.comments), [])

    def end_group(self) -> None:
        if self.group is not None:
            self.found.append(Group(self.group[0], tuple(self.group[1])))
            self.group = None


def _comment(text: str, position: int) -> tuple[str, int]:
    """The comment whose "(" precedes `position`, and where it ends; -1 if it never does."""
    out: list[str] = []
    depth = 1
    for piece in _COMMENT.finditer(text, position):
        part = piece[0]
        depth += (part == "(") - (part == ")")
        if not depth:
            return _BLANKS.sub(" ", "".join(out)).strip(), piece.end()
        out.append(part[1:] if len(part) == 2 and part[0] == "\\" else part)
    return "", -1


def _unquote(quoted: str) -> str:
    inner = _BREAK.sub("", quoted[1:-1])
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def _name(shown: str, comments: list[str]) -> str:
    name = _LINE_BREAK.sub(" ", decode_words(shown))
    if not comments:
        return name
    remarks = _LINE_BREAK.sub(" ", decode_words(" ".join(comments)))
    return f"{name} ({remarks})" if name else remarks


def _mailbox(entry: _Entry) -> Mailbox | None:
    shown, source = "".join(entry.shown), "".join(entry.source)
    if entry.angle is not None:
        address = _BLANKS.sub(" ", "".join(entry.angle)).strip()
        if address.startswith("@"):
            address = _ROUTE.sub("", address)  # RFC 5322 4.4: the route is to be ignored
        # Encoded words in an address stay as they are: RFC 2047 5 forbids them, and decoding would forge another one.
        return Mailbox(_name(shown, entry.comments), _AROUND_DOT_AT.sub(r"\1", address))
    if not source:
        return Mailbox(_name("", entry.comments), "") if entry.comments else None
    if "@" not in source:
        if "=?" in source or " " in source:
            return Mailbox(_name(shown, entry.comments), "")
        return Mailbox(_name("", entry.comments), source)
    # No brackets. Blanks around "." and "@" are obsolete syntax (RFC 5322 4.4); other blanks part a name from it.
    joined = _AROUND_DOT_AT.sub(r"\1", source)
    if " " not in joined or (source.startswith('"') and joined.rfind(" ") < joined.rfind('"@')):
        return Mailbox(_name("", entry.comments), joined)
    words = source.split(" ")
    chosen = next(index for index in reversed(range(len(words))) if "@" in words[index])
    name = " ".join(words[:chosen] + words[chosen + 1 :])
    return Mailbox(_name(name, entry.comments), words[chosen])


def header_addresses(values: list[bytes]) -> tuple[Address, ...]:
    """All addresses of all fields of one name; repeated fields count as one list."""
    out: list[Address] = []
    for value in values:
        out += parse_addresses(value)
    return tuple(out)
