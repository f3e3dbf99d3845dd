"""The typed link code: bound to the request, forgiving to the reader, unforgiving to mistakes."""

import secrets

import pytest

from miss_protocol import linking
from miss_protocol.errors import RemoteError

SERVER = bytes(range(32))


def test_a_code_names_one_request_on_one_server() -> None:
    code = linking.code_of(b"request", SERVER)
    assert linking.normalise(code) == code.replace(" ", "")
    assert [len(group) for group in code.split(" ")] == [4, 4, 4, 4, 1]
    assert linking.code_of(b"request", SERVER) == code
    assert linking.code_of(b"Request", SERVER) != code
    assert linking.code_of(b"request", bytes(32)) != code
    assert len(linking.lookup_of(code)) == 16
    assert linking.lookup_of(code.lower().replace(" ", "-")) == linking.lookup_of(code)


def test_every_single_mistake_and_every_swap_of_neighbours_is_found() -> None:
    plain = linking.normalise(linking.code_of(secrets.token_bytes(40), SERVER))
    for place, right in enumerate(plain):
        for wrong in linking.ALPHABET:
            if wrong != right:
                with pytest.raises(RemoteError, match="link-code-wrong"):
                    linking.normalise(plain[:place] + wrong + plain[place + 1 :])
        if place and plain[place - 1] != right:
            with pytest.raises(RemoteError, match="link-code-wrong"):
                linking.normalise(plain[: place - 1] + right + plain[place - 1] + plain[place + 1 :])


def test_letters_that_look_like_digits_are_forgiven() -> None:
    code = next(
        code for code in (linking.code_of(bytes([n]), SERVER) for n in range(100)) if "0" in code and "1" in code
    )
    assert linking.normalise(code.replace("0", "o").replace("1", "l", 1).replace("1", "I")) == code.replace(" ", "")


@pytest.mark.parametrize("typed", ["", "ABCD", "U" * 17, "é" * 17, "0" * 18])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(RemoteError, match="link-code-wrong"):
        linking.lookup_of(typed)


def test_a_qr_code_says_the_typed_code_and_all_of_the_hash() -> None:
    code = linking.code_of(b"request", SERVER)
    text = linking.qr_of(b"request", SERVER, code)
    plain, digest = linking.read_qr(text)
    assert plain == linking.normalise(code)
    assert linking.fits(b"request", SERVER, digest)
    assert not linking.fits(b"Request", SERVER, digest)
    assert not linking.fits(b"request", bytes(32), digest)
    for place in range(len(linking.QR_PREFIX) + 18, len(text) - 1):
        other = "A" if text[place] != "A" else "B"
        assert not linking.fits(b"request", SERVER, linking.read_qr(text[:place] + other + text[place + 1 :])[1])


@pytest.mark.parametrize("text", ["", "miss://server#00", "MISS:LINK:", "MISS:LINK:AAAA:BBBB", "MISS:LINK:::"])
def test_what_is_no_qr_code_of_a_link_is_refused(text: str) -> None:
    with pytest.raises(RemoteError, match="link-code-wrong"):
        linking.read_qr(text)


def test_a_truncated_qr_code_is_refused() -> None:
    text = linking.qr_of(b"request", SERVER, linking.code_of(b"request", SERVER))
    for end in range(len(text)):
        with pytest.raises(RemoteError, match="link-code-wrong"):
            linking.read_qr(text[:end])
