"""Certificates and keys that a person pastes: PEM (RFC 7468) that must parse, and belong together."""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from apis.words import phrase

PEM_LIMIT: Final = 65_536  # characters


def certificates_problem(value: Any) -> str:
    """What is wrong with PEM that should hold one certificate or several, or ""."""
    if not isinstance(value, str) or not value.strip():
        return "This should be a certificate in PEM (-----BEGIN CERTIFICATE-----)."
    if len(value) > PEM_LIMIT or not value.isascii() or "\x00" in value:
        return phrase("This should be PEM: ASCII of at most {most} characters.", most=PEM_LIMIT)
    if "PRIVATE KEY-----" in value:
        return "This holds a private key; only certificates belong here."
    try:
        x509.load_pem_x509_certificates(value.encode())
    except ValueError:
        return "This is not a certificate in PEM that can be read."
    return ""


def pair_problem(certificate: str, key: str) -> str:
    """What is wrong with a private key in PEM for a valid certificate (the first, where there is a chain), or ""."""
    if not key.strip():
        return "This should be the private key of the certificate in PEM (-----BEGIN PRIVATE KEY-----)."
    if len(key) > PEM_LIMIT or not key.isascii() or "\x00" in key:
        return phrase("This should be PEM: ASCII of at most {most} characters.", most=PEM_LIMIT)
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except TypeError:  # an encrypted one, and no password
        return "This key is protected by a passphrase; it is sealed here anyway, so give it without one."
    except Exception:  # ValueError, UnsupportedAlgorithm and errors of the backend alike: it cannot be used
        return "This is not a private key in PEM that can be read."
    leaf = x509.load_pem_x509_certificates(certificate.encode())[0]
    spelled = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*spelled) != leaf.public_key().public_bytes(*spelled):
        return "This key does not belong to the certificate."
    return ""
