"""How fast a change reaches thousands of live sessions, and what others feel of it. See README.md.

Run by hand: python benchmarks/control.py [--sessions 5000]. Two gateway processes on one database: one carries the
sessions of an API and one bystander's, the other only a few of the same API. What is done is done in a third process,
as the portal would; the clients note when their close frame arrives.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from load import connect, frame
from proxies import HERE, ROOT, certificate, pinned, wait_for
from tables import Table, verdict

UPSTREAM, FIRST, SECOND = 21200, 21201, 21211  # below the ports that clients get
FEW = 20
REACH_S, CLOSE_S, LAG_S = 1.0, 2.0, 0.25
GOODBYE = b"\x88\x82\0\0\0\0\x03\xe8"
EVERY_S = 0.01
ACTOR = """
import os, sys, time, json
sys.path.insert(0, {root!r})
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wsportal.settings")
import django; django.setup()
from oauth2_provider.models import AccessToken
from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import denying, designs, keys, publishing, subscribing
actor = Actor.of(Person.objects.get(username="bench"))
def another(name, endpoint):
    api = publishing.api_create_and_publish(actor=actor, name=name, context="/" + name.lower(), version="1.0.0",
        endpoint=endpoint, business_plans=["Unlimited"])
    application = subscribing.application_create(actor=actor, name=name)
    subscribing.subscription_create(actor=actor, api=api, application=application, business_plan="Unlimited")
    token, _ = keys.token_generate(actor=actor, application=application, key_type="production")
    return json.dumps({{"path": api.path, "token": token}})
print("ready", flush=True)
for line in sys.stdin:
    answer = eval(line)
    print(answer if isinstance(answer, str) else json.dumps(time.monotonic()), flush=True)
"""
BENCH = 'Api.objects.get(version_set__name="Bench")'
APPLICATION = 'Application.objects.get(name="Bench")'
# What is done, and what undoes it.
CHANGES: dict[str, tuple[str, str]] = {
    "the API is blocked": (
        f'publishing.api_transition(actor=actor, api={BENCH}, action="block") and None',
        f'publishing.api_transition(actor=actor, api={BENCH}, action="republish") and None',
    ),
    "a deny policy is made": (
        f"denying.deny_policy_create(actor=actor, application={APPLICATION}) and None",
        'denying.deny_policy_delete(actor=actor, policy=__import__("apis.models").models.DenyPolicy.objects.get())',
    ),
    "the subscription is blocked": (
        f"subscribing.subscription_block(actor=actor, subscription={APPLICATION}.subscriptions.get()) and None",
        f"subscribing.subscription_unblock(actor=actor, subscription={APPLICATION}.subscriptions.get()) and None",
    ),
    "the token is revoked": (f"AccessToken.objects.get(application__key_pair__application={APPLICATION}).revoke()", ""),
}


@dataclass
class Crowd:
    """Clients that only wait for their close frame, and answer it."""

    epoll: select.epoll = field(default_factory=select.epoll)
    socks: dict[int, socket.socket] = field(default_factory=dict)
    ended: list[float] = field(default_factory=list)

    def add(self, port: int, path: str, headers: list[str], count: int) -> None:
        for _ in range(count):
            sock = connect(str(port), path, headers)
            self.socks[sock.fileno()] = sock
            self.epoll.register(sock.fileno(), select.EPOLLIN)

    def wait(self, seconds: float) -> None:
        """Until everybody was told, or so long."""
        end = time.monotonic() + seconds
        waiting = set(self.socks)
        while waiting and time.monotonic() < end:
            for fd, _ in self.epoll.poll(0.1):
                data = self.socks[fd].recv(4096)
                if fd in waiting and data[:1] == b"\x88":
                    self.ended.append(time.monotonic())
                    waiting.discard(fd)
                    self.socks[fd].send(GOODBYE)
                elif not data:
                    waiting.discard(fd)
                if fd not in waiting:
                    self.epoll.unregister(fd)
                    self.socks.pop(fd).close()


class Bystander(threading.Thread):
    """A session of another API in the same process: a small message every 10 ms, and the longest round trip."""

    def __init__(self, port: int, path: str, headers: list[str]) -> None:
        super().__init__(daemon=True)
        self.sock = connect(str(port), path, headers)
        self.sock.setblocking(True)
        self.trips: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        message = frame(16)
        while not self.over.is_set():
            began = time.monotonic()
            self.sock.sendall(message)
            self.sock.recv(4096)
            self.trips.append(time.monotonic() - began)
            time.sleep(EVERY_S)


def serve(stack: ExitStack, environment: dict[str, str], port: int, folder: Path) -> None:
    """One gateway process."""
    log = stack.enter_context((folder / f"gateway-{port}.log").open("w"))
    facts = {**environment, "PORT_OFFSET": str(port - 9099), "METRICS_PORT": str(port + 5)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "gateway"], env=facts, cwd=ROOT, stdout=log, stderr=log
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    try:
        wait_for(port, process)  # type: ignore[arg-type]
    except SystemExit:
        print((folder / f"gateway-{port}.log").read_text()[-3000:])
        raise


class Office:
    """The process in which things are done."""

    def __init__(self, stack: ExitStack, environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", ACTOR.format(root=str(ROOT))]
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(self.process.kill)
        self.read()

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        while line and not line.startswith(("{", "ready")) and not line[0].isdigit():
            line = self.process.stdout.readline().strip()
        return line

    def do(self, what: str) -> str:
        """Returns: what it answered; the moment it was done (monotonic) where that is nothing."""
        assert self.process.stdin is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.read()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=5000)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        echo = pinned(1, sys.executable, str(HERE / "upstream.py"), str(UPSTREAM), stdout=subprocess.DEVNULL)
        stack.callback(echo.kill)
        wait_for(UPSTREAM, echo)
        environment = {
            **os.environ,
            "WSPORTAL_MODE": "serve",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
            "DJANGO_SECRET_KEY": os.urandom(30).hex(),
            "ALLOWED_UPSTREAM_NETWORKS": "loopback",
            "GATEWAY_TLS_CERT": str(certificate(folder)[0]),
            "GATEWAY_TLS_KEY": str(certificate(folder)[1]),
        }
        seed = [sys.executable, str(HERE / "seed.py"), f"ws://localhost:{UPSTREAM}"]
        made = subprocess.run(seed, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        mine = json.loads(made.stdout.splitlines()[-1])
        for port in (FIRST, SECOND):
            serve(stack, environment, port, folder)
        office = Office(stack, environment)
        other = json.loads(office.do(f'another("Other", "ws://localhost:{UPSTREAM}")'))
        time.sleep(1)
        measure(options.sessions, office, mine, other)


def measure(sessions: int, office: Office, mine: dict[str, str], other: dict[str, str]) -> None:
    """Each change once, with fresh sessions."""
    table = Table(
        f"Live control: {sessions} sessions in one process, {FEW} in another",
        *("change", "first told ms", "all told ms", "other process ms", "bystander p50 ms", "longest ms"),
    )
    notes = []
    for name, (change, undo) in CHANGES.items():
        crowd, few = Crowd(), Crowd()
        bearer = [f"Authorization: Bearer {mine['token']}"]
        crowd.add(FIRST, mine["path"], bearer, sessions)
        few.add(SECOND, mine["path"], bearer, FEW)
        time.sleep(3)  # all of them are in the directory
        bystander = Bystander(FIRST, other["path"], [f"Authorization: Bearer {other['token']}"])
        bystander.start()
        time.sleep(1)
        watcher = threading.Thread(target=few.wait, args=(10,))
        watcher.start()
        bystander.trips.clear()
        done = float(office.do(change))
        crowd.wait(10)
        watcher.join()
        bystander.over.set()
        bystander.join(5)
        if len(crowd.ended) < sessions or len(few.ended) < FEW:
            raise SystemExit(f"{name}: only {len(crowd.ended)} and {len(few.ended)} were told")
        first, last, there = (at - done for at in (crowd.ended[0], crowd.ended[-1], few.ended[-1]))
        longest = max(bystander.trips)
        cells = (first, last, there, statistics.median(bystander.trips), longest)
        table.add(name, *[f"{one * 1e3:.0f}" for one in cells])
        notes += [
            f"{name}, all told: {verdict(last, CLOSE_S)} s",
            f"{name}, in the other process: {verdict(there, REACH_S)} s",
            f"{name}, the bystander's longest round trip: {verdict(longest, LAG_S)} s",
        ]
        if undo:
            office.do(undo)
        time.sleep(2)
    for note in notes:
        table.note(note)
    table.print()


if __name__ == "__main__":
    main()
