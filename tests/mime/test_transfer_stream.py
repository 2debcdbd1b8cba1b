from hypothesis import example, given
from hypothesis import strategies as st

from mailkit.mime.transfer import decode_transfer
from mailkit.mime.transfer_stream import decode_chunks

BITS = st.sampled_from(
    [b"QUJD", b"Q", b"=", b"==", b"\r\n", b"\n", b" \r\n", b"=\r\n", b"=41", b"!", b" ", b"\t", b"-- x"]
)


@given(st.lists(BITS, max_size=30), st.integers(1, 9), st.sampled_from([b"base64", b"quoted-printable", b"8bit"]))
@example([b"QUJD", b"=", b"QUJD"], 3, b"base64")
@example([b" \r\n", b" "], 1, b"quoted-printable")
@example([b"\t"], 1, b"quoted-printable")
def test_pieces_decode_to_what_the_whole_does(bits: list[bytes], size: int, encoding: bytes) -> None:
    body = b"".join(bits)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert b"".join(decode_chunks(chunks, encoding)) == decode_transfer(body, encoding)[0]
