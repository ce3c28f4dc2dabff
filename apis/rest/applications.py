"""/applications: own applications, their keys and tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import searching, selectors, shapes
from apis.models import Application, Approval, KeyPair
from apis.rest.answers import KeysAnswer
from apis.rest.approvals import ApprovalAnswer
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Text, Texts
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import keys, subscribing

KEY_TYPE = OpenApiParameter("key_type", str, OpenApiParameter.PATH, enum=list(shapes.KEY_TYPES))
SEARCH = OpenApiParameter("search", str, description="Part of the name or description.")


class ApplicationBody(Body):
    """An application."""

    name = Text()
    plan = Text(required=False, help_text="Name of an application plan; `Unlimited` unless given.")
    description = Text(required=False)


class KeysBody(Body):
    """Which keys to make."""

    key_type = Text(help_text="production or sandbox")
    grant_types = Texts(required=False, help_text="client_credentials unless given.")
    redirect_uris = Texts(required=False, help_text="https://, or http:// for localhost; for authorization_code.")


class KeysChangeBody(Body):
    """What may be changed of existing keys."""

    grant_types = Texts(required=False)
    redirect_uris = Texts(required=False)


class KeyTypeBody(Body):
    """Which endpoint the token is for, and what it may carry."""

    key_type = Text(help_text="production or sandbox")
    scopes = Texts(required=False, help_text="Of the APIs that the application may use; none for the default one.")


class ApplicationAnswer(serializers.Serializer):
    """An application."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    plan = serializers.CharField(source="plan.name")
    description = serializers.CharField()
    owner = serializers.CharField(source="owner.username")
    subscriptions = serializers.IntegerField(source="subscription_count")
    state = serializers.ChoiceField(
        Application.State.values, help_text="Unless it is approved, it may have neither keys nor subscriptions."
    )
    created_at = serializers.DateTimeField()


class NewKeysAnswer(serializers.Serializer):
    """Consumer key and secret. The secret is shown this once."""

    key_type = serializers.ChoiceField(shapes.KEY_TYPES)
    consumer_key = serializers.CharField()
    consumer_secret = serializers.CharField()


class GeneratedTokenAnswer(serializers.Serializer):
    """An access token, shown this once."""

    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class ApplicationResource(Resource):
    """Base of everything below /applications."""

    capabilities = (Capability.USE_APPLICATIONS, Capability.ADMINISTER)

    def application(self, application_id: UUID) -> Application:
        """Raises: Missing for somebody else's."""
        return selectors.application_get(self.actor, application_id)

    def pair(self, application_id: UUID, key_type: str) -> KeyPair:
        """Raises: Missing."""
        return selectors.key_pair_get(self.actor, self.application(application_id), key_type)

    def answer(self, application: Application, status: int = 200) -> Response:
        """The application as it now is in the database."""
        shown = ApplicationAnswer(self.application(application.pk)).data
        headers = {"Location": f"/api/v1/applications/{application.pk}"} if status == 201 else None
        return Response(shown, status=status, headers=headers)


class Applications(ApplicationResource):
    @operation("applications_list", "List your applications", rows=ApplicationAnswer, query=(SEARCH,))
    def get(self, request: Request) -> Response:
        rows = searching.applications_matching(selectors.applications_of(self.actor), self.query("search"))
        return self.page(rows, ApplicationAnswer)

    @operation(
        "applications_create", "Create an application",
        body=ApplicationBody, answer=ApplicationAnswer, status=201, or_status=202, errors=(403, 409),
        example={"name": "Phone", "plan": "50PerMin"},
        detail="202 where the installation asks for approval of new applications (`/approvals`).",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.USE_APPLICATIONS)
        made = subscribing.application_create(actor=self.actor, **self.body(ApplicationBody))
        return self.answer(made, 201 if made.state == Application.State.APPROVED else 202)


class OneApplication(ApplicationResource, RowEditions):
    model, key = Application, "application_id"

    def may_be_told(self, row: Application) -> bool:
        return True  # it is theirs, or it is not there

    @operation("applications_read", "Show an application", answer=ApplicationAnswer, errors=(404,))
    def get(self, request: Request, application_id: UUID) -> Response:
        return self.answer(self.application(application_id))

    @operation(
        "applications_update", "Change an application",
        body=ApplicationBody, answer=ApplicationAnswer, errors=(404, 409), example={"plan": "20PerMin"},
    )  # fmt: skip
    def patch(self, request: Request, application_id: UUID) -> Response:
        application = self.application(application_id)
        values = self.body(ApplicationBody, partial=True)
        return self.answer(subscribing.application_update(actor=self.actor, application=application, **values))

    @operation(
        "applications_delete", "Delete an application with its keys, tokens and subscriptions",
        status=204, errors=(404, 409),
    )  # fmt: skip
    def delete(self, request: Request, application_id: UUID) -> Response:
        subscribing.application_delete(actor=self.actor, application=self.application(application_id))
        return Response(status=204)


class Keys(ApplicationResource):
    @operation("applications_keys", "List the keys of an application, without secrets", rows=KeysAnswer, errors=(404,))
    def get(self, request: Request, application_id: UUID) -> Response:
        return self.page(list(selectors.key_pairs_of(self.application(application_id)).values()), KeysAnswer)

    @operation(
        "applications_keys_create", "Make consumer key and secret; the secret is shown once",
        body=KeysBody, answer=NewKeysAnswer, status=201, or_status=202, or_answer=ApprovalAnswer, errors=(404, 409),
        example={"key_type": "production"},
        detail="202 with the request where an administrator approves the first keys of this type (`/approvals`): "
        "nothing is made before, so ask again once it is approved. Until then tokens, API keys and mapped clients of "
        "this type are refused too (409 `keys_need_approval`).",
    )  # fmt: skip
    def post(self, request: Request, application_id: UUID) -> Response:
        application = self.application(application_id)
        made = keys.keys_generate_or_ask(actor=self.actor, application=application, **self.body(KeysBody))
        if isinstance(made, Approval):
            headers = {"Location": f"/api/v1/approvals/{made.pk}"}
            return Response(ApprovalAnswer(made).data, status=202, headers=headers)
        return new_keys(*made, 201)


class OneKeyPair(ApplicationResource, RowEditions):
    model, key = KeyPair, "key_type"

    def row_key(self, **kwargs: Any) -> Any:
        return self.pair(kwargs["application_id"], kwargs["key_type"]).pk

    def may_be_told(self, row: KeyPair) -> bool:
        return True  # they are theirs, or they are not there

    @operation(
        "applications_keys_read", "Show keys, without the secret", answer=KeysAnswer, errors=(404,), query=(KEY_TYPE,)
    )
    def get(self, request: Request, application_id: UUID, key_type: str) -> Response:
        return Response(KeysAnswer(self.pair(application_id, key_type)).data)

    @operation(
        "applications_keys_update", "Change grant types and redirect URIs",
        body=KeysChangeBody, answer=KeysAnswer, errors=(404,), query=(KEY_TYPE,),
        example={"grant_types": ["authorization_code"], "redirect_uris": ["https://phone.example.com/back"]},
    )  # fmt: skip
    def patch(self, request: Request, application_id: UUID, key_type: str) -> Response:
        pair = self.pair(application_id, key_type)
        present = {"grant_types": pair.grant_types, "redirect_uris": pair.client.redirect_uris.split()}
        keys.keys_update(actor=self.actor, pair=pair, **{**present, **self.body(KeysChangeBody, partial=True)})
        return Response(KeysAnswer(self.pair(application_id, key_type)).data)


class Secret(ApplicationResource):
    @operation(
        "applications_keys_regenerate_secret", "Replace the consumer secret; the old one stops working at once",
        answer=NewKeysAnswer, errors=(404,), query=(KEY_TYPE,),
    )  # fmt: skip
    def post(self, request: Request, application_id: UUID, key_type: str) -> Response:
        pair = self.pair(application_id, key_type)
        self.optional_body(Body)
        return new_keys(pair, keys.secret_regenerate(actor=self.actor, pair=pair), 200)


class GenerateToken(ApplicationResource):
    @operation(
        "applications_generate_token", "Make an access token to try an API with",
        body=KeyTypeBody, answer=GeneratedTokenAnswer, status=201, errors=(404,), example={"key_type": "production"},
    )  # fmt: skip
    def post(self, request: Request, application_id: UUID) -> Response:
        application = self.application(application_id)
        token, life = keys.token_generate(actor=self.actor, application=application, **self.body(KeyTypeBody))
        return Response({"access_token": token, "token_type": "Bearer", "expires_in": life}, status=201)


def new_keys(pair: KeyPair, secret: str, status: int) -> Response:
    """Keys with their secret, which only this answer shows."""
    shown = {"key_type": pair.key_type, "consumer_key": pair.client.client_id, "consumer_secret": secret}
    return Response(shown, status=status)
