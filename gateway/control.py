"""Live control: what changes in the control plane reaches the sessions that are already connected.

A ticker looks at what other processes changed and which tokens are still valid: two queries for all sessions together.
A change that this process made wakes it at once. Affected sessions only are judged again, and closed with the code
of CONTRACT section 6 where they may not go on. Without a database everybody connected goes on as they were.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Final

import structlog

from gateway import commands, conf, entitling, leveling, snapshots, tickets
from gateway.api_keys import uses
from gateway.authenticators import AUTHENTICATORS
from gateway.core.denying import DenyList
from gateway.core.identifying import every_scope, still_welcome
from gateway.core.matching import RoutingTable
from gateway.core.rejections import FORBIDDEN, POLICY, RESTARTING, TOKEN_DEAD, close_reason
from gateway.core.session import Session
from gateway.core.snapshot import BLOCKED, FREE, TEST_KEY, UNSUBSCRIBED_STATES, Principal
from gateway.directory import Directory
from gateway.memory import Memory
from gateway.registry import REASONS, Facet, Registry
from gateway.taps import Taps

log = structlog.get_logger("gateway")

REMEMBERED: Final = 1_000  # tokens without a session that are looked at in one tick, in turn
TIDY_S: Final = 60.0
USES_S: Final = 3.0  # between two times that it is written when API keys were used last
GAP_S: Final = 300.0  # half of what snapshots.prune_changes leaves
ENDPOINT_CHANGED: Final = close_reason("endpoint_changed")
TokenIds = dict[str, list[str]]  # kind of credential -> ids
Validity = Mapping[str, Mapping[str, float | None]]  # kind of credential -> id -> expiry of those that are valid
GONE: Final = -1.0  # instead of an expiry: it is not valid


class Control:
    """The ticker of one process.

    Args:
        directory, taps: what is told when somebody looks at sessions of this process, or at their frames.
    """

    def __init__(
        self, memory: Memory, registry: Registry, directory: Directory | None = None, taps: Taps | None = None
    ) -> None:
        self.memory = memory
        self.registry = registry
        self.directory = directory
        self.taps = taps
        self._obeyed: deque[str] = deque(maxlen=REMEMBERED)
        self._outbox = snapshots.Outbox()
        self._pending: deque[Facet] = deque()
        self._wake = asyncio.Event()
        self.wake_up = self._wake.set  # in the event loop: look now, not at the next tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = 0
        self._tidy_at = float("-inf")
        self._uses_at = float("-inf")
        self._looked_at = float("-inf")
        self._away = False

    async def run(self) -> None:
        """Tick until cancelled."""
        self._loop = asyncio.get_running_loop()
        self.memory.listeners.append(self.look_at)
        try:
            while True:
                await self._tick_safely()
                try:
                    await asyncio.wait_for(self._wake.wait(), conf.get("TICK_S"))
                except TimeoutError:
                    pass
                self._wake.clear()
        finally:
            self.memory.listeners.remove(self.look_at)

    def look_at(self, kind: str, subject: str) -> None:
        """Judge soon what depends on this; from whatever thread."""
        self._pending.append((kind, subject))
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has just been closed: there is nobody left to judge
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _tick_safely(self) -> None:
        try:
            await self.tick()
        except Exception as error:
            # Whatever it is, live sessions must go on and the next tick may do better; it is told once.
            if not self._away:
                self._away = True
                log.exception("live_control_suspended", error=type(error).__name__)
            return
        if self._away:
            self._away = False
            log.warning("live_control_resumed")

    async def tick(self) -> None:
        """Look once, and act on what is found."""
        self.registry.look_at_the_clock()
        tokens = self._tokens_in_use()
        asked_at = self.registry.monotonic()
        changes, valid = await self.memory.ask(self._look, tokens)
        if asked_at - self._looked_at > GAP_S or self.registry.clock_was_set:
            self.registry.clock_was_set = False
            self._begin_anew()
        self._looked_at = asked_at
        for kind, subject in changes:
            self.memory.changed(kind, subject)  # comes back through look_at
        await self._obey()
        self._judge_remembered(tokens, valid)
        await self._tidy()
        await self._judge_tokens(tokens, valid)
        taken = [self._pending.popleft() for _ in range(len(self._pending))]
        try:
            await self._judge(taken)
        except BaseException:
            self._pending.extendleft(reversed(taken))
            raise

    def _begin_anew(self) -> None:
        """The first look, or one after so long that changes may be gone unseen: trust nothing that is remembered."""
        self.memory.forget_everything()
        self._pending.append(("deny", ""))
        for session in self.registry.sessions.values():
            self._pending.append(("api", session.api_id))
            self._pending.append(("subscription", session.entitlement.subscription_id))

    async def _tidy(self) -> None:
        """Now and then, let go of what has no use any more."""
        now = self.registry.monotonic()
        if uses and now >= self._uses_at:
            self._uses_at = now + USES_S
            await self.memory.ask(uses.write)
        if now < self._tidy_at:
            return
        self._tidy_at = now + TIDY_S
        self.memory.drop_old(self.registry.clock())
        self.registry.endpoints.keep(set((await self.memory.table()).by_id))
        await self.memory.ask(tickets.prune)
        await self.memory.ask(snapshots.prune_changes)

    def _look(self, tokens: TokenIds) -> tuple[list[Facet], Validity]:
        """In a thread: the changes of everybody, and which of these tokens are valid."""
        valid = {kind: AUTHENTICATORS[kind].alive(ids) for kind, ids in tokens.items()}
        return self._outbox.read(), valid  # last: what was read once is not read again, so nothing may fail after it

    async def _obey(self) -> None:
        """Do what was commanded, before tokens are judged: one that was renewed must not die with its old token."""
        ids = {subject for kind, subject in self._pending if kind == "command"} - set(self._obeyed)
        if ids:
            found = await self.memory.ask(commands.load, ids, self.registry.sessions)
            self._obeyed.extend(ids)
            renewed = await commands.obey(self.registry, found)
            await self._judge_renewed(renewed)

    # -- tokens -------------------------------------------------------------------------------------------------

    def _tokens_in_use(self) -> TokenIds:
        """Ids of the tokens of live sessions, and of some that are only remembered."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for session in self.registry.sessions.values():
            if session.principal.token_id:  # not anonymous
                found[session.principal.kind][session.principal.token_id] = None
        remembered = self.memory.principals.values()
        if self._turn >= len(remembered):
            self._turn = 0
        for _, principal in islice(remembered, self._turn, self._turn + REMEMBERED):
            found[principal.kind][principal.token_id] = None
        self._turn += REMEMBERED
        return {kind: list(ids) for kind, ids in found.items()}

    def _judge_remembered(self, tokens: TokenIds, valid: Validity) -> None:
        """A token that is gone, or expires at another time than it did, is looked up again."""
        until = {token_id: valid[kind].get(token_id, GONE) for kind, ids in tokens.items() for token_id in ids}

        def changed(known: tuple[float, Principal]) -> bool:
            principal = known[1]
            return principal.token_id in until and until[principal.token_id] != principal.expires_at

        if any(changed(known) for known in self.memory.principals.values()):
            self.memory.principals.forget(changed)

    async def _judge_tokens(self, tokens: TokenIds, valid: Validity) -> None:
        dead: list[Session] = []
        for kind, ids in tokens.items():
            for token_id in ids:
                expires_at = valid[kind].get(token_id, GONE)
                for session in self.registry.find("token", token_id):
                    if expires_at == GONE:
                        dead.append(session)
                    elif session.principal.expires_at != expires_at:
                        session.principal = replace(session.principal, expires_at=expires_at)
                        self.registry.set_deadlines(session)
        await self._close(dead, TOKEN_DEAD)

    # -- everything else ----------------------------------------------------------------------------------------

    async def _judge(self, changes: Iterable[Facet]) -> None:
        """Judge again what depends on these changes."""
        kinds: dict[str, set[str]] = defaultdict(set)
        for kind, subject in changes:
            kinds[kind].add(subject)
        for subject in kinds.pop("api", ()):
            await self._judge_api(self.registry.find("api", subject), await self.memory.table())
        if kinds.keys() & {"api_plan", "custom_plan"}:
            leveling.relevel(self.registry, await self.memory.table(), self.registry.sessions.values())
        if "deny" in kinds:
            await self._judge_denied(list(self.registry.sessions.values()))
        for subject in kinds.get("watch", ()):
            if self.directory is not None and self.taps is not None and subject == str(self.directory.process_id):
                await self.directory.look()
                await self.taps.look(self.directory.process_id)
        affected: dict[Session, None] = {}
        if "subscription" in kinds:  # a new one may concern those who came in without any
            affected.update((one, None) for one in self.registry.sessions.values() if one.entitlement.kind == FREE)
        for kind in ("subscription", "plan", "application", "person"):
            for subject in kinds.get(kind, ()):
                affected.update(dict.fromkeys(self.registry.find(kind, subject)))
        await self._judge_entitlements(list(affected))

    async def _judge_api(self, sessions: list[Session], table: RoutingTable) -> None:
        """An API was changed: these are its sessions."""
        gone: list[Session] = []
        unsubscribed: list[Session] = []
        moved: list[Session] = []
        for session in sessions:
            api = table.by_id.get(session.api_id)
            if api is None or api.state == BLOCKED or session.principal.key_type not in api.endpoints:
                gone.append(session)
            elif api.state in UNSUBSCRIBED_STATES and session.principal.kind != TEST_KEY:
                unsubscribed.append(session)
            elif not api.endpoints[session.principal.key_type].leads_to(session.upstream):
                moved.append(session)
            else:
                runtime = api.runtime_for(session.principal.key_type)
                if runtime != session.runtime and not session.over:
                    self.registry.govern(session, runtime)
                if session.principal.kind == TEST_KEY:  # it may do whatever the topics of now ask for
                    session.principal = replace(session.principal, scopes=every_scope(api))
                route = table.find_topic(api, session.asked)
                if route is None:
                    gone.append(session)
                elif not still_welcome(api, route.topic, session.principal, session.origin) or (
                    route.topic != session.topic and not session.permit(route.topic)
                ):
                    unsubscribed.append(session)
        leveling.relevel(self.registry, table, sessions)
        await self._judge_entitlements([one for one in sessions if one.entitlement.kind != "subscription"])
        await self._close(gone, POLICY)
        await self._close(unsubscribed, FORBIDDEN)
        await commands.close(moved, RESTARTING, ENDPOINT_CHANGED)

    async def _judge_renewed(self, sessions: list[Session]) -> None:
        """They have another token: may they stay with it?"""
        if sessions:
            await self._close([one for one in sessions if not one.permit()], FORBIDDEN)
            await self._judge_api(sessions, await self.memory.table())

    async def _judge_denied(self, sessions: list[Session]) -> None:
        """The deny policies are others now."""
        denials, now = await self.memory.denials(), self.registry.clock()
        await self._close([session for session in sessions if denies(denials, session, now)], FORBIDDEN)

    async def _judge_entitlements(self, sessions: list[Session]) -> None:
        """Subscriptions, plans, applications or people were changed: close, or go on under the new terms."""
        if not sessions:
            return
        table = await self.memory.table()
        now = await self.memory.ask(entitling.load_again, [(one.entitlement, one.client) for one in sessions])
        forbidden: list[Session] = []
        for session in sessions:
            entitlement = now.get(session.entitlement.subscription_id)
            if entitlement is None or entitlement.blocked_for(session.principal.key_type):
                forbidden.append(session)
            else:
                leveling.go_on_under(self.registry, table, session, entitlement)
        await self._close(forbidden, FORBIDDEN)

    async def _close(self, sessions: list[Session], code: int) -> None:
        await commands.close(sessions, code, REASONS[code])


def denies(denials: DenyList, session: Session, now: float) -> bool:
    """Whether a deny policy meets this session at `now` (epoch seconds)."""
    application_id, person = session.entitlement.application_id, session.principal.end_user
    return denials.find(session.api_id, application_id, person, session.client, now) is not None
