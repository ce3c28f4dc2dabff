"""/approvals: what waits for an administrator. They decide; others read what concerns them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_approvals
from apis.lifecycle import Action
from apis.models import Approval, ApprovalRules
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Flag, Text, Texts
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import approval_rules, approving

FILTERS = (
    OpenApiParameter("state", str, enum=Approval.State.values),
    OpenApiParameter("kind", str, enum=Approval.Kind.values),
    OpenApiParameter("api", UUID),
    OpenApiParameter("subscription", UUID),
)


class DecisionBody(Body):
    """What is decided, and why."""

    decision = Text(help_text="approve or reject.")
    reason = Text(required=False, help_text="For who asked; at most 500 characters.")


class ApprovalAnswer(serializers.Serializer):
    """What somebody asked for, and what became of it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Approval.Kind.values)
    state = serializers.ChoiceField(Approval.State.values)
    subject = serializers.CharField(help_text="What it is about, in words.")
    wanted = serializers.JSONField(
        help_text="What is asked for, by kind: the plan, the plan before and after, action and check items, key type "
        "and grants, or revision and environments."
    )
    api = serializers.UUIDField(source="api_id", allow_null=True)
    application = serializers.UUIDField(source="application_id", allow_null=True)
    subscription = serializers.UUIDField(source="subscription_id", allow_null=True)
    asked_by = serializers.CharField(source="asked_by_name")
    asked_at = serializers.DateTimeField()
    decided_by = serializers.CharField(source="decided_by_name", help_text="Empty while it waits.")
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class ApprovalResource(Resource):
    """Base of everything below /approvals."""

    def approval(self, approval_id: UUID) -> Approval:
        """Raises: Missing."""
        return selectors_approvals.approval_get(self.actor, approval_id)


class Approvals(ApprovalResource):
    @operation(
        "approvals_list", "List requests: yours, those about your applications and about APIs that you see",
        rows=ApprovalAnswer, query=FILTERS, detail="The newest first. Administrators see all of them.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        wanted: dict[str, Any] = {name: self.identifier(name) for name in ("api", "subscription")}
        wanted["state"] = self.choice("state", Approval.State.values)
        wanted["kind"] = self.choice("kind", Approval.Kind.values)
        rows = selectors_approvals.approvals_visible(self.actor)
        return self.page(rows.filter(**{name: value for name, value in wanted.items() if value}), ApprovalAnswer)


class OneApproval(ApprovalResource):
    @operation("approvals_read", "Show a request", answer=ApprovalAnswer, errors=(404,))
    def get(self, request: Request, approval_id: UUID) -> Response:
        return Response(ApprovalAnswer(self.approval(approval_id)).data)

    @operation(
        "approvals_delete", "Take back a request that waits (who asked, or the owner of its application)",
        status=204, errors=(403, 404, 409),
        detail="A subscription that was on hold is gone then. The request stays in the list as withdrawn.",
    )  # fmt: skip
    def delete(self, request: Request, approval_id: UUID) -> Response:
        approving.approval_withdraw(actor=self.actor, approval=self.approval(approval_id))
        return Response(status=204)


class Decide(ApprovalResource):
    @operation(
        "approvals_decide", "Approve or reject what waits (administrators)",
        body=DecisionBody, answer=ApprovalAnswer, errors=(403, 404, 409),
        example={"decision": "reject", "reason": "Please sign the contract first."},
        detail="It holds for new handshakes at once. 409 `already_decided` where another administrator was faster.",
    )  # fmt: skip
    def post(self, request: Request, approval_id: UUID) -> Response:
        row = self.approval(approval_id)
        done = approving.approval_decide(actor=self.actor, approval=row, **self.body(DecisionBody))
        return Response(ApprovalAnswer(done).data)


class RulesBody(Body):
    """What else needs approval in this installation."""

    transitions = Texts(required=False, help_text="Actions of the lifecycle, such as publish.")
    applications = Flag(required=False, help_text="Whether new applications wait.")
    production_keys = Flag(required=False, help_text="Whether the first production credential of an application waits.")
    sandbox_keys = Flag(required=False, help_text="Whether the first sandbox credential of an application waits.")
    deployments = Flag(required=False, help_text="Whether revisions wait before they are deployed.")


class RulesAnswer(serializers.Serializer):
    """What else needs approval in this installation, besides plans."""

    transitions = serializers.ListField(child=serializers.ChoiceField([action.value for action in Action]))
    applications = serializers.BooleanField()
    production_keys = serializers.BooleanField()
    sandbox_keys = serializers.BooleanField()
    deployments = serializers.BooleanField()


class Rules(RowEditions):
    """The only row of its kind."""

    model = ApprovalRules

    @classmethod
    def tells(cls, address: str) -> bool:
        return True

    def is_about(self, names: Any) -> bool:
        return True

    def row_key(self, **kwargs: Any) -> int:
        return ApprovalRules.ONLY

    @operation("approval-rules_read", "Show what needs approval besides plans", answer=RulesAnswer)
    def get(self, request: Request) -> Response:
        return Response(RulesAnswer(approval_rules.rules()).data)

    @operation(
        "approval-rules_update", "Change what needs approval besides plans (administrators)",
        body=RulesBody, answer=RulesAnswer, errors=(403,), example={"transitions": ["publish"]},
        detail="What waits already goes on waiting.",
    )  # fmt: skip
    def patch(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        values = self.body(RulesBody, partial=True)
        return Response(RulesAnswer(approval_rules.approval_rules_set(actor=self.actor, **values)).data)
