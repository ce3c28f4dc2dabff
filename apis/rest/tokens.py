"""/tokens: personal tokens for programs that act for a person."""

from __future__ import annotations

from uuid import UUID

from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_credentials
from apis.rest.authentication import PasswordAuthentication
from apis.rest.base import Resource
from apis.rest.fields import Body, Text, Texts, Whole
from apis.rest.schema import operation
from apis.roles import Scope
from apis.services import people


class TokenBody(Body):
    """A new personal token."""

    name = Text(help_text="What you will know it by.")
    scopes = Texts(required=False, help_text=f"Out of: {', '.join(Scope)}. None: all that your roles allow.")
    expires_in = Whole(required=False, help_text="Seconds, at most 366 days; 30 days unless given.")


class NewTokenAnswer(serializers.Serializer):
    """The token, shown this once."""

    id = serializers.UUIDField()
    token = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class TokenAnswer(serializers.Serializer):
    """A personal token, without the token itself."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class Tokens(Resource):
    def get_authenticators(self) -> list[BaseAuthentication]:
        """A token is minted with the password, so that no token can beget others."""
        posting = self.request is not None and self.request.method == "POST"
        return [PasswordAuthentication()] if posting else super().get_authenticators()

    @operation("tokens_list", "List your personal tokens", rows=TokenAnswer)
    def get(self, request: Request) -> Response:
        return self.page(selectors_credentials.personal_tokens_of(self.actor), TokenAnswer)

    @operation(
        "tokens_create", "Mint a personal token with user name and password",
        body=TokenBody, answer=NewTokenAnswer, status=201, errors=(429,), auth=[{"password": []}],
        example={"name": "deploy script", "scopes": ["api:create", "api:publish"], "expires_in": 86400},
        detail="HTTP Basic. The token is shown once. No or empty scopes: all that your roles allow.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        row, token = people.personal_token_mint(person=self.actor.person, **self.body(TokenBody))
        shown = {"id": row.pk, "token": token, "scopes": row.scopes, "expires_at": row.expires_at}
        return Response(NewTokenAnswer(shown).data, status=201)


class OneToken(Resource):
    @operation(
        "tokens_delete", "Revoke one of your personal tokens", status=204, errors=(403, 404),
        detail="A token may revoke itself, and others that allow no more than it does.",
    )  # fmt: skip
    def delete(self, request: Request, token_id: UUID) -> Response:
        token = selectors_credentials.personal_token_get(self.actor, token_id)
        people.personal_token_revoke(actor=self.actor, token=token)
        return Response(status=204)
