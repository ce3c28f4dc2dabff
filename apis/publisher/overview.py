"""The overview of an API: the way to publication, step by step, what is found on it, and its facts as cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse

from apis import checking, selectors
from apis.checking import Check, Level
from apis.lifecycle import ACTION_LABELS, VISIBLE_TO_DEVELOPERS, State
from apis.models import Api, Deployment
from apis.permissions import Actor
from apis.publisher.asking import lines, question
from apis.publisher.pages import PortalRequest, api_page, show
from apis.publisher.securing import needs_subscription
from apis.selectors_approvals import step_in_words
from apis.shapes_about import OWNERS
from apis.words import phrase

# Pages on which an API is developed; what is missing on them belongs to the first step.
_DEVELOPED_ON: Final = frozenset({"endpoints", "topics", "scopes", "security", "runtime"})
_SHORT: Final = {
    "endpoint_missing": "Endpoint is missing",
    "business_plans_missing": "Business plan is missing",
    "environment_missing": "Gateway environment is missing",
    "revision_without_endpoint": "A new revision is needed",
    "design_differs": "What is deployed is not what you see",
}
"""What a line of the way says of a finding whose sentence is too long for it."""


@dataclass(frozen=True, slots=True)
class WayLine:
    """One line below a step: done, missing, or neither; `page` is where a click leads, with `at` a place on it."""

    text: str
    page: str
    done: bool = False
    missing: bool = False
    at: str = ""

    @property
    def view(self) -> str:
        """The name of the page's address; those of the data plane come with their room's name."""
        return self.page if ":" in self.page else f"publisher:{self.page}"


@dataclass(slots=True)
class Step:
    """One step of the way to publication."""

    title: str
    done: bool
    lines: list[WayLine] = field(default_factory=list)
    optional: bool = False


def way(api: Api, checks: Sequence[Check], deployments: Sequence[Deployment]) -> list[Step]:
    """Develop, Deploy, Test, Publish: each with what is done and what is missing."""
    codes = {one.code for one in checks}
    return [_develop(checks, codes), _deploy(api, checks, deployments), _test(deployments), _publish(api, codes)]


def _develop(checks: Sequence[Check], codes: set[str]) -> Step:
    found = [one for one in checks if one.level == Level.ERROR and one.page in _DEVELOPED_ON]
    step = Step("Develop", done=not found)
    if "endpoint_given" in codes:
        step.lines.append(WayLine("Endpoint", "endpoints", done=True))
    step.lines += [_missing(one) for one in found]
    return step


def _missing(one: Check) -> WayLine:
    return WayLine(_SHORT.get(one.code, one.text), one.page, missing=True)


def _deploy(api: Api, checks: Sequence[Check], deployments: Sequence[Deployment]) -> Step:
    step = Step("Deploy", done=bool(deployments))
    for row in deployments:
        step.lines.append(
            WayLine(
                phrase("{revision} on {environment}", revision=row.revision, environment=row.environment.name),
                "deployments",
                done=True,
            )
        )
    wanting = [one for one in checks if one.page == "deployments" and one.code in _SHORT]
    step.lines += [_missing(one) for one in wanting]
    if not deployments and api.state == State.RETIRED:
        step.lines.append(WayLine("Retired APIs are not deployed", ""))
    elif not deployments:
        step.lines.insert(0, WayLine("Not deployed yet", "deployments", missing=True))
    return step


def _test(deployments: Sequence[Deployment]) -> Step:
    step = Step("Test", done=False, optional=True)
    if deployments:
        step.lines.append(WayLine("Test console", "gateway:console"))
        step.lines.append(WayLine("Make a test key", "security", at="#test-key"))
    else:
        step.lines.append(WayLine("Once it is deployed", ""))
    return step


def _publish(api: Api, codes: set[str]) -> Step:
    published = api.state == State.PUBLISHED
    step = Step("Publish", done=published)
    if "business_plans_given" in codes:
        step.lines.append(WayLine("Business plan(s)", "plans", done=True))
    else:
        step.lines.append(WayLine(_SHORT["business_plans_missing"], "plans", missing=True))
    state = "Published" if published else phrase("State: {api}", api=api.get_state_display())
    step.lines.append(WayLine(state, "lifecycle", done=published, missing=api.state == State.CREATED))
    return step


@api_page
def overview(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Develop, Deploy, Test, Publish with what is done and what is missing, what is found, and the facts of the API."""
    facts = checking.Facts(api)
    checks = checking.checks_of(api, actor, facts=facts)
    deployments = facts.deployments
    ways = [
        (step.action, ACTION_LABELS[step.action], ready, missing, question(api, step, checks))
        for step, ready, missing in checking.transitions_of(actor, api, checks)
        if step.target == State.PUBLISHED != step.source
    ]
    context: dict[str, Any] = {
        "is_deployed": bool(deployments),
        "gateway_urls": selectors.gateway_urls_deployed(api) or selectors.gateway_urls(api, facts.environments),
        "way": way(api, checks, deployments),
        "checks": lines([one for one in checks if one.level in {Level.ERROR, Level.WARNING}]),
        "hints": lines([one for one in checks if one.level == Level.HINT]),
        "publish": ways[0] if ways else None,
        "waits": step_in_words(api),
        "on_show": api.state in VISIBLE_TO_DEVELOPERS,
        "endpoints": api.endpoints.all(),
        "subscription_count": selectors.subscriptions_visible(actor).filter(api=api).count(),
        "needs_subscription": needs_subscription(api),
        "owners": [(OWNERS[name], text) for name, text in api.business.items() if text and name in OWNERS],
        "categories": api.categories.all(),
    }
    return show(request, api, "overview", context)
