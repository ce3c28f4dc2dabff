"""What a session remembers of a token that another authorization server issued: whose it is, and what it depends on.

A `token_id` says by itself whether the token is still good: which mapping of a client to an application it came by,
under which terms of the key manager, and until when.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

PERSON_LIMIT: Final = 150
DIGEST: Final = 20  # characters of the token's digest that tell tokens apart


class TokenId(NamedTuple):
    """What is written into `Principal.token_id`: at most 64 characters."""

    asked: bool  # by introspection
    mapping: str
    version: int
    expires_ms: int
    digest: str

    def __str__(self) -> str:
        short = urlsafe_b64encode(UUID(self.mapping).bytes).decode().rstrip("=")
        return f"{'i' if self.asked else 's'}{short}.{self.version:x}.{self.expires_ms:x}.{self.digest[:DIGEST]}"

    @classmethod
    def read(cls, text: str) -> TokenId:
        """Raises: ValueError."""
        short, version, expires, digest = text[1:].split(".")
        mapping = UUID(bytes=urlsafe_b64decode(short + "=="))
        return cls(text[0] == "i", str(mapping), int(version, 16), int(expires, 16), digest)


def person_of(key_manager: str, subject: str) -> str:
    """The person that a key manager names, so that nobody of ours is taken for them; "" for nobody."""
    if not subject:
        return ""
    short = subject if len(subject) <= PERSON_LIMIT else sha256(subject.encode()).hexdigest()
    return f"{key_manager}:{short}"
