"""The ASGI application of both planes.

`daphne wsportal.asgi:application` runs the portals. A WebSocket needs the gateway's own listeners
(`manage.py serve gateway`), which put the corridor into the
scope; without it the upgrade is refused and the log says why.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wsportal.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

_django = get_asgi_application()

from gateway.routing import application as _gateway  # noqa: E402  (needs the apps loaded)

application = ProtocolTypeRouter({"http": _django, "websocket": _gateway})
