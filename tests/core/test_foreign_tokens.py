"""Tokens of other authorization servers: eve's do not count, however they are made up."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwk, jws

from apis.foreign_tokens import Keys, Terms, UnknownKey, Untrusted, judge_answer, keys_of, read_issuer, verify

NOW = 1_800_000_000.0
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
TERMS = Terms("https://keys.example", frozenset({"wsportal"}))
CLAIMS = {"iss": "https://keys.example", "aud": "wsportal", "exp": NOW + 60, "client_id": "phone", "sub": "42"}
RSA = jwk.generate_key("RSA", 2048, {"kid": "one"})
EC = jwk.generate_key("EC", "P-256", {"kid": "two"})
KEYS = keys_of({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]})


def signed(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    head = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt", **header}
    return jws.serialize_compact({k: v for k, v in head.items() if v is not None}, json.dumps(claims), key, [algorithm])


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "AAAA") -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*parts, signature])


def test_a_good_token_says_whose_it_is():
    granted = verify(signed({**CLAIMS, "scope": "read write"}), TERMS, KEYS, NOW)
    assert (granted.consumer_key, granted.subject, granted.scopes) == ("phone", "42", {"read", "write"})
    assert granted.expires_at == NOW + 60
    assert granted.resources == frozenset()
    assert read_issuer(signed(CLAIMS)) == "https://keys.example"


@pytest.mark.parametrize(("kind", "size", "algorithm"), [
    ("RSA", 2048, "PS256"), ("EC", "P-256", "ES256"), ("OKP", "Ed25519", "EdDSA"), ("OKP", "Ed25519", "Ed25519"),
])  # fmt: skip
def test_every_usual_kind_of_key_counts(kind, size, algorithm):
    key = jwk.generate_key(kind, size, {"kid": "x"})
    keys = keys_of({"keys": [key.as_dict(private=False)]})
    assert verify(signed(CLAIMS, key, algorithm), TERMS, keys, NOW).consumer_key == "phone"


@pytest.mark.parametrize("changes", [
    {"iss": "https://eve.example"}, {"iss": None}, {"aud": None}, {"aud": []}, {"aud": [1]}, {"exp": None},
    {"exp": NOW - 1}, {"exp": "soon"}, {"exp": True}, {"exp": 1e999}, {"exp": float("nan")}, {"nbf": NOW + 60},
    {"iat": NOW + 60}, {"iat": "now"}, {"client_id": None}, {"client_id": ""}, {"client_id": 7},
    {"client_id": "x" * 300}, {"sub": 7}, {"sub": "x" * 300},
])  # fmt: skip
def test_a_token_that_says_something_else_does_not_count(changes):
    with pytest.raises(Untrusted):
        verify(signed({**CLAIMS, **changes}), TERMS, KEYS, NOW)


def test_the_clock_of_the_issuer_may_be_a_little_ahead():
    assert verify(signed({**CLAIMS, "iat": NOW + 29, "nbf": NOW + 29}), TERMS, KEYS, NOW)


@pytest.mark.parametrize("typ", [None, "JWT", "id_token+jwt"])
def test_a_token_that_does_not_say_it_is_an_access_token_counts_only_where_that_is_allowed(typ):
    token = signed(CLAIMS, typ=typ)
    with pytest.raises(Untrusted):
        verify(token, TERMS, KEYS, NOW)
    assert verify(token, Terms(TERMS.issuer, TERMS.audiences, at_jwt_only=False), KEYS, NOW)


def test_no_signature_or_a_shared_secret_never_counts():
    head, _, _ = unsigned({"alg": "HS256", "kid": "one", "typ": "at+jwt"}, CLAIMS).rpartition(".")
    mac = hmac.digest(RSA.as_pem(private=False), head.encode(), "sha256")  # the public key taken for a secret
    for algorithms in (TERMS.algorithms, ("none", "HS256", "RS256")):
        terms = Terms(TERMS.issuer, TERMS.audiences, algorithms)
        for token in (
            unsigned({"alg": "none", "typ": "at+jwt"}, CLAIMS),
            unsigned({"alg": "RS256", "kid": "one", "typ": "at+jwt"}, CLAIMS),
            f"{head}.{urlsafe_b64encode(mac).decode().rstrip('=')}",
        ):
            with pytest.raises(Untrusted):
                verify(token, terms, KEYS, NOW)


def test_a_key_in_the_token_itself_does_not_count():
    own = jwk.generate_key("RSA", 2048, {"kid": "one"})
    with pytest.raises(Untrusted):
        verify(signed(CLAIMS, own, jwk=own.as_dict(private=False)), TERMS, KEYS, NOW)
    with pytest.raises(Untrusted):
        verify(signed(CLAIMS, own, jku="https://eve.example/keys"), TERMS, KEYS, NOW)


def test_an_algorithm_that_is_not_asked_for_does_not_count():
    with pytest.raises(Untrusted):
        verify(signed(CLAIMS), Terms(TERMS.issuer, TERMS.audiences, ("ES256",)), KEYS, NOW)
    with pytest.raises(Untrusted):
        verify(signed(CLAIMS, crit=["b64"], b64=False), TERMS, KEYS, NOW)


def test_a_key_that_is_not_known_is_told_apart_from_a_wrong_signature():
    other = jwk.generate_key("RSA", 2048, {"kid": "three"})
    with pytest.raises(UnknownKey):
        verify(signed(CLAIMS, other), TERMS, KEYS, NOW)
    forged = jwk.generate_key("RSA", 2048, {"kid": "one"})
    with pytest.raises(Untrusted) as problem:
        verify(signed(CLAIMS, forged), TERMS, KEYS, NOW)
    assert not isinstance(problem.value, UnknownKey)


def test_without_a_key_id_every_key_that_fits_is_tried():
    assert verify(signed(CLAIMS, RSA, kid=None), TERMS, KEYS, NOW)
    assert verify(signed(CLAIMS, EC, "ES256", kid=None), TERMS, KEYS, NOW)


def test_a_token_for_somewhere_else_must_name_the_api():
    granted = verify(signed({**CLAIMS, "aud": ["wss://gateway.example/echo/1.0.0"]}), TERMS, KEYS, NOW)
    assert granted.resources == {"wss://gateway.example/echo/1.0.0"}


def test_a_client_that_acts_for_itself_is_nobody():
    assert verify(signed({**CLAIMS, "sub": "phone"}), TERMS, KEYS, NOW).subject == ""


def test_client_and_scopes_stand_where_the_key_manager_puts_them():
    terms = Terms(TERMS.issuer, TERMS.audiences, client_claim="azp", scope_claim="scp")
    granted = verify(signed({**CLAIMS, "azp": "tablet", "scp": ["a", "b", 3]}), terms, KEYS, NOW)
    assert (granted.consumer_key, granted.scopes) == ("tablet", {"a", "b"})


@pytest.mark.parametrize("token", [
    "", "abc", "a.b", "a.b.c", "a.b.c.d", "..", "e30.e30.", "e30.e30.AAAA", "W10.e30.AAAA", "x" * 20_000,
    "eyJhbGciOiJSUzI1NiJ9." + "W1" * 5_000 + ".AAAA",
])  # fmt: skip
def test_other_tokens_are_no_jwt(token):
    assert read_issuer(token) is None


def test_a_bad_key_does_not_spoil_the_others():
    weak = jwk.generate_key("RSA", 1024, {"kid": "weak"}).as_dict(private=False)
    rows = [
        7,
        weak,
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-0"},
    ]
    rows += [{**RSA.as_dict(private=False), "use": "enc"}, {**RSA.as_dict(private=False), "alg": "HS256"}]
    keys = keys_of({"keys": [*rows, RSA.as_dict(private=False)]})
    assert (len(keys.usable), len(keys.problems)) == (1, len(rows))
    assert verify(signed(CLAIMS), TERMS, keys, NOW)
    for nothing in (None, [], {}, {"keys": 7}):
        with pytest.raises(Untrusted):
            keys_of(nothing)
    assert keys_of({"keys": []}) == Keys()


def test_what_an_introspection_says():
    answer = {"active": True, "client_id": "phone", "aud": "wsportal"}
    assert judge_answer(answer, TERMS, NOW, 60).expires_at == NOW + 60
    assert judge_answer({**answer, "exp": NOW + 5}, TERMS, NOW, 60).expires_at == NOW + 5
    relaxed = Terms(TERMS.issuer)
    assert judge_answer({"active": True, "client_id": "phone"}, relaxed, NOW, 60).resources == frozenset()
    for wrong in (
        None, [], {}, {"active": False}, {"active": "true", "client_id": "phone"}, {**answer, "exp": NOW - 60},
        {"active": True, "client_id": "phone"}, {"active": True, "aud": "wsportal"}, {**answer, "iss": "other"},
        {**answer, "nbf": NOW + 90},
    ):  # fmt: skip
        with pytest.raises(Untrusted):
            judge_answer(wrong, TERMS, NOW, 60)
