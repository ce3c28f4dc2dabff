"""Secrets that must be read again (an upstream's password, say) are kept sealed: encrypted and authenticated.

Fernet (AES-128-CBC with HMAC-SHA256) from `cryptography`; the keys come from settings by HKDF-SHA256 (RFC 5869).
What is sealed starts with `sealed:v1:`, so nobody takes it for the secret itself, nor the other way round.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PREFIX: Final = "sealed:v1:"
_PURPOSE: Final = b"wsportal sealed secrets v1"


class Unreadable(ValueError):
    """The text was not sealed with any key that this installation has now."""


def seal(text: str) -> str:
    """Seal a secret with the newest key. Returns: "sealed:v1:..."; the same text is sealed differently each time."""
    return PREFIX + _sealer(_passphrases()).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """The secret that `seal` was given, under whichever of the keys.

    Raises: Unreadable for anything else; the message holds nothing of it.
    """
    return _readable(sealed, rotate=False).decode()


def reseal(sealed: str) -> str:
    """The same secret, sealed with the newest key. Raises: Unreadable."""
    return PREFIX + _readable(sealed, rotate=True).decode("ascii")


def is_sealed(text: object) -> bool:
    """Whether this looks like something that `seal` made."""
    return isinstance(text, str) and text.startswith(PREFIX)


def _readable(sealed: str, *, rotate: bool) -> bytes:
    sealer = _sealer(_passphrases())
    if not is_sealed(sealed):
        raise Unreadable("This is not a sealed secret.")
    try:
        token = sealed.removeprefix(PREFIX).encode("ascii", "replace")
        return sealer.rotate(token) if rotate else sealer.decrypt(token)
    except InvalidToken:
        raise Unreadable("A sealed secret cannot be read: it was sealed with another key, or changed.") from None


def _passphrases() -> tuple[str, ...]:
    """The newest first: ENCRYPTION_KEYS, then Django's own key, which is where all of it begins."""
    found = [*settings.ENCRYPTION_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return tuple(str(one) for one in found)


@lru_cache(maxsize=8)
def _sealer(passphrases: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_key(passphrase)) for passphrase in passphrases])


def _key(passphrase: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(passphrase.encode())
    return urlsafe_b64encode(derived)
