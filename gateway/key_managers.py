"""Key managers as the gateway asks them: by their published keys, or by introspection.

Everything here may be called from any thread, and what waits for the network does so in the thread that calls it. A
key manager that hangs holds few threads: those that wait for it are counted, and after a failure it is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from time import monotonic, time
from typing import Any, Final

import structlog

from apis.fetching import FetchFailed
from apis.foreign_tokens import Granted, Keys, Terms, UnknownKey, judge_answer, verify
from apis.key_rings import KeyRing, introspect, ring_of
from apis.models import KeyManager
from apis.shapes_key_managers import INTROSPECTION, terms_of
from gateway.core.rejections import Rejection

log = structlog.get_logger("gateway")

WAITING_LIMIT: Final = 3  # threads that wait for one key manager at a time
WAIT_S: Final = 3.0  # for one of those places
REST_S: Final = 5.0  # a key manager that failed is not asked again so long
NO_EXPIRY_S: Final = 3_600.0  # for how long an introspected token without `exp` counts before it is asked about again


def unavailable() -> Rejection:
    """Whether the token counts cannot be found out: that is no fault of the token's."""
    return Rejection("overloaded", "The key manager of this token cannot be asked at the moment.")


@dataclass(eq=False)
class Manager:
    """One enabled key manager under its present terms.

    Attributes:
        version: which of its terms these are (`KeyManager.terms`).
        ring: its keys, or None where it is asked about each token.
    """

    key: str
    name: str
    version: int
    terms: Terms
    config: dict[str, Any] = field(repr=False)
    ring: KeyRing | None
    clock: Callable[[], float] = monotonic
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WAITING_LIMIT), repr=False)
    _rests_until: float = float("-inf")

    @property
    def introspects(self) -> bool:
        return self.ring is None

    @property
    def keys(self) -> Keys | None:
        """The keys at hand, if there are some that count."""
        return self.ring.keys if self.ring is not None else None

    def known(self, token: str, now: float) -> Granted | None:
        """What the token says, if that can be told with the keys at hand; None where the key manager must be asked.

        Raises: Untrusted.
        """
        keys = self.keys
        if self.ring is None or keys is None:
            return None
        try:
            return verify(token, self.terms, keys, now)
        except UnknownKey:
            if self.ring.may_ask:
                return None
            raise

    def ask(self, token: str, now: float) -> Granted:
        """Ask the key manager for its keys or about the token, then say what the token says. It may wait.

        Raises: Untrusted; Rejection, where it cannot be asked.
        """
        if self.ring is not None:
            return verify(token, self.terms, self._asked(self.ring.refresh), now)
        return judge_answer(self._asked(lambda: introspect(self.config, token)), self.terms, now, NO_EXPIRY_S)

    def refresh(self) -> None:
        """Ask for the keys again, in the background: those at hand count on meanwhile."""
        if self.ring is not None and self.ring.may_ask:
            try:
                self._asked(self.ring.refresh)
            except Rejection:
                pass  # said in the log

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Raises: Rejection, where there is no answer, or too many wait for one."""
        if self.clock() < self._rests_until or not self._places.acquire(timeout=WAIT_S):
            raise unavailable()
        try:
            return ask()
        except FetchFailed as error:
            self._rests_until = self.clock() + REST_S
            log.warning("key_manager_failed", key_manager=self.name, problem=str(error))
            raise unavailable() from None
        finally:
            self._places.release()


@dataclass(frozen=True, slots=True)
class Managers:
    """The enabled key managers, by what a token or an API says of them."""

    by_issuer: dict[str, Manager]
    by_name: dict[str, Manager]

    def asked_about(self, names: Iterable[str]) -> list[Manager]:
        """Those of `names` that can be asked about a token that says nothing by itself, in order."""
        found = [self.by_name[name] for name in sorted(names) if name in self.by_name]
        return [manager for manager in found if manager.introspects]


class ManagerCache:
    """The key managers of this process, read again when one was changed; keys are kept as long as the terms are."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._generation = 0
        self._known: tuple[int, Managers] | None = None
        self._kept: dict[tuple[str, int], Manager] = {}

    def known(self) -> Managers | None:
        """What was read, if nothing was changed since."""
        known = self._known
        return known[1] if known is not None and known[0] == self._generation else None

    def forget(self) -> None:
        """A key manager was changed. From any thread."""
        with self._lock:
            self._generation += 1

    def load(self) -> Managers:
        """The key managers as they are now. One query."""
        generation = self._generation
        rows = list(KeyManager.objects.filter(enabled=True))
        with self._lock:
            found = [self._manager(row) for row in rows]
            self._kept = {(manager.key, manager.version): manager for manager in found}
            managers = Managers(
                by_issuer={manager.terms.issuer: manager for manager in found if manager.terms.issuer},
                by_name={manager.name: manager for manager in found},
            )
            self._known = (generation, managers)
        return managers

    def _manager(self, row: KeyManager) -> Manager:
        key = str(row.pk)
        kept = self._kept.get((key, row.terms))
        if kept is not None:
            kept.name = row.name
            return kept
        ring = None if row.validation == INTROSPECTION else ring_of(row.config)
        return Manager(key, row.name, row.terms, terms_of(row.issuer, row.config), row.config, ring)


def seconds() -> float:
    """Epoch seconds: what a token's times are compared with."""
    return time()
