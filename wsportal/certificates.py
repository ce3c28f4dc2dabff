"""The self-signed certificate that `up` shows until somebody brings a real one."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Browsers accept no server certificate that is valid for longer than 398 days (CA/Browser Forum, ballot SC31).
VALID_FOR: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=7)
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")


class KeyPairFiles(NamedTuple):
    """Where a certificate and its private key lie (PEM)."""

    cert: Path
    key: Path


def self_signed(folder: Path, host: str = "localhost") -> KeyPairFiles:
    """The kept certificate of `folder`, made anew when it is missing, unusable, about to expire or lacks `host`.

    Args:
        folder: an existing, writable folder.
        host: a further name or address that people type besides the local ones.
    Returns: the two files; the key's mode is 0600.
    """
    files = KeyPairFiles(folder / "localhost.crt", folder / "localhost.key")
    names = tuple(dict.fromkeys((*LOCAL_NAMES, host)))
    if not _is_good(files, names, datetime.now(UTC)):
        _make(files, names, datetime.now(UTC))
    return files


def _is_good(files: KeyPairFiles, names: tuple[str, ...], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.cert.read_bytes())
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = load_pem_private_key(files.key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    held = {*alternatives.get_values_for_type(x509.DNSName)}
    held |= {str(address) for address in alternatives.get_values_for_type(x509.IPAddress)}
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE
    return key.public_key() == certificate.public_key() and in_time and held.issuperset(names)


def _make(files: KeyPairFiles, names: tuple[str, ...], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wsportal on this machine")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    _write(files.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(files.cert, certificate.public_bytes(Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes) -> None:
    """Replace `path` in one step; mkstemp gives mode 0600."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
    os.replace(draft, path)
