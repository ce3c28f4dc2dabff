"""/subscriptions: an application's right to use an API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apis import searching, selectors
from apis.errors import Invalid, Missing
from apis.models import Subscription
from apis.permissions import can_look_after_subscription
from apis.rest.answers import SubscriptionAnswer
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Id, Text
from apis.rest.schema import operation
from apis.roles import Capability
from apis.selectors_approvals import REQUESTS
from apis.services import subscribing

FILTERS = (
    OpenApiParameter("api", UUID),
    OpenApiParameter("application", UUID),
    OpenApiParameter("state", str, enum=Subscription.State.values),
    OpenApiParameter("plan", str, description="Name of a business plan."),
    OpenApiParameter("search", str, description="Occurs in the name of the application, its owner or the API."),
    OpenApiParameter("sort", str, enum=searching.SORTS, description="The newest first unless given."),
)


class SubscriptionBody(Body):
    """Who subscribes to what, under which plan."""

    api = Id()
    application = Id()
    business_plan = Text(help_text="Name of a plan that the API offers.")


class PlanChangeBody(Body):
    """The new plan."""

    business_plan = Text()


class BlockBody(Body):
    """What to block."""

    what = Text(required=False, help_text="all (unless given), or production: sandbox keys go on working.")


class SubscriptionResource(Resource):
    """Base of everything below /subscriptions."""

    capabilities = (Capability.USE_APPLICATIONS, Capability.SEE_APIS)

    def subscription(self, subscription_id: UUID) -> Subscription:
        """Raises: Missing."""
        return selectors.subscription_get(self.actor, subscription_id)

    def answer(self, subscription: Subscription, status: int = 200) -> Response:
        """The subscription as it now is in the database; 202 where something about it waits for an administrator."""
        row = self.subscription(subscription.pk)
        shown = SubscriptionAnswer(row).data
        headers = {"Location": f"/api/v1/subscriptions/{subscription.pk}"} if status == 201 else None
        if (
            self.request.method in {"POST", "PATCH"}
            and row.latest_request is not None
            and row.latest_request.is_waiting
        ):
            status = 202
        return Response(shown, status=status, headers=headers)

    def done(self, subscription: Subscription) -> Response:
        """The subscription as it now is; whatever waits for an administrator has nothing to do with what was done."""
        return Response(SubscriptionAnswer(self.subscription(subscription.pk)).data)


class Subscriptions(SubscriptionResource):
    @operation(
        "subscriptions_list", "List subscriptions: of your applications, and for publishers to all APIs",
        rows=SubscriptionAnswer, query=FILTERS,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return self.page(self.narrowed(), SubscriptionAnswer)

    def narrowed(self) -> QuerySet[Subscription]:
        """The rows that the query asks for. Raises: BadQuery."""
        rows = selectors.subscriptions_visible(self.actor).prefetch_related(REQUESTS)
        wanted: dict[str, Any] = {name: self.identifier(name) for name in ("api", "application")}
        return searching.subscriptions_matching(
            rows.filter(**{name: value for name, value in wanted.items() if value}),
            search=self.query("search"),
            state=self.choice("state", Subscription.State.values),
            plan=self.query("plan"),
            sort=self.choice("sort", searching.SORTS),
        )

    @operation(
        "subscriptions_create", "Subscribe an application to an API",
        body=SubscriptionBody, answer=SubscriptionAnswer, status=201, or_status=202, errors=(403, 409),
        detail="202 where the plan needs approval: it is `on_hold` until an administrator has decided (`/approvals`), "
        "and no subscription to the gateway. One that was rejected may ask again.",
        example={
            "api": "7d2f4a0c-3f0e-4bb0-9d1d-2f6b1a1f9a10",
            "application": "0c6c6a36-8c53-4f0f-8a5b-9d8f6f0b7c11",
            "business_plan": "Bronze",
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.USE_APPLICATIONS)
        values = self.body(SubscriptionBody)
        found = {"api": _found(selectors.api_readable, self.actor, values["api"])}
        found["application"] = _found(selectors.application_get, self.actor, values["application"])
        if missing := {name: f"There is no such {_WORDS[name]}." for name, row in found.items() if row is None}:
            raise Invalid(missing)
        subscription = subscribing.subscription_create(actor=self.actor, business_plan=values["business_plan"], **found)
        return self.answer(subscription, 201)


_WORDS = {"api": "API", "application": "application"}


def _found(select: Any, actor: Any, key: UUID) -> Any:
    try:
        return select(actor, key)
    except Missing:
        return None


class OneSubscription(SubscriptionResource, RowEditions):
    model, key = Subscription, "subscription_id"

    def may_be_told(self, row: Subscription) -> bool:
        return can_look_after_subscription(self.actor, row)

    @operation("subscriptions_read", "Show a subscription", answer=SubscriptionAnswer, errors=(404,))
    def get(self, request: Request, subscription_id: UUID) -> Response:
        return self.answer(self.subscription(subscription_id))

    @operation(
        "subscriptions_update", "Change the plan of a subscription; live sessions follow within a second",
        body=PlanChangeBody, answer=SubscriptionAnswer, or_status=202, errors=(403, 404, 409),
        example={"business_plan": "Unlimited"},
        detail="For its owner, and for publishers of the API. 202 where the plan needs approval: the present one "
        "counts until an administrator has decided; to ask for the present one takes the request back.",
    )  # fmt: skip
    def patch(self, request: Request, subscription_id: UUID) -> Response:
        row = self.subscription(subscription_id)
        values = self.body(PlanChangeBody)
        return self.answer(subscribing.subscription_change_plan(actor=self.actor, subscription=row, **values))

    @operation(
        "subscriptions_delete", "Unsubscribe, or take a request back; live sessions are closed",
        status=204, errors=(403, 404, 409), detail="For its owner, and for publishers of the API.",
    )  # fmt: skip
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        subscribing.subscription_delete(actor=self.actor, subscription=self.subscription(subscription_id))
        return Response(status=204)


class Block(SubscriptionResource):
    @operation(
        "subscriptions_block", "Block a subscription (publishers)",
        body=BlockBody, answer=SubscriptionAnswer, errors=(403, 404, 409), example={"what": "production"},
    )  # fmt: skip
    def post(self, request: Request, subscription_id: UUID) -> Response:
        row = self.subscription(subscription_id)
        values = self.optional_body(BlockBody)
        subscribing.subscription_block(actor=self.actor, subscription=row, **values)
        return self.done(row)


class Unblock(SubscriptionResource):
    @operation(
        "subscriptions_unblock", "Let a blocked subscription work again (publishers)",
        answer=SubscriptionAnswer, errors=(403, 404, 409),
    )  # fmt: skip
    def post(self, request: Request, subscription_id: UUID) -> Response:
        row = self.subscription(subscription_id)
        self.optional_body(Body)
        subscribing.subscription_unblock(actor=self.actor, subscription=row)
        return self.done(row)
