"""The runtime limits of an API as form fields."""

from __future__ import annotations

from apis import shapes
from apis.admin.fields import Whole
from apis.admin.pages import PageForm
from apis.words import phrase

_OWN = "Empty: no limit of this API's own."
_LARGER = phrase("Bytes. A larger one closes with 1009. {what}", what=_OWN)
_LONGER = phrase("Seconds, then it is closed with 4408. {what}", what=_OWN)
_REFUSED = phrase("One more is refused with 429. {what}", what=_OWN)


class RuntimeForm(PageForm):
    """Fields are named as in apis.shapes.runtime_limits."""

    max_message_bytes = Whole(label="Largest message", help_text=_LARGER)
    max_session_s = Whole(label="Longest session", help_text=_LONGER)
    idle_s = Whole(
        label="Close when idle for", help_text="Seconds without traffic, then 4408; 0 = only as the endpoint says."
    )
    keepalive_s = Whole(
        label="Ping every", help_text="Seconds of silence, 5 at least; who misses two pings is given up. 0 = never."
    )
    slow_consumer_s = Whole(
        label="Close a slow client after",
        help_text="Seconds in which it takes nothing of what is sent; closed with 4108.",
    )
    max_sessions = Whole(label="Sessions in all", help_text=_REFUSED)
    max_sessions_per_application = Whole(label="Sessions of one application", help_text=_REFUSED)
    max_sessions_per_ip = Whole(label="Sessions from one address", help_text=_REFUSED)

    fieldsets = (
        ("Messages", ("max_message_bytes",)),
        ("Time", ("max_session_s", "idle_s", "keepalive_s", "slow_consumer_s")),
        ("Sessions at once", ("max_sessions", "max_sessions_per_application", "max_sessions_per_ip")),
    )
    mandatory = tuple(name for name, value in shapes.DEFAULT_RUNTIME.items() if value is not None)
