"""/subscriptions/bulk: the same done to several subscriptions, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.errors import Invalid, ServiceError
from apis.models import Subscription
from apis.permissions import Actor
from apis.rest.fields import LIST_LIMIT, Body, Id, Text
from apis.rest.problems import pointer
from apis.rest.schema import operation
from apis.rest.subscriptions import SubscriptionResource
from apis.roles import Capability
from apis.services import subscribing
from apis.words import phrase

_Doing = Callable[[Actor, Subscription, dict[str, Any]], Any]
# action -> (what else the body may name, what is done)
ACTIONS: Final[dict[str, tuple[str, _Doing]]] = {
    "block": (
        "what",
        lambda actor, row, more: subscribing.subscription_block(actor=actor, subscription=row, **more),
    ),
    "unblock": ("", lambda actor, row, more: subscribing.subscription_unblock(actor=actor, subscription=row)),
    "change_plan": (
        "business_plan",
        lambda actor, row, more: subscribing.subscription_change_plan(actor=actor, subscription=row, **more),
    ),
    "remove": ("", lambda actor, row, more: subscribing.subscription_delete(actor=actor, subscription=row)),
}


class Ids(serializers.ListField):
    """At least one id, and no more than fit into one request."""

    child = Id()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": LIST_LIMIT, **options})


class BulkBody(Body):
    """What to do, to which."""

    action = Text(help_text=f"One of: {', '.join(ACTIONS)}.")
    subscriptions = Ids(help_text=f"1 to {LIST_LIMIT} ids; one that is named twice is taken once.")
    what = Text(required=False, help_text="For block: all (unless given), or production.")
    business_plan = Text(required=False, help_text="For change_plan: name of a plan that the API offers.")


class OutcomeError(serializers.Serializer):
    """What is wrong with a field of the body, for one subscription."""

    pointer = serializers.CharField()
    detail = serializers.CharField()


class Outcome(serializers.Serializer):
    """What became of one of them."""

    subscription = serializers.UUIDField()
    status = serializers.IntegerField(help_text="As the operation for one would answer: 200, 202, 204, 404, 409 ...")
    state = serializers.CharField(help_text="Of the subscription now; empty where it is gone or not yours to see.")
    code = serializers.CharField(help_text="Why not, as a stable word; empty where it was done.")
    detail = serializers.CharField(help_text="Why not, as a sentence; empty where it was done.")
    errors = OutcomeError(many=True, required=False)  # type: ignore[assignment]


class BulkAnswer(serializers.Serializer):
    """The outcomes, in the order in which they were asked for."""

    done = serializers.IntegerField(help_text="How many of them it was done to, or asked for.")
    results = Outcome(many=True)


class Bulk(SubscriptionResource):
    @operation(
        "subscriptions_bulk", "Block, unblock, move or remove several subscriptions (publishers)",
        body=BulkBody, answer=BulkAnswer, errors=(403,),
        example={"action": "block", "what": "production", "subscriptions": ["7d2f4a0c-3f0e-4bb0-9d1d-2f6b1a1f9a10"]},
        detail="Each of them is a change of its own: what is refused for one does not undo the others, and its "
        "outcome says why, with the status and code of the operation for one. The answer is 200 in any case.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.MANAGE_SUBSCRIPTIONS)
        values = self.body(BulkBody)
        action, ids = values.pop("action"), list(dict.fromkeys(values.pop("subscriptions")))
        _require_sense(action, values)
        results = [self._outcome(key, ACTIONS[action][1], values) for key in ids]
        return Response({"done": sum(one["status"] < 400 for one in results), "results": results})

    def _outcome(self, key: UUID, do: _Doing, values: dict[str, Any]) -> dict[str, Any]:
        state = ""
        try:
            row = self.subscription(key)
            state = row.state
            done = do(self.actor, row, values)
        except ServiceError as refusal:
            told: dict[str, Any] = {"status": refusal.status, "state": state, "code": refusal.code}
            told["detail"] = refusal.detail
            if isinstance(refusal, Invalid):
                told["errors"] = [
                    {"pointer": pointer(name), "detail": text} for name, some in refusal.fields.items() for text in some
                ]
            return {"subscription": str(key), **told}
        if not isinstance(done, Subscription):  # it is gone
            return {"subscription": str(key), "status": 204, "state": "", "code": "", "detail": ""}
        now = self.subscription(key)
        waits = "business_plan" in values and now.latest_request is not None and now.latest_request.is_waiting
        status = 202 if waits else 200
        return {"subscription": str(key), "status": status, "state": now.state, "code": "", "detail": ""}


def _require_sense(action: str, values: dict[str, Any]) -> None:
    """Raises: Invalid for an action that there is not, and for what does not belong to it."""
    if action not in ACTIONS:
        raise Invalid({"action": phrase("This should be one of: {known}.", known=", ".join(ACTIONS))})
    wanted = ACTIONS[action][0]
    problems = {name: phrase("This does not belong to {action}.", action=action) for name in values if name != wanted}
    if wanted == "business_plan" and wanted not in values:
        problems[wanted] = "Name a business plan."
    if "what" in values and values["what"] not in subscribing.BLOCKABLE:
        problems["what"] = phrase("This should be one of: {known}.", known=", ".join(subscribing.BLOCKABLE))
    if problems:
        raise Invalid(problems)
