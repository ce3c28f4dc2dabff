"""What this process remembers of the control plane, and how it forgets when something changes.

Handshakes ask here first; only what is not known is looked up, in a thread. A change is announced by the `changed`
signal in the process that wrote it (from whatever thread), and by the Change table in the others. An answer
is kept only if nothing changed while it was being looked up, so the handshake after a write never sees
what was before it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from oauth2_provider.models import AccessToken

from apis.services.record import announce
from apis.signals import changed
from gateway import conf, entitling, snapshots
from gateway.asking import Threads
from gateway.authenticators import AUTHENTICATORS
from gateway.core.credentials import Credential
from gateway.core.denying import DenyList
from gateway.core.matching import RoutingTable
from gateway.core.snapshot import Entitlement, Principal
from gateway.foreign import KIND, foreign_tokens

T = TypeVar("T")
Listener = Callable[[str, str], object]


class Answers(Generic[T]):
    """A bounded memory of positive answers; the oldest go first. Safe to forget from any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[Any, T] = OrderedDict()
        self._lock = threading.Lock()
        self.generation = 0

    def get(self, key: Any) -> T | None:
        """What is remembered, or None."""
        return self._known.get(key)

    def keep(self, key: Any, value: T, generation: int) -> None:
        """Remember an answer that was looked up since `generation`, unless something was forgotten meanwhile."""
        with self._lock:
            if generation == self.generation:
                self._known[key] = value
                while len(self._known) > self._size:
                    self._known.popitem(last=False)

    def forget(self, which: Callable[[T], bool]) -> None:
        """Forget what is `which`, and everything that is being looked up now."""
        with self._lock:
            self.generation += 1
            for key in [key for key, value in self._known.items() if which(value)]:
                del self._known[key]

    def drop(self, which: Callable[[T], bool]) -> None:
        """Let go of what is merely old: unlike `forget`, what is being looked up now stays true."""
        with self._lock:
            for key in [key for key, value in self._known.items() if which(value)]:
                del self._known[key]

    def values(self) -> list[T]:
        """Everything remembered."""
        with self._lock:
            return list(self._known.values())


class Memory:
    """Routing table, entitlements and principals of one process."""

    def __init__(self) -> None:
        self._threads = Threads()
        self._table: tuple[int, RoutingTable] | None = None
        self._table_generation = 0
        self._table_guard = threading.Lock()
        self._table_lock: asyncio.Lock | None = None
        self._denials: tuple[int, DenyList] | None = None
        self._denials_generation = 0
        self._denials_lock: asyncio.Lock | None = None
        self.entitlements: Answers[Entitlement] = Answers(conf.get("ENTITLEMENTS"))
        self.principals: Answers[tuple[float, Principal]] = Answers(conf.get("PRINCIPALS"))
        self.listeners: list[Listener] = []

    # -- asking -------------------------------------------------------------------------------------------------

    async def ask(self, query: Callable[..., T], *args: Any) -> T:
        """Run a database query in one of the gateway's own threads."""
        return await self._threads.ask(query, *args)

    def known_table(self) -> RoutingTable | None:
        """The routing table, if it is known and nothing has changed since."""
        if self._table is not None and self._table[0] == self._table_generation:
            return self._table[1]
        return None

    async def table(self) -> RoutingTable:
        """The routing table as it is now."""
        known = self.known_table()
        if known is not None:
            return known
        if self._table_lock is None:
            self._table_lock = asyncio.Lock()
        async with self._table_lock:
            known = self.known_table()
            if known is None:
                generation = self._table_generation
                known = await self.ask(snapshots.load_table, conf.get("ENVIRONMENT"))
                self._table = (generation, known)
            return known

    def known_denials(self) -> DenyList | None:
        """The deny policies, if they are known and nothing has changed since."""
        if self._denials is not None and self._denials[0] == self._denials_generation:
            return self._denials[1]
        return None

    async def denials(self) -> DenyList:
        """The deny policies as they are now."""
        if self._denials_lock is None:
            self._denials_lock = asyncio.Lock()
        async with self._denials_lock:  # those who come meanwhile wait for one answer
            known = self.known_denials()
            if known is None:
                generation = self._denials_generation
                known = await self.ask(snapshots.load_denials)
                self._denials = (generation, known)
            return known

    def known_principal(self, credential: Credential, now: float) -> Principal | None:
        """The principal of a credential that was looked up not long ago."""
        return self.known_by((credential.kind, credential.key), now)

    def known_by(self, credential: tuple[str, str], now: float) -> Principal | None:
        """The same, by kind and digest."""
        found = self.principals.get(credential)
        return found[1] if found is not None and now < found[0] else None

    def drop_old(self, now: float) -> None:
        """Let go of principals that nobody has looked up for long; each one costs a check at every tick."""
        self.principals.drop(lambda known: known[0] <= now)

    async def principal(
        self, credential: Credential, now: float, key_managers: frozenset[str] = frozenset()
    ) -> Principal | None:
        """The principal of a credential, or None where it is unknown, expired or revoked.

        Args:
            key_managers: those that may be asked about a token which says nothing by itself.

        Raises: Rejection, where a key manager does not answer.
        """
        generation = self.principals.generation
        if credential.kind == "oauth":
            found = await foreign_tokens.identify(self.ask, credential, key_managers)
        else:
            found = await self.ask(AUTHENTICATORS[credential.kind].find, credential.key)
        if found is not None:
            until = now + conf.get("PRINCIPAL_TTL_S")
            self.principals.keep((credential.kind, credential.key), (until, found), generation)
        return found

    def known_entitlement(self, application_id: str, api_id: str) -> Entitlement | None:
        """The subscription of an application to an API, if it is known."""
        return self.entitlements.get((application_id, api_id))

    async def entitlement(self, application_id: str, api_id: str) -> Entitlement | None:
        """The subscription of an application to an API, or None where there is none."""
        generation = self.entitlements.generation
        found = await self.ask(entitling.load_entitlement, application_id, api_id)
        if found is not None:
            self.entitlements.keep((application_id, api_id), found, generation)
        return found

    # -- forgetting ---------------------------------------------------------------------------------------------

    def changed(self, kind: str, subject: str) -> None:
        """Something was changed: forget what depends on it, then tell the listeners. From any thread."""
        forget = _FORGETS.get(kind)
        if forget is None:  # the portal is of a newer release, which knows more kinds
            self.forget_everything()
        else:
            forget(self, subject)
        for listener in [*self.listeners]:
            listener(kind, subject)

    def forget_table(self, _: str) -> None:
        with self._table_guard:
            self._table_generation += 1

    def forget_api(self, subject: str) -> None:
        """Its design, or the plans it offers."""
        self.forget_table("")
        self.entitlements.forget(lambda known: known.api_id == subject and known.kind != "subscription")

    def forget_everything(self) -> None:
        """Begin anew: nobody knows what was changed."""
        self.forget_table("")
        self.forget_denials("")
        self.entitlements.forget(lambda known: True)
        self.principals.forget(lambda known: True)
        foreign_tokens.managers.forget()

    def forget_key_manager(self, _: str) -> None:
        foreign_tokens.managers.forget()
        self.principals.forget(lambda known: known[1].kind == KIND)

    def forget_denials(self, _: str) -> None:
        with self._table_guard:
            self._denials_generation += 1

    def forget_nothing(self, _: str) -> None:
        """Commands to live sessions change nothing that is remembered."""

    def forget_subscription(self, subject: str) -> None:
        """A new one may take the place of what let an application in without one."""
        self.entitlements.forget(lambda known: known.subscription_id == subject or known.kind != "subscription")

    def forget_plan(self, subject: str) -> None:
        """Its limits; or it needs no subscription any more, or now does."""
        self.entitlements.forget(
            lambda known: (
                subject in {known.business_plan.plan_id, known.application_plan.plan_id} or known.kind != "subscription"
            )
        )

    def forget_application(self, subject: str) -> None:
        self.entitlements.forget(lambda known: known.application_id == subject)
        self.principals.forget(lambda known: known[1].application_id == subject)

    def forget_person(self, subject: str) -> None:
        self.entitlements.forget(lambda known: known.owner_id == subject)
        self.principals.forget(lambda known: known[1].end_user == subject)

    def forget_token(self, subject: str) -> None:
        self.principals.forget(lambda known: known[1].token_id == subject)


_FORGETS: Final[dict[str, Callable[[Memory, str], None]]] = {
    "api": Memory.forget_api,
    "subscription": Memory.forget_subscription,
    "plan": Memory.forget_plan,
    "application": Memory.forget_application,
    "person": Memory.forget_person,
    "token": Memory.forget_token,
    "key_manager": Memory.forget_key_manager,
    "deny": Memory.forget_denials,
    "api_plan": Memory.forget_table,
    "custom_plan": Memory.forget_table,
    "command": Memory.forget_nothing,
    "watch": Memory.forget_nothing,
}

memory: Final = Memory()


def _changed(sender: Any, kind: str, subject: str, **_: Any) -> None:
    memory.changed(kind, subject)


def _token_gone(sender: Any, instance: Any, **_: Any) -> None:
    """A token was deleted through the ORM, wherever: the other processes hear of it, too."""
    announce("token", instance.pk)


def _token_saved(sender: Any, instance: Any, created: bool, **_: Any) -> None:
    if not created:
        subject = str(instance.pk)
        transaction.on_commit(lambda: memory.changed("token", subject))


def listen() -> None:
    """Hear what this process writes. Called once the apps are loaded."""
    changed.connect(_changed, dispatch_uid="gateway.memory.changed")
    post_delete.connect(_token_gone, sender=AccessToken, dispatch_uid="gateway.memory.token_gone")
    post_save.connect(_token_saved, sender=AccessToken, dispatch_uid="gateway.memory.token_saved")
