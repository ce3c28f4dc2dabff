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
    """One URL of an endpoint: its suspension, and the sessions and dials under way on it."""

    url: str
    suspension: Suspension
    sessions: int = 0


class EndpointState:
    """Chooses among the URLs of one endpoint.

    Args:
        config: the endpoint as it is configured now.
        before: the state under an earlier configuration; a URL that stays keeps its sessions, and its suspension if
            the policy is the same.
    """

    __slots__ = ("_turns", "config", "urls")

    def __init__(self, config: EndpointSnapshot, before: EndpointState | None = None) -> None:
        self.config: EndpointSnapshot = config
        old = {one.url: one for one in before.urls} if before else {}
        same_policy = before is not None and before.config.suspension == config.suspension
        self.urls: list[Url] = []
        for url, _ in config.urls:
            one = old.get(url) or Url(url, Suspension(config.suspension))
            if not same_policy:
                one.suspension = Suspension(config.suspension)
            self.urls.append(one)
        self._turns = STRATEGIES[config.strategy]([weight for _, weight in config.urls])

    def candidates(self, now: float) -> Iterator[Url]:
        """URLs to dial, the best first, without those that are left alone at `now`.

        Whoever takes one must tell its suspension how it went.

        Raises:
            Rejection: upstream_suspended, where all are left alone.
        """
        tried = False
        for index in self._turns.order([one.sessions for one in self.urls]):
            if self.urls[index].suspension.may_try(now):
                tried = True
                yield self.urls[index]
        if not tried:
            wait_s = min(one.suspension.wait_s(now) for one in self.urls)
            raise Rejection("upstream_suspended", headers=(("Retry-After", str(max(1, ceil(wait_s)))),))


class Endpoints:
    """The endpoints that this process has dialled, by API and key type."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], EndpointState] = {}

    def of(self, api_id: str, key_type: str, config: EndpointSnapshot) -> EndpointState:
        """The state of an endpoint, made anew where its configuration was changed."""
        state = self._states.get((api_id, key_type))
        if state is None or state.config != config:
            state = self._states[api_id, key_type] = EndpointState(config, state)
        return state

    def urls(self) -> Iterator[tuple[str, Url]]:
        """(API, URL) of every endpoint; from whatever thread."""
        for (api_id, _), state in list(self._states.items()):
            for url in state.urls:
                yield api_id, url

    def keep(self, api_ids: set[str]) -> None:
        """Forget APIs that are no longer deployed."""
        for key in [key for key in self._states if key[0] not in api_ids]:
            del self._states[key]
