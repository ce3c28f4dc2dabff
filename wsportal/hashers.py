"""A password hasher for secrets that wsportal generates itself."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class GeneratedSecretHasher(PBKDF2PasswordHasher):
    """PBKDF2 with few rounds, for 128-character random client secrets only.

    Slow hashing protects what people can remember. A generated secret has over 700 bits of entropy, which no number
    of rounds makes harder to guess, while 600,000 rounds cost 240 ms of CPU for every token request.
    """

    algorithm = "pbkdf2_sha256_generated"
    iterations = 1000
