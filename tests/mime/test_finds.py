"""What fuzzing found, kept: each input once broke a law of `fuzz.mime.check`."""

import pytest
from fuzz.mime import check

FINDS = {
    "the delimiter of an outer multipart right behind one of an inner": (
        b"Content-Type:multipart/y; boundary=2\n--2\nContent-Type:multipart/a; boundary=3\n--3\n--2"
    ),
    "an encoded word in an address, which is decoded in brackets only": b"From:s@=?x?B??= (",
}


@pytest.mark.parametrize("name", FINDS)
def test_find_keeps_the_laws(name: str) -> None:
    check(FINDS[name])
