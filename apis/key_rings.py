"""What key managers are asked: for their signing keys, which are kept, asked for again and let go of; or about a token.

A key manager rotates its keys by publishing the new one before it signs with it, so keys are asked for again now and
then, and at once when a token names a key that is not known; that at most every AGAIN_S, whatever clients send. While a
key manager does not answer, its keys count on, for STALE_S at most. Thread-safe; only `refresh` waits for the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any, Final

from django.conf import settings

from apis.fetching import FetchFailed, fetch_json
from apis.foreign_tokens import Keys, Untrusted, keys_of
from apis.sealing import Unreadable, unseal
from apis.shapes_key_managers import SECRET

FRESH_S: Final = 300.0  # so long keys are used without asking again
STALE_S: Final = 3_600.0  # so long they count while nothing better can be had
AGAIN_S: Final = 10.0  # least time between two requests for the same keys
ASK_S: Final = 5.0  # for a question about a token


def fetch_keys(url: str) -> Keys:
    """The key set at `url`. Raises: FetchFailed, also for what is no key set or has no usable key."""
    try:
        keys = keys_of(fetch_json(url, settings.ALLOWED_UPSTREAM_NETWORKS))
    except Untrusted as problem:
        raise FetchFailed(str(problem)) from None
    if not keys.usable:
        raise FetchFailed(" ".join(["The key set holds no key that can be used.", *keys.problems[:3]]))
    return keys


class KeyRing:
    """The keys of one key manager.

    Args:
        fetch: asks for them; raises FetchFailed.
        fixed: the keys that were typed in, which are never asked for.
        clock: seconds that are never set.
    """

    def __init__(
        self, fetch: Callable[[], Keys], fixed: Keys | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._fetch = fetch
        self._fixed = fixed is not None
        self._clock = clock
        self._keys = fixed
        self._at = clock()
        self._asked_at = float("-inf")
        self._lock = Lock()
        self.problem = ""

    @property
    def keys(self) -> Keys | None:
        """What is known and still counts, or None."""
        if self._keys is None or self._fixed or self._clock() - self._at < STALE_S:
            return self._keys
        return None

    @property
    def is_old(self) -> bool:
        """Whether the keys should be asked for, although they may count still."""
        return not self._fixed and (self._keys is None or self._clock() - self._at >= FRESH_S)

    @property
    def may_ask(self) -> bool:
        """Whether the last request was long enough ago."""
        return not self._fixed and self._clock() - self._asked_at >= AGAIN_S

    def refresh(self) -> Keys:
        """Ask for the keys, unless somebody just did.

        Raises: FetchFailed, where there are none that count.
        """
        with self._lock:
            if self.may_ask:
                self._asked_at = self._clock()
                try:
                    self._keys, self._at, self.problem = self._fetch(), self._clock(), ""
                except FetchFailed as error:
                    self.problem = str(error)
        known = self.keys
        if known is None:
            raise FetchFailed(self.problem or "The keys of the key manager are not known.")
        return known


def ring_of(config: dict[str, Any]) -> KeyRing:
    """The ring of a key manager (shape: apis.shapes_key_managers)."""
    url = config["jwks_url"]
    fixed = keys_of(config["jwks"]) if config["jwks"] is not None else None
    return KeyRing(lambda: fetch_keys(url), fixed)


def introspect(config: Mapping[str, Any], token: str) -> Any:
    """What the key manager says about a token (RFC 7662).

    Args:
        config: shape: apis.shapes_key_managers.

    Raises: FetchFailed.
    """
    secret = config[SECRET]
    try:
        client = config["client_id"], unseal(secret) if secret else ""
    except Unreadable:
        raise FetchFailed("The client secret that is stored cannot be read any more; give it again.") from None
    return fetch_json(
        config["introspection_url"],
        settings.ALLOWED_UPSTREAM_NETWORKS,
        form={"token": token, "token_type_hint": "access_token"},
        client=client,
        deadline_s=ASK_S,
    )
