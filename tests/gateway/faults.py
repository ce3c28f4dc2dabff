"""What the tests of limits and faults share: limits shorter than people may set, a process seen from outside."""

from __future__ import annotations

import os
import re
import resource
import signal
from itertools import count, islice
from typing import Any

from apis.models import Deployment, Endpoint
from tests.gateway.backends import until
from tests.gateway.world import Deal, GatewayProcess, World


def runtime(world: World, deal: Deal, **limits: Any) -> None:
    """Give a deployed API runtime limits, be they shorter than the service allows, and let the gateway know at once."""
    for deployment in Deployment.objects.filter(api=deal.api):
        deployment.design["runtime"] = {**deployment.design.get("runtime", {}), **limits}
        deployment.save(update_fields=["design"])
    config = Endpoint.objects.get(api=deal.api, key_type="production").config
    answer = world.gateway.rest(
        world.people["paul"], "PUT", f"/apis/{deal.api.pk}/endpoints/production", {"urls": config["urls"]}
    )
    assert answer.status_code == 200, answer.text


def rss_kib(pid: int) -> int:
    """Memory of a process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors(pid: int) -> int:
    """Descriptors that it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def leave_free(pid: int, amount: int) -> None:
    """Let a process open so many descriptors more. Its limit is a number, and numbers below may be free."""
    used = {int(one) for one in os.listdir(f"/proc/{pid}/fd")}
    limit = next(islice((number for number in count() if number not in used), amount, None))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))


class Log:
    """What a gateway logs from now on."""

    def __init__(self, process: GatewayProcess) -> None:
        self.process = process
        self.start = len(process.log.read_text())

    def text(self) -> str:
        return self.process.log.read_text()[self.start :]

    def __contains__(self, words: str) -> bool:
        return words in self.text()


def tasks(process: GatewayProcess) -> int:
    """Tasks of its event loop."""
    log = Log(process)
    process.process.send_signal(signal.SIGUSR1)
    until(lambda: re.search(r"tasks=\d+\.", log.text()))
    found = re.search(r"tasks=(\d+)\.", log.text())
    assert found is not None
    return int(found[1])


def request(deal: Deal, rest: str = "") -> bytes:
    """A correct upgrade request."""
    return (
        f"GET {deal.path}{rest} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {deal.token}\r\n\r\n"
    ).encode()
