"""What `up` shows a newcomer: where to click, who to be, and three commands to copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from rich.console import Console

from apis.models import Api, Application, Person
from apis.services import demo
from wsportal import compiled
from wsportal.env import Ports

_FIELD: Final = r"""sed -E 's/.*"%s": ?"([^"]+)".*/\1/'"""  # one string out of a small JSON object, without jq


@dataclass(frozen=True, slots=True)
class Facts:
    """What the screen tells.

    Attributes:
        host: the address wsportal listens on.
        people: user name -> what the person is, of those whose password still is their user name.
        application_id: the seeded application, if it is still there.
        api_path: the path of the seeded API at the gateway, if it is still there.
        first: whether this start filled the database.
    """

    host: str
    ports: Ports
    people: dict[str, str]
    application_id: str | None
    api_path: str | None
    first: bool

    @property
    def name(self) -> str:
        """The host as a person on this machine types it."""
        if is_loopback(self.host) or is_everywhere(self.host):
            return "localhost"
        return f"[{self.host}]" if ":" in self.host else self.host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_everywhere(host: str) -> bool:
    """Whether `host` means every address of this machine."""
    return host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def gather(host: str, ports: Ports, *, first: bool) -> Facts:
    """Look up what is left of the seed, so that the screen shows nothing that does not work."""
    people = Person.objects.filter(username__in=demo.PEOPLE, is_active=True).order_by("date_joined")
    application = Application.objects.filter(owner__username="subscriber", name="DefaultApplication").first()
    api = Api.objects.filter(version_set__context="/echo", version="1.0.0", state="published").first()
    return Facts(
        host=host,
        ports=ports,
        people={
            person.username: " and ".join(person.roles) or "no role"
            for person in people
            if person.check_password(person.username)
        },
        application_id=str(application.pk) if application else None,
        api_path=api.path if api else None,
        first=first,
    )


def commands(facts: Facts) -> list[tuple[str, list[str]]]:
    """The commands to copy, as (what it does, lines); they work as they stand, in this order, in one shell."""
    if not facts.application_id or not facts.api_path:
        return []
    portal = f"http://{facts.name}:{facts.ports.portal}/api/v1"
    gateway = f"ws://{facts.name}:{facts.ports.gateway}{facts.api_path}"
    known = "subscriber" in facts.people and is_loopback(facts.host)
    login = "subscriber:subscriber" if known else "subscriber"  # curl asks for the password

    def post(who: str, body: str, path: str) -> str:
        return f"curl -s {who} -H 'Content-Type: application/json' -d '{body}' {portal}/{path}"

    mint = post(f"-u {login}", '{"name":"start screen"}', "tokens")
    generate = post(
        _bearer("PERSONAL"), '{"key_type":"production"}', f"applications/{facts.application_id}/generate-token"
    )
    python = [
        '.venv/bin/python -c "from websockets.sync.client import connect',
        f"with connect('{gateway}', additional_headers={{'Authorization': 'Bearer $TOKEN'}}) as ws:",
        """    ws.send('hello'); print(ws.recv())\"""",
    ]
    return [
        (
            "Get a token",
            [
                f"PERSONAL=$({mint} | {_FIELD % 'token'})",
                f"TOKEN=$({generate} | {_FIELD % 'access_token'}); echo $TOKEN",
            ],
        ),
        (
            "Connect (say hello with Python, or talk with wscat)",
            [*python, f"npx wscat -c {gateway} {_bearer('TOKEN')}"],
        ),
        ("See usage (at most two seconds behind)", [f"curl -s {_bearer('PERSONAL')} {portal}/usage"]),
    ]


def _bearer(variable: str) -> str:
    return f'-H "Authorization: Bearer ${variable}"'


def show(facts: Facts, console: Console, *, seconds: float) -> None:
    """Print the screen after a start of `seconds`. Long lines are not wrapped, so that they can be copied."""

    def line(text: str = "", style: str = "") -> None:
        console.print(text, style=style, soft_wrap=True, markup=False, highlight=False)

    started = "first start" if facts.first else "started"
    line()
    line(f"wsportal is up ({started} in {seconds:.1f} s). Ctrl-C stops it.", "bold green")
    line()
    line("Where to click", "bold")
    secure, plain = f"https://{facts.name}:{facts.ports.portal_tls}", f"http://{facts.name}:{facts.ports.portal}"
    pages = {"Publisher": "/publisher", "Developer portal": "/devportal", "Administration": "/admin"}
    for label, path in (pages | {"REST API": "/api/v1/docs"}).items():
        line(f"  {label:<18}{secure + path:<44}{plain}{path}")
    gateway_path = facts.api_path or "/"
    line(
        f"  {'Gateway':<18}{f'wss://{facts.name}:{facts.ports.gateway_tls}{gateway_path}':<44}"
        f"ws://{facts.name}:{facts.ports.gateway}{gateway_path}"
    )
    line(f"  {'Demo backend':<18}ws://localhost:{facts.ports.demo}")
    if compiled.state().stale:
        line(compiled.state().stale, "yellow")
    elif compiled.state().compiled:
        line("  (The gateway's corridor runs compiled.)", "dim")
    line("  (The certificate is wsportal's own; a browser warns about it once.)", "dim")
    line()
    _show_people(facts, line)
    for number, (what, lines) in enumerate(commands(facts), 1):
        line(f"{number}. {what}", "bold")
        for command in lines:
            line(command, "cyan")
        line()


def _show_people(facts: Facts, line: Callable[..., None]) -> None:
    if not is_loopback(facts.host):
        line(f"wsportal listens on {facts.host}: others can reach it.", "bold yellow")
        if facts.people:
            line(f"Change these passwords first, they are the user names: {', '.join(facts.people)}", "bold yellow")
    elif facts.people:
        line("Who to be (the password is the user name)", "bold")
        for name, roles in facts.people.items():
            line(f"  {name:<18}{roles}")
    line()
