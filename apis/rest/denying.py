"""/deny-policies: who may not use the gateway. Administrators write, publishers see what concerns their APIs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_denying
from apis.models import Api, Application, DenyPolicy, Person
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Flag, Id, Raw, Text
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import denying


class AddressRange(serializers.Serializer):
    """Both ends included."""

    vars()["from"] = serializers.IPAddressField()
    to = serializers.IPAddressField()


@extend_schema_field(AddressRange(allow_null=True))
class RangeField(Raw):
    """{"from","to"} or a network such as 10.0.0.0/8; checked by apis.services.denying."""


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(Raw):
    """A date and time in ISO 8601; what cannot be read is for the service to refuse."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return (parse_datetime(data) if isinstance(data, str) else None) or data
        except ValueError:
            return data


class DenyPolicyBody(Body):
    """Whoever meets every condition that is set is refused; at least one is."""

    api = Id(required=False, allow_null=True)
    application = Id(required=False, allow_null=True)
    person = Id(required=False, allow_null=True, help_text="Id of the person behind the token.")
    ip = Text(required=False, allow_null=True)
    ip_range = RangeField(required=False, allow_null=True)
    invert = Flag(required=False, help_text="Everybody but this address or range.")
    enabled = Flag(required=False)
    expires_at = MomentField(required=False, allow_null=True)
    description = Text(required=False)


class DenyPolicyAnswer(serializers.Serializer):
    """A deny policy."""

    id = serializers.UUIDField()
    api = serializers.UUIDField(source="api_id", allow_null=True)
    api_name = serializers.SerializerMethodField()
    application = serializers.UUIDField(source="application_id", allow_null=True)
    application_name = serializers.SerializerMethodField()
    person = serializers.UUIDField(source="person_id", allow_null=True)
    person_name = serializers.SerializerMethodField()
    ip = serializers.CharField(allow_null=True)
    ip_range = serializers.SerializerMethodField()
    invert = serializers.BooleanField()
    enabled = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    description = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_api_name(self, row: DenyPolicy) -> str:
        return str(row.api) if row.api else ""

    def get_application_name(self, row: DenyPolicy) -> str:
        return row.application.name if row.application else ""

    def get_person_name(self, row: DenyPolicy) -> str:
        return row.person.username if row.person else ""

    @extend_schema_field(AddressRange(allow_null=True))
    def get_ip_range(self, row: DenyPolicy) -> dict[str, str] | None:
        return {"from": str(row.ip_from), "to": str(row.ip_to)} if row.ip_from else None


class DenyPolicyResource(Resource):
    """Base of both."""

    def values(self, *, partial: bool = False) -> dict[str, Any]:
        """The body with rows in the place of ids; an id of nothing stays, for the service to refuse."""
        values = self.body(DenyPolicyBody, partial=partial)
        for name, model in (("api", Api), ("application", Application), ("person", Person)):
            if values.get(name) is not None:
                values[name] = model.objects.filter(pk=values[name]).first() or values[name]
        return values

    def policy(self, policy_id: UUID) -> DenyPolicy:
        """Raises: Missing."""
        return selectors_denying.deny_policy_get(self.actor, policy_id)


class DenyPolicies(DenyPolicyResource):
    @operation(
        "deny-policies_list", "List the deny policies: all, or for publishers those on APIs they see",
        rows=DenyPolicyAnswer,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return self.page(selectors_denying.deny_policies(self.actor), DenyPolicyAnswer)

    @operation(
        "deny-policies_create", "Refuse an API, application, person or address (administrators)",
        body=DenyPolicyBody, answer=DenyPolicyAnswer, status=201, errors=(403, 409),
        example={"ip_range": {"from": "198.51.100.0", "to": "198.51.100.255"}, "expires_at": "2030-01-01T00:00:00Z"},
        detail="Live sessions that it meets are closed with 4403 within a second, new ones are refused with 403.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        policy = denying.deny_policy_create(actor=self.actor, **self.values())
        headers = {"Location": f"/api/v1/deny-policies/{policy.pk}"}
        return Response(DenyPolicyAnswer(self.policy(policy.pk)).data, status=201, headers=headers)


class OneDenyPolicy(DenyPolicyResource, RowEditions):
    model, key = DenyPolicy, "policy_id"

    @operation("deny-policies_read", "Show a deny policy", answer=DenyPolicyAnswer, errors=(404,))
    def get(self, request: Request, policy_id: UUID) -> Response:
        return Response(DenyPolicyAnswer(self.policy(policy_id)).data)

    @operation(
        "deny-policies_update", "Change a deny policy, or switch it on and off",
        body=DenyPolicyBody, answer=DenyPolicyAnswer, errors=(403, 404, 409), example={"enabled": False},
    )  # fmt: skip
    def patch(self, request: Request, policy_id: UUID) -> Response:
        policy = self.policy(policy_id)
        self.actor.require(Capability.ADMINISTER)
        denying.deny_policy_update(actor=self.actor, policy=policy, **self.values(partial=True))
        return Response(DenyPolicyAnswer(self.policy(policy_id)).data)

    @operation("deny-policies_delete", "Delete a deny policy", status=204, errors=(403, 404))
    def delete(self, request: Request, policy_id: UUID) -> Response:
        denying.deny_policy_delete(actor=self.actor, policy=self.policy(policy_id))
        return Response(status=204)
