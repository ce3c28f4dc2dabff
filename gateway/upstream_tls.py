"""TLS towards upstreams that are not trusted by the system alone: own authorities, client certificates, no check."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from gateway.core.extras import ClientCertificate, Tls

log = structlog.get_logger("gateway")

CONTEXTS: Final = 256
_Key = tuple[bool, str, ClientCertificate | None]
_contexts: Final[OrderedDict[_Key, ssl.SSLContext]] = OrderedDict()


async def context_of(tls: Tls, shown: ClientCertificate | None, upstream: str) -> ssl.SSLContext | None:
    """The context for a way of trusting, made once: to read the authorities takes 20 ms. None for the system's own.

    Args:
        shown: a certificate of the gateway's for mutual TLS.
        upstream: for the log.

    Raises:
        OSError: a certificate or key cannot be read (ssl.SSLError is one).
    """
    key = tls.verify, tls.ca, shown
    if key == (True, "", None):
        return None
    found = _contexts.get(key)
    if found is None:
        found = await asyncio.get_running_loop().run_in_executor(None, make_context, tls, shown)
        _contexts[key] = found
        while len(_contexts) > CONTEXTS:
            _contexts.popitem(last=False)
        if not tls.verify:
            log.warning("upstream_not_verified", upstream=upstream, hint="tls.verify is off for this endpoint")
    return found


def make_context(tls: Tls, shown: ClientCertificate | None = None) -> ssl.SSLContext:
    """A context: TLS 1.2 at least, never negotiated again; verified by `tls.ca`, or else by the system's authorities.

    Raises:
        OSError: a certificate or key cannot be read.
    """
    context = ssl.create_default_context(cadata=tls.ca or None)
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if shown is not None:
        with _file(shown.certificate) as certificate, _file(shown.key) as key:
            # A key that is encrypted would ask on the terminal; an empty password makes it an error instead.
            context.load_cert_chain(certificate, key, password="")
    return context


@contextmanager
def _file(text: str) -> Iterator[str]:
    """A file that holds this text while it is read: in memory on Linux, so that a key never touches a disk."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("pem")
        try:
            os.write(descriptor, text.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        descriptor, name = tempfile.mkstemp()
        try:
            os.write(descriptor, text.encode())
            os.close(descriptor)
            yield name
        finally:
            os.unlink(name)
