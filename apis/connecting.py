"""How to connect for a first try: an address that leads somewhere, and a line for wscat that works as it stands."""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings

from apis import selectors
from apis.models import Api

_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")


def quoted(text: str) -> str:
    """`text` as one word for a POSIX shell, always in single quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def connect_urls(api: Api) -> list[str]:
    """Where to connect for a first try, ws before wss: the gateway's URLs with a topic that exists."""
    return sample_urls(selectors.gateway_urls_deployed(api), selectors.topics_served(api))


def sample_urls(urls: list[str], topics: list[dict[str, Any]]) -> list[str]:
    """The same for somebody who has read both already.

    Args:
        urls: of the API at the gateway.
        topics: that are served (shape: apis.shapes_topics).
    """
    topic = sample_topic([topic["name"] for topic in topics])
    return [url + topic for url in urls]


def sample_topic(names: list[str]) -> str:
    """A path below the API that leads somewhere: "" where `/*` takes everything, else the first topic filled in."""
    if not names or "/*" in names:
        return ""
    return _PARAMETER.sub("1", names[0]).removesuffix("/*")


def is_self_signed(url: str) -> bool:
    """Whether a program has to be told to accept the certificate of this machine."""
    return settings.MODE != "serve" and url.startswith("wss:")


def wscat(url: str, header: str) -> str:
    """The line that connects to `url`; `header` is one word for a shell."""
    return f"wscat {'-n ' if is_self_signed(url) else ''}-c {quoted(url)} -H {header}"
