"""Access tokens that key managers outside of this product have issued, as credentials of the gateway.

A token with an issuer that is an enabled key manager's is that one's; any other is asked about only at those
introspection endpoints that the API itself names. What a token says is remembered by its digest until it expires (or
for REASK_S, where another server said it), so a handshake costs one query at most, and none when the principal is
known. The token itself is kept in memory only where its key manager must be asked about it again, and never written.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, Final, TypeVar

import structlog

from apis.foreign_tokens import Granted, Keys, Untrusted, read_issuer
from apis.models import MappedKey
from gateway.authenticators import AUTHENTICATORS, chunks
from gateway.core.credentials import Credential
from gateway.core.foreign_ids import DIGEST, TokenId, person_of
from gateway.core.rejections import Rejection
from gateway.core.snapshot import Principal
from gateway.key_managers import Manager, ManagerCache, Managers, seconds

log = structlog.get_logger("gateway")

K = TypeVar("K")
V = TypeVar("V")
Ask = Callable[..., Awaitable[Any]]

KIND: Final = "jwt"
WRONG: Final = Granted("", "", frozenset(), 0.0)  # of a token that does not count
REMEMBERED: Final = 20_000  # tokens, right and wrong ones each
REFUSED_S: Final = 5.0  # so long a token that does not count is refused without another look
REASK_S: Final = 10.0  # least time between two questions about the same token
UNANSWERED_S: Final = 300.0  # so long a token counts on while its key manager does not answer
UNUSED_S: Final = 90.0  # a token that no session uses is let go of
TIDY_S: Final = 10.0
THREADS: Final = 8


@dataclass(eq=False)
class Watched:
    """A token that its key manager is asked about again, as long as somebody uses it."""

    manager: Manager
    token: str = field(repr=False)
    expires_at: float
    asked_at: float
    wanted_at: float
    under_way: bool = False
    dead: bool = False


class ForeignTokens:
    """The authenticator of kind "jwt" (`gateway.authenticators.Authenticator`).

    Args:
        now: epoch seconds.
    """

    def __init__(self, now: Callable[[], float] = seconds) -> None:
        self.managers = ManagerCache()
        self._now = now
        self._lock = Lock()
        self._right: OrderedDict[str, tuple[Manager, Keys | None, Granted]] = OrderedDict()
        self._wrong: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._watched: OrderedDict[str, Watched] = OrderedDict()  # by the digest as far as a token id holds it
        self._tidied_at = float("-inf")
        self._threads = ThreadPoolExecutor(THREADS, "gateway-keys")

    # -- handshakes ---------------------------------------------------------------------------------------------

    def issuer_of(self, token: str, managers: Managers) -> Manager | None:
        """The key manager that a token says it comes from, or None: then it is no JWT, or of nobody known here."""
        issuer = read_issuer(token)
        return managers.by_issuer.get(issuer) if issuer else None

    async def identify(self, ask: Ask, credential: Credential, names: frozenset[str]) -> Principal | None:
        """The principal of a Bearer token, of whichever key manager: the built-in one is asked first where the token
        names no other.

        Args:
            ask: runs a database query in a thread.
            names: the key managers that the API names.

        Raises: Rejection, where it cannot be found out.
        """
        managers = self.managers.known() or await ask(self.managers.load)
        named = self.issuer_of(credential.token, managers)
        if named is None:
            found: Principal | None = await ask(AUTHENTICATORS["oauth"].find, credential.key)
            if found is not None:
                return found
        for manager in [named] if named is not None else managers.asked_about(names):
            at_once = self.check_at_once(manager, credential.token)
            if at_once is None:
                loop = asyncio.get_running_loop()
                at_once = await loop.run_in_executor(self._threads, self.check, manager, credential.token)
            if at_once is not WRONG:
                return await ask(self.principal, manager, credential.token, at_once, named is None)
        return None

    def check_at_once(self, manager: Manager, token: str) -> Granted | None:
        """What a token says, WRONG where it does not count, or None where the key manager must be asked."""
        digest, now = sha256(token.encode()).hexdigest(), self._now()
        known = self._remembered(manager, digest, now)
        if known is not None:
            return known
        if self._wrong.get((digest, manager.key), 0.0) > now:
            return WRONG
        return self._settled(manager, token, digest, manager.known)

    def check(self, manager: Manager, token: str) -> Granted:
        """What a token says, or WRONG where it does not count. It may wait for the key manager.

        Raises: Rejection, where it cannot be found out.
        """
        granted = self.check_at_once(manager, token)
        if granted is None:
            granted = self._settled(manager, token, sha256(token.encode()).hexdigest(), manager.ask)
        return granted or WRONG

    def _settled(
        self, manager: Manager, token: str, digest: str, judge: Callable[[str, float], Granted | None]
    ) -> Granted | None:
        """What `judge` says, remembered."""
        now = self._now()
        try:
            granted = judge(token, now)
        except Untrusted as reason:
            log.info("foreign_token_refused", key_manager=manager.name, reason=str(reason))
            self._keep(self._wrong, (digest, manager.key), now + REFUSED_S)
            return WRONG
        if granted is None:
            return None
        self._keep(self._right, digest, (manager, manager.keys, granted))
        if manager.ring is None:
            self._let_go()
            self._keep(self._watched, digest[:DIGEST], Watched(manager, token, granted.expires_at, now, now))
        elif manager.ring.is_old and manager.ring.may_ask:
            self._threads.submit(manager.refresh)
        return granted

    def _remembered(self, manager: Manager, digest: str, now: float) -> Granted | None:
        """What a token said not long ago, if it counts still."""
        manager_then, keys, granted = self._right.get(digest, (None, None, WRONG))
        if manager_then is not manager or keys is not manager.keys or granted.expires_at <= now:
            return None  # by other keys it may count no longer: one of them may have been withdrawn
        if manager.introspects:
            watched = self._watched.get(digest[:DIGEST])
            if watched is None or watched.dead or now - watched.asked_at > REASK_S:
                return None
        return granted

    def _keep(self, store: OrderedDict[K, V], key: K, value: V) -> None:
        with self._lock:
            store[key] = value
            while len(store) > REMEMBERED:
                store.popitem(last=False)

    def principal(self, manager: Manager, token: str, granted: Granted, only_named: bool) -> Principal | None:
        """Whose the client is: the application it is mapped to, or None. One query.

        Args:
            only_named: whether the key manager was asked because the API names it.
        """
        digest = sha256(token.encode()).hexdigest()
        rows = MappedKey.objects.select_related("application").filter(
            key_manager__pk=manager.key,
            key_manager__enabled=True,
            consumer_key=granted.consumer_key,
            application__owner__is_active=True,
        )
        mapped = rows.first()
        if mapped is None:
            return None
        expires_ms = int(granted.expires_at * 1000)
        return Principal(
            kind=KIND,
            token_key=digest,
            token_id=str(TokenId(manager.introspects, str(mapped.pk), manager.version, expires_ms, digest)),
            application_id=str(mapped.application_id),
            key_type=mapped.key_type,
            end_user=person_of(manager.name, granted.subject) or str(mapped.application.owner_id),
            scopes=granted.scopes,
            expires_at=expires_ms / 1000,
            claims=granted.claims,
            key_manager=manager.name,
            only_named=only_named,
            resources=granted.resources,
        )

    def find_token(self, token: str, names: Iterable[str] = ()) -> Principal | None:
        """The principal of a token by whatever key manager it is of; for requests over HTTP. It may wait.

        Args:
            names: the key managers that an API names.

        Raises: Rejection, where it cannot be found out.
        """
        managers = self.managers.load()  # nobody tells a portal's process what others changed
        named = self.issuer_of(token, managers)
        for manager in [named] if named is not None else managers.asked_about(names):
            granted = self.check(manager, token)
            if granted is not WRONG:
                return self.principal(manager, token, granted, named is None)
        return None

    def find(self, key: str) -> Principal | None:
        """Nothing: what these tokens say cannot be told from a digest."""
        return None

    # -- live sessions ------------------------------------------------------------------------------------------

    def alive(self, token_ids: Iterable[str]) -> dict[str, float]:
        """Those whose client still belongs to its application, whose key manager has the same terms as then and, where
        it has to be asked, said so not long ago. One query for CHUNK of the mappings."""
        ids = {text: TokenId.read(text) for text in token_ids}
        versions: dict[str, int] = {}
        for chunk in chunks({one.mapping for one in ids.values()}):
            rows = MappedKey.objects.filter(
                pk__in=chunk, key_manager__enabled=True, application__owner__is_active=True
            ).values_list("pk", "key_manager__terms")
            versions.update((str(pk), version) for pk, version in rows)
        found = {text: one.expires_ms / 1000 for text, one in ids.items() if versions.get(one.mapping) == one.version}
        for text, one in ids.items():
            watched = self._watched.get(one.digest) if one.asked else None
            if watched is not None and text in found:
                if self._still(watched):
                    found[text] = int(watched.expires_at * 1000) / 1000
                else:
                    del found[text]
        self._let_go()
        return found

    def watch(self, name: str, token: str, expires_at: float) -> None:
        """A session of this process has a token that another one was shown: ask the key manager about it again."""
        manager = self.managers.load().by_name.get(name)
        digest, now = sha256(token.encode()).hexdigest()[:DIGEST], self._now()
        if manager is not None and manager.introspects and digest not in self._watched:
            self._keep(self._watched, digest, Watched(manager, token, expires_at, now - REASK_S, now))

    def _still(self, watched: Watched) -> bool:
        """Whether a token counts, by the last answer; ask again where that is old."""
        now = self._now()
        watched.wanted_at = now
        if watched.dead or now - watched.asked_at > UNANSWERED_S:
            return False
        if now - watched.asked_at >= REASK_S and not watched.under_way:
            watched.under_way = True
            self._threads.submit(self._ask_again, watched)
        return True

    def _ask_again(self, watched: Watched) -> None:
        """In a thread: what does the key manager say now?"""
        try:
            granted = watched.manager.ask(watched.token, self._now())
        except Untrusted:
            watched.dead = True
        except Rejection:
            pass  # it does not answer; that is said in the log, and counts on for a while
        else:
            watched.asked_at, watched.expires_at = self._now(), granted.expires_at
        finally:
            watched.under_way = False

    def _let_go(self) -> None:
        """Now and then, forget the tokens that nobody uses."""
        now = self._now()
        if now - self._tidied_at < TIDY_S:
            return
        self._tidied_at = now
        with self._lock:
            for key in [key for key, watched in self._watched.items() if now - watched.wanted_at > UNUSED_S]:
                del self._watched[key]


foreign_tokens: Final = ForeignTokens()
AUTHENTICATORS[KIND] = foreign_tokens
