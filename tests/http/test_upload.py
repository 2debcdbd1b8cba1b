"""What an uploaded body is: a source as it stands, or one in base64."""

import base64
import tracemalloc

from mailkit.http.wildduck.upload import _source


def test_base64_is_read_with_line_ends_and_without() -> None:
    source = b"Subject: x\r\n\r\ny" * 50
    assert _source(base64.encodebytes(source)) == source
    assert _source(base64.b64encode(source)) == source
    assert _source(source) == source
    assert _source(b"no base64, and no header either") == b"no base64, and no header either"


def test_white_space_between_the_digits_costs_no_memory() -> None:
    spaced = b"AA " * (1 << 20)
    tracemalloc.start()
    try:
        _source(spaced)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(spaced)
    finally:
        tracemalloc.stop()
