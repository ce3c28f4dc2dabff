"""The request to an upstream: what of the client's own travels on, and what the gateway says besides."""

from __future__ import annotations

from typing import Any, Final

from gateway import conf
from gateway.core.admission import Admission
from gateway.core.forwarding import about_client, onward
from gateway.core.matching import upstream_target
from gateway.core.upstream_handshake import Form
from gateway.targets import Target

FORMS: Final = 64  # of one head: by URL, and by where it came from
Headers = list[tuple[bytes, bytes]]
Visitor = tuple[str, bool, tuple[str, ...]]  # its IP address, whether it came by TLS, and the proxies it came by


def target_of(  # noqa: PLR0917
    url: str,
    admission: Admission,
    headers: Headers,
    visitor: Visitor,
    request_id: str,
    own: Headers,
    forms: dict[tuple[Any, ...], Any] | None,
) -> Target:
    """What is dialled for one URL of the endpoint.

    Args:
        admission: a complete one.
        headers: the client's.
        own: what else the gateway says of the session.
        forms: of the requests for the same head and the same admission; None where requests differ.
    """
    timeouts, extras = admission.endpoint.timeouts, admission.endpoint.extras
    name = request_id.encode("ascii", "replace")
    form: Form | None = None
    if forms is not None and extras is None:
        form = forms.get((url, visitor))
        if form is not None and form.learnt:
            return Target(
                url,
                b"",
                [],
                None,
                None,
                timeouts.connect_s,
                timeouts.handshake_s,
                conf.may_dial,
                form=form,
                request_id=name,
            )
        if len(forms) >= FORMS:
            forms.clear()
        form = forms[url, visitor] = Form()
    assert admission.route is not None  # noqa: S101  (admitted)
    # Where messages may have to be left out there is no compression: the others could not be inflated any more.
    offers = [value for name, value in headers if name == b"sec-websocket-extensions" and admission.whole]
    host = next((value for name, value in headers if name == b"host"), b"")
    client, secure, proxies = visitor
    path = upstream_target(url, admission.route.rest, admission.query.rest)
    more = onward(headers) + about_client(client, secure, host, request_id, proxies) + own
    if extras is not None:
        path, more = extras.dress(path, more)
    return Target(
        url=url,
        path_and_query=path,
        headers=more,
        subprotocols=admission.subprotocols.offer,
        extensions=b", ".join(offers) or None,
        connect_s=timeouts.connect_s,
        handshake_s=timeouts.handshake_s,
        allowed=conf.may_dial,
        extras=extras,
        form=form,
        request_id=name,
    )
