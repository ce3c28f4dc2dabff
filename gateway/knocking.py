"""A handshake as a browser would make it, tried from the portal: a page never learns why its own was refused.

RFC 6455 section 4.1 for what is asked, RFC 9457 for the answer of a gateway that refuses.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from apis.words import phrase
from gateway.trial_words import why

PATIENCE_S: Final = 12.0
ANSWER_LIMIT: Final = 4_096  # bytes of a refusal
GOODBYE: Final = b"\x88\x82\x00\x00\x00\x00\x03\xe8"  # Close 1000, masked with zeros (RFC 6455 section 5.5.1)


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of it.

    Attributes:
        status: of the answer; 0 where there was none.
        says: in a sentence.
        code: the problem code of the gateway, or "".
        subprotocol: the one that was agreed on.
    """

    status: int
    says: str
    code: str = ""
    subprotocol: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the gateway let us in."""
        return self.status == 101


def knock(url: str, *, origin: str = "", subprotocols: str = "") -> Knock:
    """Try a handshake, and leave at once with 1000 where it succeeds.

    Args:
        url: ws or wss, of one of our gateway environments; its query may hold a ticket.
        subprotocols: as in the header Sec-WebSocket-Protocol.
    """
    parts = urlsplit(url)
    place = parts.netloc
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(secrets.token_bytes(16)).decode(),
    }
    headers |= {"Origin": origin} if origin else {}
    headers |= {"Sec-WebSocket-Protocol": subprotocols} if subprotocols else {}
    caller = _caller(url)
    try:
        caller.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers=headers)
        answer = caller.getresponse()
        if answer.status == http.client.SWITCHING_PROTOCOLS:
            if caller.sock is not None:
                caller.sock.sendall(GOODBYE)
            return Knock(101, "The gateway let it in.", "", answer.getheader("Sec-WebSocket-Protocol") or "")
        return _refused(answer)
    except TimeoutError:
        return Knock(
            0, phrase("{place} did not answer within {patience_s:.0f} seconds.", place=place, patience_s=PATIENCE_S)
        )
    except (OSError, ssl.SSLError) as error:
        return Knock(0, why(error, place, secure=parts.scheme == "wss"))
    except (http.client.HTTPException, ValueError):
        return Knock(0, phrase("What {place} answered is no HTTP.", place=place))
    finally:
        caller.close()


def _caller(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "wss":
        return http.client.HTTPConnection(host, parts.port or 80, timeout=PATIENCE_S)
    trust = ssl.create_default_context()
    if settings.MODE != "serve":  # the certificate that `up` made for this machine is nobody's but its own
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port or 443, timeout=PATIENCE_S, context=trust)


def _refused(answer: http.client.HTTPResponse) -> Knock:
    """What a gateway, or something in front of it, says."""
    try:
        problem = json.loads(answer.read(ANSWER_LIMIT))
        detail, code = str(problem["detail"]), str(problem.get("code", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Knock(
            answer.status, phrase("It answered {status} and is no gateway of this portal.", status=answer.status)
        )
    return Knock(answer.status, detail, code)
