"""How far somebody has come from an API's page to an open connection: 1 Application 2 Subscribe 3 Keys 4 Connect."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

from apis import selectors
from apis.errors import Forbidden
from apis.lifecycle import LABELS, State
from apis.models import Api, Application, KeyPair, Subscription
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_pages import applications_at, subscriptions_at
from apis.selectors_plans import plans_open_to
from apis.words import phrase


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist. `state` is "done", "waiting" (for somebody else), "now" or "later"."""

    number: int
    title: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one person has on one API.

    Attributes:
        actor: None for somebody who has not signed in.
        obstacle: why this person cannot subscribe at all, as a sentence, or "".
        closed: why the API takes no new subscriptions, as a sentence, or "".
        applications: the person's own.
        subscriptions: theirs to this API.
        chosen: the application that the checklist and the commands are about.
        pairs: the chosen application's keys by key type.
        keys_only: whether the API accepts API keys and no tokens; `api_key`: the end of one that the chosen
            application has, or "".
        free_plan: the plan under which any application may use the API without a subscription, or "".
    """

    actor: Actor | None = None
    obstacle: str = ""
    closed: str = ""
    applications: list[Application] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    chosen: Application | None = None
    pairs: dict[str, KeyPair] = field(default_factory=dict)
    keys_only: bool = False
    api_key: str = ""
    free_plan: str = ""

    @property
    def subscription(self) -> Subscription | None:
        """The chosen application's subscription to this API, or its request for one; not one that was rejected."""
        return next((row for row in self._asked if row.application == self.chosen), None)

    @property
    def _asked(self) -> list[Subscription]:
        return [row for row in self.subscriptions if row.state != Subscription.State.REJECTED]

    @property
    def waits(self) -> bool:
        """Whether an administrator has to approve the chosen application's subscription before it may connect."""
        return self.subscription is not None and not self.subscription.has_right and not self.free_plan

    @property
    def unsubscribed(self) -> list[Application]:
        """Applications that can still be subscribed, the chosen one first."""
        taken = {row.application_id for row in self._asked}
        free = [application for application in self.applications if application.pk not in taken]
        return sorted(free, key=lambda application: application != self.chosen)

    @property
    def pair(self) -> KeyPair | None:
        """The keys that commands are written for: production before sandbox."""
        return self.pairs.get("production") or self.pairs.get("sandbox")

    @property
    def _free(self) -> str:
        return phrase("Not needed: {free_plan}", free_plan=self.free_plan) if self.free_plan and self.chosen else ""

    @property
    def steps(self) -> list[Step]:
        """The checklist; the first step that is not done is the one to take now."""
        subscription = self.subscription
        texts = [
            ("Application", self.chosen.name if self.chosen else "", "Create one while you subscribe."),
            ("Subscribe", subscription.business_plan.name if subscription else self._free, "Choose a business plan."),
        ]
        if self.keys_only:
            texts.append(("API key", f"…{self.api_key}" if self.api_key else "", "Make an API key."))
            texts.append(("Connect", "", "Open a WebSocket with it."))
        else:
            texts.append(("Keys", " and ".join(self.pairs).capitalize(), "Generate your consumer key and secret."))
            texts.append(("Connect", "", "Get a token and open a WebSocket with it."))
        steps: list[Step] = []
        for number, (title, done, todo) in enumerate(texts, start=1):
            later = any(step.state not in {"done", "waiting"} for step in steps)
            steps.append(Step(number, title, done or todo, "done" if done else "later" if later else "now"))
            if self.waits and title == "Subscribe":
                steps[-1] = Step(number, title, phrase("{done}: waits for an administrator.", done=done), "waiting")
        if self.waits:  # keys may be made meanwhile
            steps[-1] = Step(len(steps), "Connect", "Refused until the subscription is approved.", "later")
        return steps


def access_to(api: Api, actor: Actor | None, wanted: str = "") -> Access:
    """Where a person stands with `api`.

    Args:
        wanted: the id of the application to look at; one with a subscription, or any, where it is not their own.
    """
    closed = _closed(api, actor)
    free = min(
        (plan for plan in api.business_plans.all() if plan.subscriptionless), key=attrgetter("name"), default=None
    )
    free_plan = free.name if free is not None and (actor is None or free.open_to(actor.person)) else ""
    keys_only = "oauth" not in api.security["schemes"]
    if actor is None:
        return Access(obstacle="Sign in to subscribe.", closed=closed, free_plan=free_plan, keys_only=keys_only)
    try:
        actor.require(Capability.USE_APPLICATIONS)
    except Forbidden:
        needs = phrase("Subscribing needs the subscriber role. An administrator can give it to you.")
        return Access(actor, needs, closed)
    applications = list(applications_at(actor, api))
    subscriptions = subscriptions_at(api, applications)
    chosen = _chosen(wanted, applications, subscriptions)
    pairs = selectors.key_pairs_of(chosen) if chosen else {}
    made = chosen.api_keys.all() if chosen and keys_only else ()
    api_key = next((key.hint for key in made if key.state == "active"), "")
    return Access(
        actor, "", closed, applications, subscriptions, chosen, pairs, keys_only, api_key, free_plan
    )  # fmt: skip


def _closed(api: Api, actor: Actor | None) -> str:
    if selectors.is_subscribable(api):
        return "" if plans_open_to(actor, api) else "This API offers no business plan to people of your roles."
    if api.state == State.DEPRECATED:
        return "This version is deprecated: existing subscriptions go on, new ones are not taken."
    if not api.business_plans.all():
        return "This API offers no business plan yet, so it takes no subscriptions."
    return phrase("This API is {labels} and takes no new subscriptions.", labels=LABELS[State(api.state)].lower())


def _chosen(wanted: str, applications: list[Application], subscriptions: list[Subscription]) -> Application | None:
    by_id = {str(application.pk): application for application in applications}
    if (asked := by_id.get(_canonical(wanted))) is not None:
        return asked
    if subscriptions:
        return by_id[str(subscriptions[-1].application_id)]
    return applications[0] if applications else None


def _canonical(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
