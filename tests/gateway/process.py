"""The real server of one process: a portal's HTTP port, both of the gateway's, and its background jobs.

Started by `world.GatewayProcess` with `python -m tests.gateway.process '{"portal": 1, "ws": 2, "wss": 3, ...}'`.
"""

from __future__ import annotations

import json
import os
import ssl
import sys

import gateway.loop  # noqa: F401  (before daphne makes its loop)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    facts = json.loads(sys.argv[1])

    from wsportal.asgi import application  # sets Django up  # isort: skip
    from django.conf import settings
    from gateway.plane import plane
    from gateway.server import GatewayServer

    async def ready() -> None:
        print("ready", flush=True)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(facts["cert"], facts["key"])
    server = GatewayServer(
        application,
        endpoints=[f"tcp:port={facts['portal']}:interface=127.0.0.1"],
        gateway_listeners=[("127.0.0.1", facts["ws"], None), ("127.0.0.1", facts["wss"], tls)],
        background=[plane.run, ready],
        drain_s=settings.DRAIN_SECONDS,
        trust=settings.TRUSTED_PROXIES,
    )
    server.run()
    sys.exit(server.exit_code)


if __name__ == "__main__":
    main()
