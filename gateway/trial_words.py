"""What a trial of an endpoint says: errors in plain words, and a certificate as a person reads one."""

from __future__ import annotations

import errno
import socket
import ssl
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from apis.words import phrase
from gateway.core.upstream_handshake import BadAnswer
from gateway.targets import DialError

SOON_DAYS: Final = 21  # a certificate that expires so soon is worth a word
_NETWORK: Final = {
    errno.ECONNREFUSED: "{place} refuses connections: nothing listens there.",
    errno.ECONNRESET: "{place} broke the connection off.",
    errno.EHOSTUNREACH: "There is no way to {place}: the host cannot be reached from here.",
    errno.ENETUNREACH: "There is no way to {place}: its network cannot be reached from here.",
    errno.ETIMEDOUT: "{place} did not answer.",
}
_STATUS: Final = {
    400: "It answered 400: it refuses the upgrade. Perhaps it wants a subprotocol, or a header.",
    401: "It answered 401: it wants to know who is there. Look at the security of this endpoint.",
    403: "It answered 403: it knows who is there, or wants a header, and refuses. Look at security and headers.",
    404: "It answered 404: there is a server, but nothing at this path. A topic may add the rest of the path.",
    426: "It answered 426: it wants another protocol or version than WebSocket 13.",
}


def why(error: Exception, place: str, *, secure: bool) -> str:
    """The reason of a failure in a sentence.

    Args:
        place: host and port, or the name that a certificate should have been for.
        secure: whether TLS was spoken.
    """
    match error:
        case DialError(kind="forbidden_address"):
            return phrase(
                "{place} leads to {detail}, which is not public. An operator can allow it with "
                "ALLOWED_UPSTREAM_NETWORKS.",
                place=place,
                detail=error.detail or "an address",
            )
        case DialError(kind="unreachable"):
            return phrase("There is no address for {place}: the name is not known.", place=place)
        case DialError():
            return _sentence(error.detail)
        case BadAnswer():
            return _answered(error, secure=secure)
        case ssl.SSLError():
            return _tls(error, place)
        case socket.gaierror():
            return phrase("There is no address for {place}: the name is not known.", place=place)
        case ConnectionError(errno=None) if secure:  # the event loop's own, when a handshake is cut
            return (
                "The connection was broken off before TLS was spoken: perhaps there is none and the address should "
                "begin with ws://."
            )
        case OSError():
            known = _NETWORK.get(error.errno or 0)
            return known.format(place=place) if known else _sentence(error.strerror or str(error))
    return _sentence(str(error))


def _answered(error: BadAnswer, *, secure: bool) -> str:
    status = error.status
    if status is None:
        hint = " A server that wants a client certificate does so." if secure and "ended" in str(error) else ""
        return _sentence(str(error)) + hint
    if status in _STATUS:
        return _STATUS[status]
    if status < 300:
        return phrase("It answered {status}: this is a web page, not a WebSocket.", status=status)
    if status < 400:
        return phrase(
            "It answered {status}: it is somewhere else. Redirects are not followed; give the new address here.",
            status=status,
        )
    return phrase("It answered {status}: ", status=status) + (
        "it refuses the upgrade." if status < 500 else "the server has a fault."
    )


def _tls(error: ssl.SSLError, place: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in {62, 64}:  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
            return phrase(
                "The certificate is not for {place}. Another name to ask for can be given under TLS.", place=place
            )
        said = error.verify_message or "it cannot be verified"
        hint = "" if error.verify_code == 10 else " An authority of your own can be given under TLS."  # has expired
        return phrase("The certificate is not trusted: {said}.{hint}", said=said, hint=hint)
    if error.reason in {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}:
        return "No TLS is spoken there: perhaps the address should begin with ws://."
    return phrase("TLS failed: {sentence}", sentence=_sentence((error.reason or str(error)).replace("_", " ").lower()))


def _sentence(text: str) -> str:
    text = text.strip() or "it failed"
    return text[0].upper() + text[1:].rstrip(".") + "."


def certificate_facts(tls: ssl.SSLObject, *, verified: bool) -> dict[str, Any]:
    """Version of TLS, and the certificate that was shown: subject, issuer, names, expiry (ISO 8601)."""
    facts: dict[str, Any] = {"version": tls.version() or "", "verified": verified}
    data = tls.getpeercert(binary_form=True)
    if not data:
        return facts
    try:
        shown = x509.load_der_x509_certificate(data)
        facts |= {
            "subject": shown.subject.rfc4514_string(),
            "issuer": shown.issuer.rfc4514_string(),
            "expires": shown.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
            "names": _names(shown),
        }
    except ValueError:  # OpenSSL reads some that the stricter parser does not
        facts["subject"] = "a certificate that cannot be read here"
    return facts


def _names(shown: x509.Certificate) -> list[str]:
    try:
        found = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def certificate_words(facts: dict[str, Any]) -> str:
    """The same in a sentence, with a word of warning where there is reason for one."""
    expires = datetime.fromisoformat(facts["expires"]) if "expires" in facts else None
    words = phrase("{version}, certificate of {get}", version=facts["version"], get=facts.get("subject") or "nobody")
    if expires is not None:
        days = (expires - datetime.now(UTC)).days
        words += f", valid until {expires:%Y-%m-%d}" + (f" (only {days} days)" if days < SOON_DAYS else "")
    return words + ("." if facts["verified"] else ". It is not verified: anybody could be there.")
