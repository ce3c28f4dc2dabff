"""The ports of the portals: Twisted's HTTP behind sockets of ours, so that workers share them and certificates change.

A socket is bound before anything starts, or inherited from the supervisor of `serve portal --workers N`; new
connections take the certificate of the moment, old ones keep theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from socket import socket
from typing import Any, Final, cast

import gateway.loop  # noqa: F401  isort: skip - before the reactor is made

import structlog
from OpenSSL import SSL
from twisted.internet import reactor as twisted_reactor
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer  # type: ignore[import-untyped]

from gateway.server import GatewayServer
from wsportal.bodies import BoundedFactory
from wsportal.certificates import KeyPairFiles
from wsportal.renewal import LOOK_S, fingerprints

log = structlog.get_logger("wsportal.portals")
reactor: Any = twisted_reactor

FINISH_S: Final = 30.0  # for pages under way, once another worker takes the new ones
LOOK_FOR_PAGES_S: Final = 0.1


@implementer(IOpenSSLContextFactory)
class Tls:
    """The certificate of a portal's TLS port, in OpenSSL's own terms: Twisted speaks no other.

    Args:
        files: PEM files of the certificate with its chain, and of its key.
    Raises:
        OSError, SSL.Error: they cannot be used.
    """

    def __init__(self, files: KeyPairFiles) -> None:
        self.files = files
        self._seen = fingerprints(files)
        self._context = self._loaded()

    def getContext(self) -> SSL.Context:
        """The context of the next connection."""
        return self._context

    def _loaded(self) -> SSL.Context:
        for file in (self.files.cert, self.files.key):
            file.open("rb").close()  # a file that is missing is an OSError with its name in it
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.use_certificate_chain_file(str(self.files.cert))
        context.use_privatekey_file(str(self.files.key))
        context.check_privatekey()
        return context

    def renew(self, always: bool = True) -> bool:
        """As `wsportal.renewal.Certificate.renew`."""
        seen = fingerprints(self.files)
        if seen == self._seen and not always:
            return False
        self._seen = seen
        try:
            self._context = self._loaded()
        except (OSError, SSL.Error) as error:
            log.error("certificate_kept", file=str(self.files.cert), error=f"{type(error).__name__}: {error}")
            return False
        log.info("certificate_renewed", file=str(self.files.cert))
        return True


class PortalPorts:
    """Listens for the portals of one process.

    Args:
        sockets: bound and listening, each with its certificate, or None where it is plain.
    """

    def __init__(self, sockets: Sequence[tuple[socket, Tls | None]]) -> None:
        self.sockets = list(sockets)
        self._ports: list[Any] = []

    async def run(self, server: GatewayServer) -> None:
        """Hand every connection to Daphne's HTTP until cancelled; look after the certificates meanwhile."""
        for sock, tls in self.sockets:
            factory: Any = BoundedFactory(server)
            if tls is not None:
                factory = TLSMemoryBIOFactory(cast(Any, tls), False, factory)
            self._ports.append(reactor.adoptStreamPort(sock.fileno(), sock.family, factory))
            sock.close()  # the port has a descriptor of its own
        while True:
            await asyncio.sleep(LOOK_S)
            self.renew(always=False)

    def renew(self, always: bool = True) -> None:
        """Take up the certificates anew; `always` also where their files are what they were."""
        for tls in {tls for _, tls in self.sockets if tls is not None}:
            tls.renew(always)

    async def finish(self, server: GatewayServer) -> None:
        """Accept nothing more, and stop the server once the pages under way are answered."""
        for port in self._ports:
            port.stopListening()
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                while server.connections:  # noqa: ASYNC110 - Daphne tells nobody when one of them ends
                    await asyncio.sleep(LOOK_FOR_PAGES_S)
        server.stop()
