"""What a client may do at a topic: receive, send, or both, by the topic's own rules and the scopes of its token.

Decided at the handshake, and again on a live session when its token or the topic is another one. Whoever may not send
(or receive) at all where the topic offers it stays connected with what is left; its messages are left out one by one.
Source: CONTRACT sections 4 and 5, RFC 6750 section 3.1, section 2.3 of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.rejections import Rejection
from gateway.core.snapshot import TopicSnapshot


@dataclass(frozen=True, slots=True)
class Permit:
    """Which directions are open to a client: `receive` is the topic's subscribe, `send` its publish."""

    receive: bool = True
    send: bool = True

    @property
    def whole(self) -> bool:
        """Both ways are open: no message has to be left out, so compression may be agreed on."""
        return self.receive and self.send


BOTH_WAYS: Final = Permit()
ANY_TOPIC: Final = TopicSnapshot("/*")


def permit(topic: TopicSnapshot, scopes: frozenset[str]) -> Permit:
    """What a token with these scopes may do at this topic.

    Raises:
        Rejection: insufficient_scope, naming what the topic asks for: it may not connect, or no direction is open.
    """
    if topic.security == "none":  # nobody is asked for a token, so nobody for scopes
        scopes = topic.scopes | topic.subscribe_scopes | topic.publish_scopes
    if not topic.scopes <= scopes:
        raise _lacks(topic.scopes, scopes)
    receive = topic.subscribe and topic.subscribe_scopes <= scopes
    send = topic.publish and topic.publish_scopes <= scopes
    if not receive and not send:
        # either would do, so that the easier one is named
        ways = [
            needed
            for is_open, needed in ((topic.subscribe, topic.subscribe_scopes), (topic.publish, topic.publish_scopes))
            if is_open
        ]
        raise _lacks(topic.scopes | min(ways, key=len, default=frozenset()), scopes)
    return BOTH_WAYS if receive and send else Permit(receive, send)


def _lacks(needed: frozenset[str], scopes: frozenset[str]) -> Rejection:
    """The refusal, with all that is needed (RFC 6750 section 3: `scope`), and in words what is lacking."""
    wanted = " ".join(sorted(needed))
    challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
    lacking = " ".join(sorted(needed - scopes))
    return Rejection(
        "insufficient_scope", f"The access token lacks: {lacking}.", headers=(("WWW-Authenticate", challenge),)
    )
