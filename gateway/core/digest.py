"""HTTP Digest authentication, the client's side (RFC 7616): SHA-256 and MD5, qop=auth.

A challenge is good for many handshakes: the nonce stays, its count goes up, and the upstream says when it is stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import md5, sha256
from typing import Final

_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER: Final = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME: Final = re.compile(rf"({_TOKEN})(?:[ \t]+|$)")
_ALGORITHMS: Final = ("SHA-256", "MD5")  # the better one first (RFC 7616 section 3.7)


@dataclass(slots=True)
class Challenge:
    """What an upstream asked for; `count` is how often its nonce was used."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None = None
    count: int = field(default=0)

    def authorization(self, method: str, uri: str, username: str, password: str, cnonce: str) -> bytes:
        """The value of Authorization for the next request; uses the nonce once more.

        Args:
            uri: path and query of the request line, as they are sent.
            cnonce: random, for this request only.
        """
        self.count += 1
        nc = f"{self.count:08x}"
        secret = self._hash(f"{username}:{self.realm}:{password}")
        proof = self._hash(f"{secret}:{self.nonce}:{nc}:{cnonce}:auth:{self._hash(f'{method}:{uri}')}")
        pairs = [
            ("username", _quoted(username)),
            ("realm", _quoted(self.realm)),
            ("nonce", _quoted(self.nonce)),
            ("uri", _quoted(uri)),
            ("algorithm", self.algorithm),
            ("qop", "auth"),
            ("nc", nc),
            ("cnonce", _quoted(cnonce)),
            ("response", _quoted(proof)),
        ]
        if self.opaque is not None:
            pairs.append(("opaque", _quoted(self.opaque)))
        return _bytes("Digest " + ", ".join(f"{name}={value}" for name, value in pairs))

    def _hash(self, text: str) -> str:
        data = _bytes(text)
        return (sha256(data) if self.algorithm == "SHA-256" else md5(data, usedforsecurity=False)).hexdigest()


def _bytes(text: str) -> bytes:
    """UTF-8, and whatever bytes a challenge held, unchanged."""
    return text.encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def choose_challenge(fields: Iterable[bytes]) -> Challenge | None:
    """The best Digest challenge among the WWW-Authenticate fields of a 401, or None where none can be answered.

    Args:
        fields: values of the fields; one may hold several challenges (RFC 9110 section 11.6.1).
    """
    found: dict[str, Challenge] = {}
    for scheme, facts in _challenges(fields):
        algorithm = facts.get("algorithm", "MD5").upper()
        qops = [word.strip().lower() for word in facts.get("qop", "").split(",")]
        if scheme == "digest" and algorithm in _ALGORITHMS and "auth" in qops and {"realm", "nonce"} <= facts.keys():
            found.setdefault(algorithm, Challenge(facts["realm"], facts["nonce"], algorithm, facts.get("opaque")))
    return next((found[algorithm] for algorithm in _ALGORITHMS if algorithm in found), None)


def _challenges(fields: Iterable[bytes]) -> list[tuple[str, dict[str, str]]]:
    """(scheme, parameters) of every challenge; what cannot be read ends its field."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in fields:
        text, at = value.decode("utf-8", "surrogateescape"), 0
        while at < len(text):
            if text[at] in ", \t":
                at += 1
            elif (pair := _PARAMETER.match(text, at)) and found:
                raw = pair[2] if pair[2] is not None else pair[3]
                found[-1][1][pair[1].lower()] = re.sub(r"\\(.)", r"\1", raw)
                at = pair.end()
            elif scheme := _SCHEME.match(text, at):
                found.append((scheme[1].lower(), {}))
                at = scheme.end()
            else:
                break
    return found
