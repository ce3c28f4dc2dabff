"""Tokens that other authorization servers issued: what they must be like to count here. Pure, and time comes as `now`.

Sources: RFC 7515 (JWS), 7517 (JWK), 7518 and 8037 (algorithms), 8725 (best practice), 9068 (JWT access tokens),
7662 (introspection), 8707 (resource indicators).
"""

from __future__ import annotations

import binascii
import json
import math
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwk, jws
from joserfc.errors import JoseError

# Asymmetric ones only: with a shared secret, or none, whoever can check a token can make one (RFC 8725 section 3.1).
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
DEFAULT_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
KEYS_LIMIT: Final = 100  # keys of one set that are looked at
TRIES_LIMIT: Final = 8  # keys that are tried where a token names none
RSA_BITS: Final = 2048  # RFC 7518 section 3.3
TOKEN_LIMIT: Final = 16_384
TEXT_LIMIT: Final = 255  # of a client or a subject
_TYPES: Final = {"at+jwt", "application/at+jwt"}  # RFC 9068 section 4


class Untrusted(Exception):
    """The token does not count. The text says why, for an operator; it holds nothing of the token."""


class UnknownKey(Untrusted):
    """The token names a key that is not among those known: they may have been rotated."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a token of one key manager must be like.

    Attributes:
        issuer: its `iss`; "" for any (introspection only).
        audiences: of which `aud` names one, or else the URL of the API.
        client_claim, scope_claim: where the client's name and the scopes stand.
        at_jwt_only: whether the header must say `at+jwt` (RFC 9068 section 4).
        leeway_s: how far the issuer's clock may be ahead, in seconds (nbf, iat). An expired token is expired.
    """

    issuer: str
    audiences: frozenset[str] = frozenset()
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    client_claim: str = "client_id"
    scope_claim: str = "scope"
    at_jwt_only: bool = True
    leeway_s: int = 30


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token that counts says.

    Attributes:
        consumer_key: the client it was issued to.
        subject: the person behind it, or "" where the client acts for itself.
        expires_at: epoch seconds.
        resources: `aud`, where it names none of the key manager's audiences: then it must name the API.
        claims: everything that it says.
    """

    consumer_key: str
    subject: str
    scopes: frozenset[str]
    expires_at: float
    resources: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """The usable keys of a set, and what was wrong with the others."""

    usable: tuple[tuple[str, str, Any], ...] = field(default=(), repr=False)  # (kid, alg or "", key)
    problems: tuple[str, ...] = ()

    def candidates(self, kid: str, algorithm: str) -> list[Any]:
        """The keys that may have signed a token with this header. Raises: UnknownKey."""
        fits = [key for name, alg, key in self.usable if kid in {"", name} and alg in {"", algorithm}]
        if not fits:
            raise UnknownKey(f"No key named {kid[:60]!r} for {algorithm} is published." if kid else "No key fits.")
        return fits[:TRIES_LIMIT]


def keys_of(document: Any) -> Keys:
    """Read a JWK set (RFC 7517 section 5); a key that cannot be used does not spoil the others.

    Raises: Untrusted where this is no key set at all.
    """
    rows = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise Untrusted('This is no JWK set: it has no list "keys".')
    usable: list[tuple[str, str, Any]] = []
    problems: list[str] = []
    for number, row in enumerate(rows[:KEYS_LIMIT]):
        if problem := _key(row, usable):
            problems.append(f"Key {number + 1}: {problem}")
    if len(rows) > KEYS_LIMIT:
        problems.append(f"Only the first {KEYS_LIMIT} keys are used.")
    return Keys(tuple(usable), tuple(problems))


def _key(row: Any, usable: list[tuple[str, str, Any]]) -> str:
    """Add a key to `usable`, or say why it cannot be."""
    if not isinstance(row, dict):
        return "it is not an object."
    kid, algorithm = row.get("kid", ""), row.get("alg", "")
    if not isinstance(kid, str) or not isinstance(algorithm, str):
        return "its kid or alg is not a text."
    if row.get("kty") not in {"RSA", "EC", "OKP"}:
        return f"keys of type {str(row.get('kty'))[:20]!r} are not used; only public ones are."
    if row.get("use", "sig") != "sig":
        return "it is not for signatures."
    if algorithm and algorithm not in ALGORITHMS:
        return f"the algorithm {algorithm[:20]!r} is not accepted."
    try:
        key = jwk.import_key({name: value for name, value in row.items() if name not in {"alg", "key_ops"}})
        public: Any = key.get_op_key("verify")
    except (JoseError, ValueError, TypeError, binascii.Error, KeyError):
        return "it cannot be read."
    if isinstance(public, RSAPublicKey) and public.key_size < RSA_BITS:
        return f"it has fewer than {RSA_BITS} bits."
    usable.append((kid, algorithm, key))
    return ""


def read_issuer(token: str) -> str | None:
    """Who a token says has issued it, or None where it is no JWT. Nothing is checked yet.

    A JWT has three parts of base64url, the first two of them JSON objects (RFC 7519 section 3).
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > TOKEN_LIMIT or not parts[2]:
        return None
    header, claims = _object(parts[0]), _object(parts[1])
    if header is None or claims is None or "alg" not in header:
        return None
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError, binascii.Error):
        return None
    return value if isinstance(value, dict) else None


class _Registry(jws.JWSRegistry):
    max_header_length = 4096  # some name a certificate chain; what they name is not used
    max_payload_length = TOKEN_LIMIT

    def get_alg(self, name: str) -> Any:
        """Without a warning that "EdDSA" has another name now (RFC 9864); `verify` has chosen from ALGORITHMS."""
        return self.algorithms[name]


def verify(token: str, terms: Terms, keys: Keys, now: float) -> Granted:
    """Check a JWT access token (RFC 9068 section 4).

    Raises: Untrusted; UnknownKey, where other keys may help.
    """
    header = _object(token.partition(".")[0])
    if header is None or len(token) > TOKEN_LIMIT:
        raise Untrusted("The token cannot be read.")
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if algorithm not in terms.algorithms or algorithm not in ALGORITHMS or not isinstance(kid, str):
        raise Untrusted("The algorithm of the token is not accepted.")
    if terms.at_jwt_only and str(header.get("typ", "")).lower() not in _TYPES:
        raise Untrusted("The token does not say that it is an access token (typ at+jwt).")
    return judge(_signed(token, algorithm, keys.candidates(kid, algorithm)), terms, now)


def _signed(token: str, algorithm: str, candidates: Iterable[Any]) -> dict[str, Any]:
    """The claims, if one of the keys signed them."""
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    for key in candidates:
        try:
            found = jws.deserialize_compact(token, key, registry=registry)
            claims = json.loads(found.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            continue  # another key may have signed it
        if isinstance(claims, dict):
            return claims
    raise Untrusted("The signature of the token is not right.")


def judge(claims: Mapping[str, Any], terms: Terms, now: float) -> Granted:
    """Check what a token says, once it is known who says it. Raises: Untrusted."""
    if claims.get("iss") != terms.issuer:
        raise Untrusted("The issuer of the token is another one.")
    expires_at = _moment(claims, "exp", needed=True)
    if expires_at <= now:
        raise Untrusted("The token has expired.")
    return _granted(claims, terms, now, expires_at, _resources(claims.get("aud"), terms))


def judge_answer(answer: Any, terms: Terms, now: float, longest_s: float) -> Granted:
    """Check what an introspection said (RFC 7662 section 2.2): all but `active` and the client is optional there.

    `aud` may be missing where no audience is asked for.

    Args:
        longest_s: for how long an answer without `exp` counts.

    Raises: Untrusted.
    """
    if not isinstance(answer, Mapping) or answer.get("active") is not True:
        raise Untrusted("The key manager says that the token is not active.")
    if terms.issuer and answer.get("iss", terms.issuer) != terms.issuer:
        raise Untrusted("The issuer of the token is another one.")
    expires_at = _moment(answer, "exp") if answer.get("exp") is not None else now + longest_s
    if expires_at <= now:
        raise Untrusted("The token has expired.")
    named = answer.get("aud")
    resources = frozenset() if named is None and not terms.audiences else _resources(named, terms)
    return _granted(answer, terms, now, expires_at, resources)


def _granted(
    claims: Mapping[str, Any], terms: Terms, now: float, expires_at: float, resources: frozenset[str]
) -> Granted:
    for name in ("nbf", "iat"):
        if claims.get(name) is not None and _moment(claims, name) > now + terms.leeway_s:
            raise Untrusted("The token is not valid yet.")
    client, subject = claims.get(terms.client_claim), claims.get("sub", "")
    if not isinstance(client, str) or not 0 < len(client) <= TEXT_LIMIT:
        raise Untrusted(f"The token does not name its client ({terms.client_claim}).")
    if not isinstance(subject, str) or len(subject) > TEXT_LIMIT:
        raise Untrusted("The subject of the token is no text, or too long a one.")
    return Granted(
        consumer_key=client,
        subject="" if subject == client else subject,  # RFC 9068 section 2.2: then nobody stands behind the client
        scopes=_scopes(claims.get(terms.scope_claim)),
        expires_at=expires_at,
        resources=resources,
        claims=dict(claims),
    )


def _resources(audience: Any, terms: Terms) -> frozenset[str]:
    """What the token is for, unless it is for one of the key manager's audiences. Raises: Untrusted."""
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not named or not all(isinstance(one, str) for one in named):
        raise Untrusted("The token does not say whom it is for (aud).")
    return frozenset() if terms.audiences & set(named) else frozenset(named)


def _scopes(value: Any) -> frozenset[str]:
    """Scopes as words in a text (RFC 8693 section 4.2) or as a list."""
    words = value.split(" ") if isinstance(value, str) else value
    if not isinstance(words, list):
        return frozenset()
    return frozenset(word for word in words if isinstance(word, str) and word)


def _moment(claims: Mapping[str, Any], name: str, *, needed: bool = False) -> float:
    """A NumericDate (RFC 7519 section 2), epoch seconds. Raises: Untrusted."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Untrusted(f"The token does not say when ({name})." if needed else f"{name} of the token is no time.")
    try:
        moment = float(value)
    except OverflowError:
        moment = math.inf
    if not math.isfinite(moment):
        raise Untrusted(f"{name} of the token is no time.")
    return moment
