"""Digest authentication, with the examples of RFC 7616 and with upstreams that are odd."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.digest import Challenge, choose_challenge

# RFC 7616 section 3.9.1
REALM = "http-auth@example.org"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
BOTH = [
    f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={name}, nonce="{NONCE}", opaque="{OPAQUE}"'.encode()
    for name in ("MD5", "SHA-256")
]


def parts(value: bytes) -> dict[str, str]:
    assert value.startswith(b"Digest ")
    return {name: text.strip('"') for name, text in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', value.decode())}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_rfc_come_out(algorithm: str, response: str) -> None:
    challenge = Challenge(REALM, NONCE, algorithm, OPAQUE)
    facts = parts(challenge.authorization("GET", "/dir/index.html", "Mufasa", "Circle of Life", CNONCE))
    assert facts["response"] == response
    assert facts["nc"] == "00000001"
    assert (facts["qop"], facts["opaque"], facts["uri"]) == ("auth", OPAQUE, "/dir/index.html")


def test_the_better_algorithm_is_answered_whatever_the_order() -> None:
    for fields in (BOTH, BOTH[::-1], [b", ".join(BOTH)], [b'Basic realm="x", ' + b", ".join(BOTH)]):
        challenge = choose_challenge(fields)
        assert challenge is not None
        assert (challenge.algorithm, challenge.nonce, challenge.realm) == ("SHA-256", NONCE, REALM)


def test_the_nonce_is_counted_and_the_proof_never_repeats() -> None:
    challenge = Challenge("r", "n", "SHA-256")
    seen = [parts(challenge.authorization("GET", "/", "sam", "secret", "c")) for _ in range(3)]
    assert [facts["nc"] for facts in seen] == ["00000001", "00000002", "00000003"]
    assert len({facts["response"] for facts in seen}) == 3
    assert all("secret" not in str(facts) for facts in seen)


@pytest.mark.parametrize(
    "field",
    [b"", b'Basic realm="x"', b"Digest", b'Digest realm="x", nonce="y"', b'Digest realm="x", qop="auth"',
     b'Digest realm="x", nonce="y", qop="auth-int"', b'Digest realm="x", nonce="y", qop="auth", algorithm=SHA-512-256',
     b'Digest realm="x", nonce="y", qop="auth", algorithm=MD5-sess', b"=,=", b'Digest realm="x'],
)  # fmt: skip
def test_what_cannot_be_answered_is_left_alone(field: bytes) -> None:
    assert choose_challenge([field]) is None


def test_quotes_and_umlauts_survive() -> None:
    challenge = choose_challenge([rb'Digest realm="a \"b\" \\", nonce="n", qop="auth"'])
    assert challenge is not None
    assert challenge.realm == 'a "b" \\'
    value = challenge.authorization("GET", "/", 'jürg "j"', "pässword", "c")
    assert rb'realm="a \"b\" \\"' in value
    assert 'username="jürg \\"j\\""'.encode() in value
    odd = choose_challenge([b'Digest realm="\xff", nonce="n", qop="auth", algorithm=SHA-256'])
    assert odd is not None
    secret = sha256(b"u:\xff:p").hexdigest()
    wanted = sha256(f"{secret}:n:00000001:c:auth:{sha256(b'GET:/').hexdigest()}".encode()).hexdigest()
    value = odd.authorization("GET", "/", "u", "p", "c")
    assert b'realm="\xff"' in value
    assert wanted.encode() in value


@given(
    st.lists(
        st.one_of(st.binary(max_size=200), st.text('Digest realm="=,\\ ', max_size=80).map(str.encode)), max_size=3
    )
)
def test_whatever_an_upstream_answers_is_a_challenge_or_none_and_the_answer_stays_one_line(fields: list[bytes]) -> None:
    lines = [field.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"") for field in fields]
    for extra in (lines, [b'Digest nonce="n", qop="auth", ' + line + b', realm="r"' for line in lines]):
        challenge = choose_challenge(extra)
        if challenge is not None:
            assert not set(challenge.authorization("GET", "/", "sam", "secret", "c")) & {10, 13, 0}
