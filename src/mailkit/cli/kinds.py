"""The kinds of principals in words. Pure."""

from typing import Final

from attrs import frozen

__all__ = ["KIND_WORDS", "KindWord", "a_kind"]


@frozen
class KindWord:
    """What a kind is called, and the command that is about it."""

    noun: str
    command: str

    def __str__(self) -> str:
        return f"{'an' if self.noun[0] in 'aeioAO' else 'a'} {self.noun}"


KIND_WORDS: Final[dict[str, KindWord]] = {
    "individual": KindWord("user", "user"),
    "group": KindWord("group", "group"),
    "list": KindWord("mailing list", "list"),
    "domain": KindWord("domain", "domain"),
    "tenant": KindWord("tenant", "tenant"),
    "role": KindWord("role", "role"),
    "apiKey": KindWord("API key", "api-key"),
    "oauthClient": KindWord("OAuth client", "oauth-client"),
    "resource": KindWord("resource", "resource"),
    "location": KindWord("location", "location"),
    "other": KindWord("principal of another type", "principal"),
}
"""By the kind's name in records."""


def a_kind(kind: str) -> KindWord:
    """The words for a kind."""
    return KIND_WORDS[kind]
