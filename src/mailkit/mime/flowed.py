"""Format=Flowed (RFC 3676): paragraphs put together again."""

__all__ = ["unflow"]


def unflow(text: str, *, delsp: bool = False) -> str:
    """Join the flowed lines of `text` (line ends are LF). `delsp` as in the DelSp parameter (4.1)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0

    def end() -> None:
        if paragraph:
            out.append((">" * depth + " " if depth else "") + "".join(paragraph))
            paragraph.clear()

    for line in text.split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing, 4.4
        if quotes != depth:
            end()  # 4.5: a change of depth ends a paragraph, flowed or not
            depth = quotes
        if content == "-- ":  # the signature separator is never flowed, 4.3
            end()
            paragraph.append(content)
            end()
        elif content.endswith(" "):
            paragraph.append(content[:-1] if delsp else content)
        else:
            paragraph.append(content)
            end()
    end()
    return "\n".join(out)
