"""Applications of developers and their subscriptions."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from apis import selectors
from apis.errors import Conflict, Forbidden, Invalid, Missing, Taken
from apis.lifecycle import LABELS, SUBSCRIBABLE, State
from apis.models import Api, Application, BusinessPlan, Subscription
from apis.permissions import Actor, can_look_after_subscription, can_manage_subscription, can_see_offer, require_own
from apis.roles import Capability
from apis.services.application_values import application_save, application_values, facts_of
from apis.services.approval_rules import application_waits
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.requests import (
    ask_for_application,
    ask_for_plan,
    ask_for_subscription,
    needs_approval,
    require_approved,
    withdraw_waiting,
)
from apis.services.row_editions import mine_only
from apis.services.terms import terms_begin, terms_change, terms_end
from apis.words import phrase

DEFAULT_APPLICATION_PLAN = "Unlimited"
BLOCKABLE = {"all": Subscription.State.BLOCKED, "production": Subscription.State.PRODUCTION_BLOCKED}
_PLAN: Final = "business_plan"
ON_HOLD, REJECTED = Subscription.State.ON_HOLD, Subscription.State.REJECTED


@transaction.atomic
def application_create(
    *, actor: Actor, name: str, plan: str = DEFAULT_APPLICATION_PLAN, description: str = ""
) -> Application:
    """Create an application of the actor's own.

    Args:
        plan: the name of an application plan.

    Returns: the application; `on_hold` where the installation asks for approval of new ones.

    Raises: Forbidden without the subscriber role; Invalid, Taken.
    """
    actor.require(Capability.USE_APPLICATIONS)
    values = application_values({"name": name, "plan": plan, "description": description})
    waits = application_waits(actor)
    state = Application.State.ON_HOLD if waits else Application.State.APPROVED
    application = Application(owner=actor.person, state=state, **values)
    application_save(application)
    if waits:
        ask_for_application(actor, application)
    else:
        record(actor, "create_application", application, after=facts_of(application))
    announce("application", application.pk)
    return application


@transaction.atomic
def application_update(
    *, actor: Actor, application: Application, seen: int | None = None, **values: Any
) -> Application:
    """Change name, plan (by name) or description.

    Args:
        seen: the edition of the application that the values were made from (apis.services.row_editions).

    Raises: Missing, Forbidden, Invalid, Taken, Stale.
    """
    require_own(actor, application)
    hold(application)
    before = facts_of(application)
    application_values(values)  # what is wrong with it is said first
    mine = mine_only(application, seen, before, values)
    for field, value in application_values(mine).items():
        setattr(application, field, value)
    application_save(application)
    record(actor, "update_application", application, before=before, after=facts_of(application))
    announce("application", application.pk)
    return application


@transaction.atomic
def application_delete(*, actor: Actor, application: Application) -> None:
    """Delete an application with its keys, tokens and subscriptions.

    Raises: Missing, Forbidden; Conflict while a subscription of it is blocked, which would be escaped so.
    """
    require_own(actor, application)
    hold(application)
    list(application.subscriptions.select_for_update(of=("self",)).order_by("pk"))  # before their requests, always
    blocked = application.subscriptions.filter(state__in=BLOCKABLE.values()).select_related("api").first()
    if blocked is not None and not actor.can(Capability.ADMINISTER):
        text = phrase(
            "Its subscription to {api} is blocked; it can be deleted once the API's publisher has unblocked it.",
            api=blocked.api,
        )
        raise Conflict(text, code="subscription_blocked")
    key = application.pk
    for pair in application.key_pairs.select_related("client"):
        pair.client.delete()  # takes its tokens and the pair along
    terms_end(application.subscriptions.select_related("api__version_set", "business_plan"))
    withdraw_waiting(actor, application=application)
    record(actor, "delete_application", application, before=facts_of(application))
    application.delete()
    announce("application", key)


def _require_subscribable(api: Api) -> None:
    if api.state not in SUBSCRIBABLE:
        text = phrase("{api} is {labels} and takes no new subscriptions.", api=api, labels=LABELS[State(api.state)])
        raise Conflict(text, code="not_subscribable")


def _offered(actor: Actor, api: Api, application: Application, plan: str) -> BusinessPlan:
    """A plan that the API offers and that is open to the application's owner; administrators may choose any.

    Raises: Invalid.
    """
    every = actor.can(Capability.ADMINISTER)
    offered = [row for row in api.business_plans.all() if every or row.open_to(application.owner)]
    row = next((row for row in offered if row.name == plan), None)
    if row is None:
        names = ", ".join(row.name for row in offered) or "none"
        text = "{api} does not offer a business plan named {plan}; it offers: {names}."
        raise Invalid({"business_plan": phrase(text, api=api, plan=plan, names=names)})
    return row


@transaction.atomic
def subscription_create(*, actor: Actor, api: Api, application: Application, business_plan: str) -> Subscription:
    """Subscribe an own application to an API that is on offer; one that was rejected may ask again.

    Returns: the subscription; `on_hold` where an administrator has to approve its plan first.

    Raises: Missing for somebody else's application and for an API that they do not see; Conflict where the API takes no
        subscriptions; Invalid, Taken.
    """
    require_own(actor, application)
    hold(api)
    require_approved(hold(application))
    if not can_see_offer(actor, api):  # who has subscribed already stays; nobody new comes in unseen
        raise Missing("There is no such API.")
    _require_subscribable(api)
    plan = _offered(actor, api, application, business_plan)
    waits = needs_approval(actor, plan)
    Subscription.objects.filter(api=api, application=application, state=REJECTED).delete()
    try:
        with transaction.atomic():
            subscription = Subscription.objects.create(
                api=api, application=application, business_plan=plan,
                state=ON_HOLD if waits else Subscription.State.UNBLOCKED,
            )  # fmt: skip
    except IntegrityError:
        text = phrase("{application} already has a subscription to {api}.", application=application, api=api)
        raise Taken({"application": text}) from None
    terms_begin([subscription])
    if waits:
        ask_for_subscription(actor, subscription)
    else:
        record(actor, "subscribe", subscription, api=api, plan=plan.name)
    announce("subscription", subscription.pk)
    return subscription


def _require_looked_after(actor: Actor, subscription: Subscription) -> None:
    """Raises: Forbidden where it may be seen and neither owned nor managed, Missing where it must not be seen."""
    if can_look_after_subscription(actor, subscription):
        return
    if selectors.subscriptions_visible(actor).filter(pk=subscription.pk).exists():
        raise Forbidden("This subscription belongs to somebody else's application.")
    require_own(actor, subscription.application)


@transaction.atomic
def subscription_change_plan(
    *, actor: Actor, subscription: Subscription, business_plan: str, seen: int | None = None
) -> Subscription:
    """Move a subscription to another plan that the API offers; live sessions follow within a second.

    Its owner does, and whoever manages the API's subscriptions. A plan that needs approval is asked for, in the place
    of one that was asked for before; until then the present one counts. The present one takes back what was asked for.

    Args:
        seen: the edition of the subscription that was shown (apis.services.row_editions).

    Raises: Missing, Forbidden, Invalid, Stale; Conflict for one that was rejected.
    """
    _require_looked_after(actor, hold(subscription))
    if not mine_only(subscription, seen, {_PLAN: subscription.business_plan.name}, {_PLAN: business_plan}):
        return subscription  # this person left it alone
    if subscription.state == REJECTED:
        raise Conflict("This subscription was rejected; subscribe again to ask again.", code="subscription_rejected")
    if subscription.state == ON_HOLD:  # it would be a new one
        _require_subscribable(subscription.api)
    plan = _offered(actor, subscription.api, subscription.application, business_plan)
    if plan.pk == subscription.business_plan_id:
        if subscription.state != ON_HOLD:
            withdraw_waiting(actor, subscription=subscription)
        return subscription
    withdraw_waiting(actor, subscription=subscription)
    waits = needs_approval(actor, plan)
    if waits and subscription.state != ON_HOLD:
        ask_for_plan(actor, subscription, plan)
        return subscription
    free = Subscription.State.UNBLOCKED if subscription.state == ON_HOLD else subscription.state
    _move(actor, subscription, plan, ON_HOLD if waits else free)
    if waits:
        ask_for_subscription(actor, subscription)
    return subscription


def _move(actor: Actor, subscription: Subscription, plan: BusinessPlan, state: str) -> None:
    """To another plan now; what waited for a plan that must be approved need not wait for one without that."""
    before = subscription.business_plan.name
    terms_begin([subscription])
    subscription.business_plan = plan
    subscription.state = state
    subscription.save(update_fields=["business_plan", "state", "updated_at"])
    terms_change([subscription])
    record(actor, "change_plan", subscription, api=subscription.api, before=before, after=plan.name)
    announce("subscription", subscription.pk)


@transaction.atomic
def subscription_delete(*, actor: Actor, subscription: Subscription) -> None:
    """Remove a subscription, or take back the request for one; live sessions are closed within a second.

    Its owner does, and whoever manages the API's subscriptions.

    Raises: Missing, Forbidden; Conflict while it is blocked, or its owner would subscribe again past the block.
    """
    _require_looked_after(actor, hold(subscription))
    if subscription.state in BLOCKABLE.values() and not can_manage_subscription(actor, subscription):
        raise Conflict(
            "This subscription is blocked; it can be removed once the API's publisher has unblocked it.",
            code="subscription_blocked",
        )
    key = subscription.pk
    terms_end([subscription])
    withdraw_waiting(actor, subscription=subscription)
    record(actor, "unsubscribe", subscription, api=subscription.api, plan=subscription.business_plan.name)
    subscription.delete()
    announce("subscription", key)


def _require_management(actor: Actor, subscription: Subscription) -> None:
    if can_manage_subscription(actor, subscription):
        return
    if not selectors.subscriptions_visible(actor).filter(pk=subscription.pk).exists():
        raise Missing("There is no such subscription.")
    actor.require(Capability.MANAGE_SUBSCRIPTIONS)
    raise Forbidden("This subscription is not yours to manage.")


@transaction.atomic
def subscription_block(*, actor: Actor, subscription: Subscription, what: str = "all") -> Subscription:
    """Block a subscription: `what` is "all", or "production" to leave sandbox keys working.

    Raises: Missing, Forbidden without the publisher role, Invalid; Conflict for one that was never approved.
    """
    _require_management(actor, hold(subscription))
    if what not in BLOCKABLE:
        raise Invalid({"what": phrase("This should be one of: {known}.", known=", ".join(BLOCKABLE))})
    return _set_state(actor, subscription, BLOCKABLE[what], "block")


@transaction.atomic
def subscription_unblock(*, actor: Actor, subscription: Subscription) -> Subscription:
    """Raises: Missing, Forbidden without the publisher role; Conflict for one that was never approved."""
    _require_management(actor, hold(subscription))
    return _set_state(actor, subscription, Subscription.State.UNBLOCKED, "unblock")


def _set_state(actor: Actor, subscription: Subscription, state: str, action: str) -> Subscription:
    before = subscription.state
    if before in {ON_HOLD, REJECTED}:
        word = Subscription.State(before).label.lower()
        text = phrase("This subscription is {word}: there is nothing to {action} yet.", word=word, action=action)
        raise Conflict(text, code=f"subscription_{before}")
    subscription.state = state
    subscription.save(update_fields=["state", "updated_at"])
    record(actor, action, subscription, api=subscription.api, before=before, after=state)
    announce("subscription", subscription.pk)
    return subscription
