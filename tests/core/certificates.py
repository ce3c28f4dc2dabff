"""Certificates and keys that tests paste where a person would: made once a run, so none is kept in the tree."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2056, 1, 1, tzinfo=UTC)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _pem(key: ec.EllipticCurvePrivateKey, how: KeySerializationEncryption) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


_ours, _others, _authority = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
CERTIFICATE = _certificate("client.example", _ours)
KEY = _pem(_ours, NoEncryption())
SEALED_KEY = _pem(_ours, BestAvailableEncryption(b"passphrase"))
OTHER_KEY = _pem(_others, NoEncryption())
CA = _certificate("Authority", _authority)
