"""/apis/{id}/security and /test-key, /applications/{id}/api-keys: who may come in, and with what."""

from __future__ import annotations

from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import shapes
from apis.rest.applications import ApplicationResource
from apis.rest.designs import ApiResource
from apis.rest.fields import Body, Text, Texts, Whole
from apis.rest.schema import operation
from apis.selectors_credentials import api_key_get
from apis.services import api_keys, securing
from apis.shapes_security import SCHEMES


def _texts(help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), required=False, default=[], help_text=help_text)


class SecuritySettings(serializers.Serializer):
    """How an API is protected. What is left out gets its default."""

    schemes = serializers.ListField(
        child=serializers.ChoiceField(SCHEMES), required=False, default=["oauth"], min_length=1,
        help_text="What is accepted: access tokens (`oauth`), API keys (`api_key`), or both.",
    )  # fmt: skip
    key_managers = _texts("Whose tokens count: names; none for every one that is enabled. The built-in: `Resident`.")
    query_credentials = serializers.BooleanField(
        required=False, default=False,
        help_text="Whether `?access_token=` and `?apikey=` count. They end up in other people's logs; tickets do not.",
    )  # fmt: skip
    origins = _texts("Pages that may connect: exact values of `Origin`, or `null`; none for any.")
    backend_jwt = serializers.BooleanField(
        required=False, default=False, help_text="Whether the backend gets a signed `X-JWT-Assertion`."
    )
    inspect_payload = serializers.BooleanField(
        required=False, default=False, help_text="Whether the frame inspector may show payloads."
    )
    mask = _texts("JSON pointers that the frame inspector hides, such as `/card/number`.")


class TestKeyBody(Body):
    """Which endpoint to try."""

    key_type = Text(required=False, help_text="production (unless given) or sandbox")


class TestKeyAnswer(serializers.Serializer):
    """A test key, shown this once: send it in the header `ApiKey`."""

    api_key = serializers.CharField()
    key_type = serializers.ChoiceField(shapes.KEY_TYPES)
    expires_in = serializers.IntegerField(help_text="seconds")


class ApiKeyBody(Body):
    """An API key to make."""

    key_type = Text(help_text="production or sandbox")
    expires_in = Whole(required=False, allow_null=True, help_text="Seconds; without it, until it is revoked.")
    permitted_ips = Texts(required=False, help_text="Addresses and networks such as 192.0.2.0/24; none for any.")
    permitted_referers = Texts(
        required=False, help_text="Pages such as https://app.example.com or *.example.com/shop/*; none for any."
    )


class ApiKeyAnswer(serializers.Serializer):
    """An API key, without the key itself."""

    id = serializers.UUIDField()
    key_type = serializers.ChoiceField(shapes.KEY_TYPES)
    hint = serializers.CharField(help_text="The last characters of the key.")
    state = serializers.CharField(help_text="active, expired or revoked")
    permitted_ips = serializers.ListField(child=serializers.CharField())
    permitted_referers = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="A few seconds behind.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewApiKeyAnswer(ApiKeyAnswer):
    """An API key. The key itself is shown this once: send it in the header `ApiKey`."""

    api_key = serializers.CharField()


class Security(ApiResource):
    fields = ("security",)

    @operation("apis_security_read", "Show how an API is protected", answer=SecuritySettings, errors=(403, 404))
    def get(self, request: Request, api_id: UUID) -> Response:
        return Response(SecuritySettings(self.design(api_id).security).data)

    @operation(
        "apis_security_replace", "Set how an API is protected",
        body=SecuritySettings, answer=SecuritySettings, errors=(403, 404),
        detail="Takes effect at once where the API is deployed: live sessions that could not come in any more are "
        "closed with 4403. The answer has every field, filled in.",
        example={"schemes": ["oauth", "api_key"], "origins": ["https://app.example.com"]},
    )  # fmt: skip
    def put(self, request: Request, api_id: UUID) -> Response:
        api = securing.security_configure(actor=self.actor, api=self.design(api_id), settings=self.whole_body())
        return Response(SecuritySettings(api.security).data)


class TestKey(ApiResource):
    @operation(
        "apis_test_key", "Make a key to try a deployed API with before anybody can subscribe",
        body=TestKeyBody, answer=TestKeyAnswer, status=201, errors=(403, 404, 409),
        detail="For creators and publishers. It opens this API in any state but blocked and retired, for an hour, in "
        "ten sessions at once; it has every scope, and what it does is nobody's subscription.",
    )  # fmt: skip
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        row, key = api_keys.api_test_key_create(actor=self.actor, api=api, **self.optional_body(TestKeyBody))
        shown = {"api_key": key, "key_type": row.key_type, "expires_in": api_keys.TEST_KEY_SECONDS}
        return Response(shown, status=201)


class ApiKeys(ApplicationResource):
    @operation("applications_api_keys", "List the API keys of an application", rows=ApiKeyAnswer, errors=(404,))
    def get(self, request: Request, application_id: UUID) -> Response:
        return self.page(self.application(application_id).api_keys.all(), ApiKeyAnswer)

    @operation(
        "applications_api_keys_create", "Make an API key; it is shown once",
        body=ApiKeyBody, answer=NewApiKeyAnswer, status=201, errors=(404, 409),
        example={"key_type": "production", "expires_in": 2_592_000, "permitted_ips": ["192.0.2.0/24"]},
    )  # fmt: skip
    def post(self, request: Request, application_id: UUID) -> Response:
        application = self.application(application_id)
        row, key = api_keys.api_key_create(actor=self.actor, application=application, **self.body(ApiKeyBody))
        return Response({**ApiKeyAnswer(row).data, "api_key": key}, status=201)


class OneApiKey(ApplicationResource):
    @operation("applications_api_keys_delete", "Revoke an API key", status=204, errors=(404, 409))
    def delete(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        key = api_key_get(self.actor, self.application(application_id), key_id)
        api_keys.api_key_revoke(actor=self.actor, key=key)
        return Response(status=204)
