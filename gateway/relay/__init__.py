"""The relay: moves frames between the two legs of a session, as far as the frame scanners allow.

`Link` is one session's pair of legs and how it ends; a leg is a raw socket in one shared epoll (`sockets`, Linux;
with TLS `tls_leg`) or, where there is no epoll, an event loop transport (`transports`). Behaviour does not depend on
the kind of leg.
Source: DESIGN section 4, CONTRACT sections 6 and 7.
"""

from __future__ import annotations

from gateway.relay.legs import Leg
from gateway.relay.link import Link
from gateway.relay.owner import Direction, Ending, LinkOwner
from gateway.relay.poller import HAS_EPOLL, Guest, Poller
from gateway.relay.sockets import SocketLeg
from gateway.relay.tls import TlsLayer
from gateway.relay.tls_leg import TlsLeg
from gateway.relay.transports import LIVING, TransportLeg

__all__ = [
    "HAS_EPOLL", "LIVING", "Direction", "Ending", "Guest", "Leg", "Link", "LinkOwner", "Poller", "SocketLeg",
    "TlsLayer", "TlsLeg", "TransportLeg",
]  # fmt: skip
