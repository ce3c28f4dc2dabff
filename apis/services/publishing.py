"""Revisions, deployments and the lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from apis import shapes
from apis.checking import Check, missing_for, obstacles_of
from apis.errors import Conflict, Forbidden, Invalid
from apis.frozen import design_of, served_of
from apis.lifecycle import LABELS, Action, CheckItem, State, Transition, arrow
from apis.models import Api, Deployment, Endpoint, Revision, Subscription, Topic
from apis.permissions import Actor, can_see_api
from apis.roles import Capability
from apis.services.about import FIELDS as ABOUT
from apis.services.about import about_values
from apis.services.approval_rules import transition_waits
from apis.services.designs import api_create, design_problems
from apis.services.editions import require_unchanged
from apis.services.holding import hold
from apis.services.placing import Wanted, deployed_on, environments_named, places_named, require_places
from apis.services.record import announce, record
from apis.services.requests import ask_for_transition, deployment_asked, withdraw_waiting
from apis.services.working_copy import SECTIONS, told, working_copy
from apis.shapes_security import security_of
from apis.shapes_topics import topic_of
from apis.validators import text_problem
from apis.words import phrase

REVISIONS_LIMIT = 5  # WSO2: create-api-revisions.md
DEFAULT_ENVIRONMENT = "Default"
FIRST_REVISION = "Initial Revision"


@transaction.atomic
def revision_create(*, actor: Actor, api: Api, description: str = "") -> Revision:
    """Freeze the present design.

    Raises: Forbidden; Conflict when there are five already; Invalid.
    """
    actor.require(Capability.DEPLOY_APIS)
    if problem := text_problem(description, 200, "Description"):
        raise Invalid({"description": problem})
    api = hold(api)
    if api.revisions.count() >= REVISIONS_LIMIT:
        raise Conflict(
            phrase("An API has at most {most} revisions; delete one that is not deployed first.", most=REVISIONS_LIMIT),
            code="too_many_revisions",
        )
    api.last_revision += 1
    api.save(update_fields=["last_revision"])
    revision = Revision.objects.create(
        api=api, number=api.last_revision, description=description, design=design_of(api), created_by=actor.person
    )
    record(actor, "create_revision", f"{revision} of {api}", api=api, number=revision.number)
    return revision


@transaction.atomic
def revision_deploy(
    *,
    actor: Actor,
    revision: Revision,
    environments: Sequence[Wanted] = (DEFAULT_ENVIRONMENT,),
    seen: int | None = None,
) -> list[Deployment]:
    """Put a revision on gateway environments, or ask for it where deployments wait for approval (it returns none then).

    Args:
        environments: names, or {"name", "vhost"} for another host of it than its own or the one that the API has there.

    Raises: Forbidden, also for an environment that is kept for others; Invalid for an unknown environment or host;
        Stale where somebody else deployed or undeployed there since the edition `seen`; Conflict for a retired API or
        a revision without endpoint.
    """
    actor.require(Capability.DEPLOY_APIS)
    api = hold(revision.api)
    hold(revision)
    if api.state == State.RETIRED:
        raise Conflict("A retired API cannot be deployed.", code="retired")
    if not revision.design["endpoints"]:
        raise Conflict("This revision has no endpoint, so there is nothing to deploy.", code="endpoint_missing")
    places = places_named(api, environments)
    require_places(actor, [place.environment for place in places])
    names = [place.environment.name for place in places]
    require_unchanged(api, seen, [("deployments", name) for name in names])
    if deployment_asked(actor, revision, environments):
        return []
    before = deployed_on(api, names)
    values = {"revision": revision, "design": served_of(revision.design), "deployed_by": actor.person}
    deployments = [
        Deployment.objects.update_or_create(
            api=api, environment=place.environment, defaults={**values, "vhost": place.vhost}
        )[0]
        for place in places
    ]
    hosts: dict[str, Any] = (
        {"vhosts": found} if (found := {one.environment.name: one.vhost for one in places if one.vhost}) else {}
    )
    record(
        actor, "deploy", f"{revision} of {api}", api=api, number=revision.number, environments=names,
        before=before, after=dict.fromkeys(names, revision.number), **hosts,
    )  # fmt: skip
    announce("api", api.pk)
    return deployments


@transaction.atomic
def revision_undeploy(
    *, actor: Actor, revision: Revision, environments: Sequence[str] | None = None, seen: int | None = None
) -> None:
    """Take a revision off the environments it is on, or off the named ones.

    Raises: Forbidden; Stale where that was changed since the edition `seen`; Conflict where it is not deployed.
    """
    actor.require(Capability.DEPLOY_APIS)
    api = hold(revision.api)
    hold(revision)
    rows = revision.deployments.all()
    if environments is not None:
        rows = rows.filter(environment__in=environments_named(environments))
    found = [row.environment for row in rows.select_related("environment")]
    require_places(actor, found)
    names = [row.name for row in found]
    require_unchanged(api, seen, [("deployments", name) for name in environments or names] or ["deployments"])
    if not names:
        raise Conflict(phrase("{revision} is not deployed there.", revision=revision), code="not_deployed")
    rows.delete()
    record(
        actor, "undeploy", f"{revision} of {api}", api=api, number=revision.number, environments=names,
        before=dict.fromkeys(names, revision.number), after={},
    )  # fmt: skip
    announce("api", api.pk)


@transaction.atomic
def revision_restore(*, actor: Actor, revision: Revision, seen: int | None = None) -> Api:
    """Copy a revision's topics, endpoints, runtime limits, security and definition over the working copy.

    What is deployed stays as it is.

    Raises: Forbidden; Stale where somebody else changed any of it since the edition `seen`.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(revision.api)
    hold(revision)
    require_unchanged(api, seen, SECTIONS)
    before = working_copy(api)
    api.topics.all().delete()
    Topic.objects.bulk_create(Topic(api=api, **topic_of(topic)) for topic in revision.design["topics"])
    api.endpoints.all().delete()
    Endpoint.objects.bulk_create(
        Endpoint(api=api, key_type=key_type, config=config) for key_type, config in revision.design["endpoints"].items()
    )
    api.runtime = shapes.runtime_of(revision.design)
    api.security = security_of(revision.design)
    # A revision from before there were definitions had one that was made of its design.
    api.definition = revision.design.get("definition", "")
    api.save(update_fields=["runtime", "security", "definition", "updated_at"])
    facts = told(before, working_copy(api))
    record(actor, "restore", f"{revision} of {api}", api=api, number=revision.number, **facts)
    return api


@transaction.atomic
def revision_delete(*, actor: Actor, revision: Revision) -> None:
    """Delete a revision.

    Raises: Forbidden; Conflict while it is deployed.
    """
    actor.require(Capability.DEPLOY_APIS)
    hold(revision.api)
    hold(revision)
    if revision.deployments.exists():
        raise Conflict(phrase("{revision} is deployed; undeploy it first.", revision=revision), code="deployed")
    record(actor, "delete_revision", f"{revision} of {revision.api}", api=revision.api, number=revision.number)
    revision.delete()


@transaction.atomic
def api_transition(
    *, actor: Actor, api: Api, action: str, checklist: Mapping[str, bool] | None = None, seen: int | None = None
) -> Api:
    """Move an API along the lifecycle, with everything that the move brings about.

    `publish` and `prerelease` deploy a first revision where nothing is deployed, `retire` undeploys. Where the
    installation asks for approval of this action, the API stays as it is and an administrator is asked.

    Args:
        action: an apis.lifecycle.Action.
        checklist: CheckItem -> bool, only with a transition that offers it.
        seen: the edition that the person saw.

    Raises: Forbidden; Invalid for unknown words; Stale where somebody else moved it since; Conflict where the action
        is not legal now or something is missing.
    """
    actor.require(Capability.PUBLISH_APIS)
    if action not in set(Action):
        raise Invalid({"action": phrase("This should be one of: {known}.", known=", ".join(Action))})
    if unknown := set(checklist or {}) - set(CheckItem):
        raise Invalid({"checklist": phrase("Unknown check item: {unknown}.", unknown=", ".join(sorted(unknown)))})
    api = hold(api)
    require_unchanged(api, seen, ["state"])
    step = arrow(State(api.state), Action(action))
    if step is None:
        text = phrase(
            "{action} is not possible for an API that is {labels}.", action=action, labels=LABELS[State(api.state)]
        )
        raise Conflict(text, code="illegal_action")
    if obstacles := obstacles_of(api, step):
        raise Conflict(_why_not(action, api, step, obstacles), code="requirements_missing")
    chosen = {item for item, wanted in (checklist or {}).items() if wanted}
    if chosen and not step.checklist:
        text = phrase("{action} from {labels} has no check items.", action=action, labels=LABELS[State(api.state)])
        raise Conflict(text, code="no_checklist")
    if transition_waits(actor, action, api):
        ask_for_transition(actor, api, action, chosen)
        return api
    withdraw_waiting(actor, api=api)
    _enter(actor, api, step, chosen)
    return api


def _why_not(action: str, api: Api, step: Transition, obstacles: list[Check]) -> str:
    """What is missing, by the names of its fields; what is more than missing, in its own sentences."""
    names = missing_for(api, step, obstacles)
    more = [one.text for one in obstacles if one.field not in step.requires]
    return " ".join([phrase("{action} needs what is missing: {names}.", action=action, names=", ".join(names)), *more])


def _enter(actor: Actor, api: Api, step: Transition, chosen: set[str]) -> None:
    api.state = step.target
    api.save(update_fields=["state", "updated_at"])
    record(actor, step.action, api, api=api, before=step.source, after=step.target, checklist=sorted(chosen))
    if step.target == State.RETIRED:
        api.deployments.all().delete()
    if step.action in {Action.PUBLISH, Action.PRERELEASE} and not api.deployments.exists():
        newest = api.revisions.first() or revision_create(actor=actor, api=api, description=FIRST_REVISION)
        revision_deploy(actor=actor, revision=newest)
    if step.checklist:
        if CheckItem.REQUIRE_RESUBSCRIPTION not in chosen:
            _inherit_subscriptions(actor, api)
        if CheckItem.DEPRECATE_OLD_VERSIONS in chosen:
            _deprecate_older(actor, api)
    announce("api", api.pk)


def _older_versions(api: Api) -> Iterable[Api]:
    siblings = Api.objects.select_related("version_set").filter(version_set=api.version_set)
    return siblings.filter(created_at__lt=api.created_at).order_by("-created_at")


def _inherit_subscriptions(actor: Actor, api: Api) -> None:
    """Give the subscribers of the version before this one a subscription here, under the same plan if it is offered."""
    offered = list(api.business_plans.all())
    previous = next((old for old in _older_versions(api) if old.state in {State.PUBLISHED, State.DEPRECATED}), None)
    if previous is None:
        return
    for old in previous.subscriptions.exclude(state__in=Subscription.WITHOUT_RIGHT).select_related("business_plan"):
        if not api.subscriptions.filter(application_id=old.application_id).exists():
            plan = old.business_plan if old.business_plan in offered else offered[0]
            new = Subscription.objects.create(
                api=api, application_id=old.application_id, business_plan=plan, state=old.state
            )
            announce("subscription", new.pk)
    record(actor, "inherit_subscriptions", api, api=api, inherited_from=str(previous))


def _deprecate_older(actor: Actor, api: Api) -> None:
    for old in _older_versions(api):
        step = arrow(State(old.state), Action.DEPRECATE)
        if step is not None and old.state == State.PUBLISHED and can_see_api(actor, old):
            _enter(actor, old, step, set())


@transaction.atomic
def api_create_and_publish(*, actor: Actor, **design: Any) -> Api:
    """Create, first revision, deploy and publish: all of it or nothing.

    Raises: Forbidden without both roles; Invalid, also for what publishing needs and the design lacks.
    """
    actor.require(Capability.DESIGN_APIS)
    if not actor.can(Capability.PUBLISH_APIS):
        raise Forbidden("Creating and publishing in one step needs the creator and the publisher role.")
    words = {"endpoint": "Endpoint", "business_plans": "Business plan(s)"}
    lacking = {
        field: phrase("{word} should not be empty to publish.", word=word)
        for field, word in words.items()
        if not design.get(field)
    }
    if lacking:
        _, problems = about_values(actor, None, design)
        plain = {field: value for field, value in design.items() if field not in {"business_plans", *ABOUT}}
        raise Invalid({**design_problems(**plain), **problems, **lacking})
    api = api_create(actor=actor, **design)
    return api_transition(actor=actor, api=api, action=Action.PUBLISH)
