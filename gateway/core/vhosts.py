"""Which virtual host a request names. An API is served on one of its environment's; another one's requests are not its.

A name that is no virtual host at all (an address, what a load balancer calls us) is nobody's, and keeps nobody out.
Source: section 3.4 of the reference, RFC 9110 section 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

OWN: Final = ""  # the environment's own host


def without_brackets(host: str) -> str:
    """A host as it is compared: an IPv6 address without the brackets that a URL puts around it."""
    return host.strip("[]")


def host_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The host of the Host header in lower case, without port and brackets; "" where there is none."""
    value = next((value for name, value in headers if name == b"host"), b"").decode("latin-1").strip().lower()
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.partition(":")[0].rstrip(".")


def is_elsewhere(hosts: Mapping[str, str], vhost: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request names another virtual host than that of the API it asks for.

    Args:
        hosts: every host of the environment -> the virtual host that it is.
        vhost: where the API is.
    """
    return hosts.get(host_of(headers), vhost) != vhost
