"""/key-managers: who may issue tokens; /applications/{id}/mapped-keys: whose their clients are."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_key_managers as selectors
from apis import shapes
from apis.foreign_tokens import ALGORITHMS
from apis.models import Application, KeyManager
from apis.rest.applications import ApplicationResource
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Flag, Raw, Text, Texts, Whole
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import key_managers, mapping, trying_key_managers
from apis.shapes_key_managers import DEFAULTS, SECRET, VALIDATIONS


@extend_schema_field({"type": "object", "nullable": True})
class KeySetField(Raw):
    """A JWK set (RFC 7517), checked by apis.shapes_key_managers."""


class KeyManagerBody(Body):
    """An authorization server whose tokens open APIs here."""

    name = Text()
    description = Text(required=False)
    enabled = Flag(required=False)
    validation = Text(required=False, help_text=f"One of: {', '.join(VALIDATIONS)}; jwks unless given.")
    issuer = Text(required=False, help_text="The claim iss of its tokens.")
    jwks_url = Text(required=False, help_text="Where it publishes its keys (https://).")
    jwks = KeySetField(required=False, allow_null=True, help_text="Its keys, where it publishes none.")
    introspection_url = Text(required=False, help_text="Where it is asked about a token (RFC 7662).")
    client_id = Text(required=False, help_text="As whom it is asked.")
    client_secret = Text(
        required=False, allow_null=True, help_text='Kept sealed, never shown; left out or null keeps it, "" clears it.'
    )
    audiences = Texts(required=False, help_text="aud names one of these, or the URL of the API.")
    algorithms = Texts(required=False, help_text=f"Out of: {', '.join(ALGORITHMS)}.")
    client_claim = Text(required=False, help_text="Which claim names the client: client_id, azp, ...")
    scope_claim = Text(required=False)
    at_jwt_only = Flag(required=False, help_text="Whether the header must say typ at+jwt (RFC 9068).")
    leeway_s = Whole(required=False, help_text="How far its clock may be ahead, in seconds.")
    proof = Flag(required=False, help_text="Whether who maps a client must show a token of it.")


class KeyManagerAnswer(serializers.Serializer):
    """A key manager; how it is asked is shown to administrators only."""

    id = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    description = serializers.CharField()


class OwnKeyManagerAnswer(KeyManagerAnswer):
    """A key manager; what only administrators see may be missing."""

    enabled = serializers.BooleanField(required=False)
    validation = serializers.ChoiceField(("resident", *VALIDATIONS), required=False)
    issuer = serializers.CharField(required=False)
    jwks_url = serializers.CharField(required=False)
    jwks = KeySetField(required=False)
    introspection_url = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    client_secret = serializers.CharField(required=False, allow_null=True, help_text="Always null.")
    client_secret_set = serializers.BooleanField(required=False)
    audiences = serializers.ListField(child=serializers.CharField(), required=False)
    algorithms = serializers.ListField(child=serializers.CharField(), required=False)
    client_claim = serializers.CharField(required=False)
    scope_claim = serializers.CharField(required=False)
    at_jwt_only = serializers.BooleanField(required=False)
    leeway_s = serializers.IntegerField(required=False)
    proof = serializers.BooleanField(required=False)

    def to_representation(self, row: KeyManager) -> dict[str, Any]:
        values = key_managers.fields_of(row)
        shown = {name: values[name] for name in DEFAULTS if name != SECRET}
        return {"id": str(row.pk), **shown, SECRET: None, f"{SECRET}_set": bool(values[SECRET])}


class FindingAnswer(serializers.Serializer):
    """One step of a try."""

    step = serializers.CharField()
    ok = serializers.BooleanField()
    found = serializers.CharField()


class TrialAnswer(serializers.Serializer):
    """What a key manager answered."""

    ok = serializers.BooleanField()
    findings = FindingAnswer(many=True)


class MappedKeyBody(Body):
    """A client of a key manager that shall act for the application."""

    key_manager = Text(help_text="Its name.")
    key_type = Text(help_text="production or sandbox")
    consumer_key = Text(help_text="The client id there.")
    access_token = Text(required=False, help_text="One that this client got, as proof that it is yours; not kept.")


class MappedKeyAnswer(serializers.Serializer):
    """A client of a key manager that acts for the application."""

    id = serializers.UUIDField()
    key_manager = serializers.CharField(source="key_manager.name")
    key_type = serializers.ChoiceField(shapes.KEY_TYPES)
    consumer_key = serializers.CharField()
    created_at = serializers.DateTimeField()


class KeyManagerResource(Resource):
    """Base of everything below /key-managers."""

    def manager(self, key_manager_id: UUID) -> KeyManager:
        """Raises: Missing."""
        return selectors.key_manager_get(self.actor, key_manager_id)

    @property
    def shows(self) -> type[serializers.Serializer]:
        return OwnKeyManagerAnswer if self.actor.can(Capability.ADMINISTER) else KeyManagerAnswer

    def answer(self, row: KeyManager, status: int = 200) -> Response:
        headers = {"Location": f"/api/v1/key-managers/{row.pk}"} if status == 201 else None
        return Response(self.shows(row).data, status=status, headers=headers)


_EXAMPLE: Final = {
    "name": "Company login",
    "issuer": "https://login.example.com/realms/main",
    "jwks_url": "https://login.example.com/realms/main/protocol/openid-connect/certs",
    "audiences": ["wsportal"],
    "client_claim": "azp",
    "at_jwt_only": False,
}


class KeyManagers(KeyManagerResource):
    @operation(
        "key-managers_list", "List the key managers", rows=OwnKeyManagerAnswer,
        detail="Administrators see everything but secrets, others id, name and description.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return self.page(selectors.key_managers(self.actor), self.shows)

    @operation(
        "key-managers_create", "Name a key manager (administrators)",
        body=KeyManagerBody, answer=OwnKeyManagerAnswer, status=201, errors=(403, 409), example=_EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        return self.answer(key_managers.key_manager_create(actor=self.actor, **self.body(KeyManagerBody)), 201)


class OneKeyManager(KeyManagerResource, RowEditions):
    model, key = KeyManager, "key_manager_id"

    @operation("key-managers_read", "Show a key manager", answer=OwnKeyManagerAnswer, errors=(404,))
    def get(self, request: Request, key_manager_id: UUID) -> Response:
        return self.answer(self.manager(key_manager_id))

    @operation(
        "key-managers_update", "Change a key manager; tokens that counted under other terms must be shown again",
        body=KeyManagerBody, answer=OwnKeyManagerAnswer, errors=(403, 404, 409), example={"enabled": False},
    )  # fmt: skip
    def patch(self, request: Request, key_manager_id: UUID) -> Response:
        row = self.manager(key_manager_id)
        self.actor.require(Capability.ADMINISTER)
        values = self.body(KeyManagerBody, partial=True)
        return self.answer(key_managers.key_manager_update(actor=self.actor, key_manager=row, **values))

    @operation(
        "key-managers_delete", "Take a key manager away; its sessions are closed",
        status=204, errors=(403, 404, 409),
    )  # fmt: skip
    def delete(self, request: Request, key_manager_id: UUID) -> Response:
        key_managers.key_manager_delete(actor=self.actor, key_manager=self.manager(key_manager_id))
        return Response(status=204)


class TryKeyManager(KeyManagerResource):
    @operation(
        "key-managers_test", "Ask a key manager what the gateway would ask it, and say what came",
        answer=TrialAnswer, errors=(403, 404, 409, 429),
    )  # fmt: skip
    def post(self, request: Request, key_manager_id: UUID) -> Response:
        row = self.manager(key_manager_id)
        self.optional_body(Body)
        found = trying_key_managers.key_manager_try(actor=self.actor, key_manager=row)
        return Response(TrialAnswer({"ok": all(one.ok for one in found), "findings": found}).data)


class MappedKeys(ApplicationResource):
    @operation(
        "applications_mapped-keys", "List the clients of other key managers that act for an application",
        rows=MappedKeyAnswer, errors=(404,),
    )  # fmt: skip
    def get(self, request: Request, application_id: UUID) -> Response:
        return self.page(selectors.mapped_keys_of(self.application(application_id)), MappedKeyAnswer)

    @operation(
        "applications_mapped-keys_create", "Let a client of another key manager act for an application",
        body=MappedKeyBody, answer=MappedKeyAnswer, status=201, errors=(404, 409, 429),
        example={"key_manager": "Company login", "key_type": "production", "consumer_key": "phone-app"},
    )  # fmt: skip
    def post(self, request: Request, application_id: UUID) -> Response:
        application: Application = self.application(application_id)
        mapped = mapping.key_map(actor=self.actor, application=application, **self.body(MappedKeyBody))
        where = f"/api/v1/applications/{application.pk}/mapped-keys/{mapped.pk}"
        return Response(MappedKeyAnswer(mapped).data, status=201, headers={"Location": where})


class OneMappedKey(ApplicationResource):
    @operation(
        "applications_mapped-keys_read", "Show a client of another key manager", answer=MappedKeyAnswer, errors=(404,)
    )
    def get(self, request: Request, application_id: UUID, mapped_key_id: UUID) -> Response:
        return Response(MappedKeyAnswer(selectors.mapped_key_get(self.application(application_id), mapped_key_id)).data)

    @operation(
        "applications_mapped-keys_delete", "Let it act for the application no longer; its sessions are closed",
        status=204, errors=(404,),
    )  # fmt: skip
    def delete(self, request: Request, application_id: UUID, mapped_key_id: UUID) -> Response:
        mapped = selectors.mapped_key_get(self.application(application_id), mapped_key_id)
        mapping.key_unmap(actor=self.actor, mapped_key=mapped)
        return Response(status=204)
