"""The live side of an endpoint: whose turn it is, which URLs are left alone, and how many sessions each has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from gateway.core.balancing import STRATEGIES
from gateway.core.rejections import Rejection
from gateway.core.snapshot import EndpointSnapshot
from gateway.core.suspension import Suspension


@dataclass(slots=True)
class Url:
    """One URL of an endpoint: its suspension, and the sessions and dials under way on it.

    `error` is the word of the last failure (`gateway.core.suspension`), "" after a success.
    """

    url: str
    suspension: Suspension
    sessions: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """How a URL is at a moment: its state, what counted against it, and for how long it is left alone.

    Attributes:
        paused_until: by the clock that `Endpoints.health` was asked with; 0 while active.
    """

    api_id: str
    key_type: str
    url: str
    state: str
    failures: int
    paused_until: float
    error: str
    sessions: int


class EndpointState:
    """Chooses among the URLs of one endpoint.

    Args:
        config: the endpoint as it is configured now.
        before: the state under an earlier configuration; a URL that stays keeps its sessions, and its suspension if
            the policy is the same.
    """

    __slots__ = ("_turns", "config", "targets", "urls")

    def __init__(self, config: EndpointSnapshot, before: EndpointState | None = None) -> None:
        self.config: EndpointSnapshot = config
        old = {one.url: one for one in before.all()} if before else {}
        same_policy = before is not None and before.config.suspension == config.suspension
        chosen = [url for _, url in config.dynamic.targets] if config.dynamic is not None else []
        for url in [*[url for url, _ in config.urls], *chosen]:
            one = old.setdefault(url, Url(url, Suspension(config.suspension)))
            if not same_policy:
                one.suspension = Suspension(config.suspension)
        self.urls: list[Url] = [old[url] for url, _ in config.urls]
        self.targets: dict[str, Url] = {url: old[url] for url in chosen}
        self._turns = STRATEGIES[config.strategy]([weight for _, weight in config.urls])

    def all(self) -> Iterator[Url]:
        """Every URL, those that only a value leads to included, each once."""
        yield from {one.url: one for one in (*self.urls, *self.targets.values())}.values()

    def candidates(self, now: float, target: str | None = None) -> Iterator[Url]:
        """URLs to dial, the best first, without those that are left alone at `now`.

        Whoever takes one must tell its suspension how it went.

        Args:
            target: what a dynamic endpoint chose; then there is no other candidate, since a value may stand for a
                tenant whose traffic must not go elsewhere.

        Raises:
            Rejection: upstream_suspended, where all are left alone.
        """
        tried = False
        if target is not None:
            urls = [self.targets[target]]
        elif len(self.urls) == 1:
            urls = self.urls
        else:
            urls = [self.urls[index] for index in self._turns.order([one.sessions for one in self.urls])]
        for url in urls:
            if url.suspension.may_try(now):
                tried = True
                yield url
        if not tried:
            wait_s = min(one.suspension.wait_s(now) for one in urls)
            raise Rejection("upstream_suspended", headers=(("Retry-After", str(max(1, ceil(wait_s)))),))


class Endpoints:
    """The endpoints that this process has dialled, by API and key type."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], EndpointState] = {}

    def of(self, api_id: str, key_type: str, config: EndpointSnapshot) -> EndpointState:
        """The state of an endpoint, made anew where its configuration was changed."""
        state = self._states.get((api_id, key_type))
        if state is None or (state.config is not config and state.config != config):
            state = self._states[api_id, key_type] = EndpointState(config, state)
        return state

    def urls(self) -> Iterator[tuple[str, Url]]:
        """(API, URL) of every endpoint; from whatever thread."""
        for (api_id, _), state in list(self._states.items()):
            for url in state.all():
                yield api_id, url

    def health(self, now: float) -> list[Health]:
        """Every URL of every endpoint that this process has dialled, as it is at `now`; from whatever thread."""
        return [
            Health(
                api_id,
                key_type,
                url.url,
                url.suspension.state(now),
                url.suspension.failures,
                url.suspension.paused_until,
                url.error,
                url.sessions,
            )
            for (api_id, key_type), state in list(self._states.items())
            for url in state.all()
        ]

    def keep(self, api_ids: set[str]) -> None:
        """Forget APIs that are no longer deployed."""
        for key in [key for key in self._states if key[0] not in api_ids]:
            del self._states[key]
