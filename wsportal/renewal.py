"""Certificates that are renewed while sessions go on: new files are taken up by whoever connects next.

The files are looked at every few seconds and at SIGHUP. New ones are tried in a context of their own first, so that a
half-written or wrong one changes nothing; the old certificate stays until a good one is there.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import structlog

from wsportal.certificates import KeyPairFiles

log = structlog.get_logger("wsportal.renewal")

LOOK_S: Final = 10.0
Seen = tuple[tuple[int, int, int], ...]


def _fingerprint(path: Path) -> tuple[int, int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0, 0
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def fingerprints(files: KeyPairFiles) -> Seen:
    """What tells one state of the files from another; all zeros for one that is not there."""
    return tuple(_fingerprint(path) for path in (files.cert, files.key))


class Certificate:
    """The certificate of a TLS port.

    Args:
        files: PEM files of the certificate with its chain, and of its key.
    Attributes:
        context: what the port's handshakes use; it stays the same object.
    Raises:
        OSError, ssl.SSLError: the files cannot be used now.
    """

    def __init__(self, files: KeyPairFiles) -> None:
        self.files = files
        self._seen = fingerprints(files)
        self.context = self._loaded()

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.files.cert, self.files.key)
        return context

    def renew(self, always: bool = True) -> bool:
        """Take up the files as they are now. They belong together only if both are new, so each look tries again.

        Args:
            always: False to do nothing while they are what they were at the last look.
        Returns:
            Whether new handshakes get another certificate from now on.
        """
        seen = fingerprints(self.files)
        if seen == self._seen and not always:
            return False
        self._seen = seen
        try:
            self._loaded()
            self.context.load_cert_chain(self.files.cert, self.files.key)
        except (OSError, ssl.SSLError) as error:
            log.error("certificate_kept", file=str(self.files.cert), error=f"{type(error).__name__}: {error}")
            return False
        log.info("certificate_renewed", file=str(self.files.cert))
        return True

    async def watch(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.renew(always=False)
