"""How objects look in answers. Shapes only; what somebody may see is decided by the selectors."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apis import selectors, shapes
from apis.lifecycle import State
from apis.models import Api, Endpoint, Environment, KeyPair, Revision, Subscription
from apis.permissions import Actor, can_see_api
from apis.shapes_endpoint import shown


class DeploymentAnswer(serializers.Serializer):
    """A revision on an environment."""

    environment = serializers.CharField(source="environment.name")
    revision = serializers.IntegerField(source="revision.number")
    deployed_at = serializers.DateTimeField()


class ApiAnswer(serializers.Serializer):
    """An API. Needs `actor` and `environments` in its context (`api_context`)."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField(help_text="What people read in the place of the name; may be empty.")
    context = serializers.CharField()  # type: ignore[assignment]  # declared fields leave the class
    version = serializers.CharField()
    path = serializers.CharField(help_text="Context and version as clients write them at the gateway.")
    state = serializers.ChoiceField([state.value for state in State])
    provider = serializers.CharField(source="provider.username", help_text="User name of its creator.")
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    endpoint = serializers.SerializerMethodField(
        help_text="The first production URL; null while there is none, and for people who may not see designs."
    )
    business_plans = serializers.SerializerMethodField()
    gateway_urls = serializers.SerializerMethodField(help_text="Where clients connect once it is deployed.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deployments = DeploymentAnswer(many=True)

    def get_endpoint(self, api: Api) -> str | None:
        if not can_see_api(self.root._context["actor"], api):
            return None
        rows = [row for row in api.endpoints.all() if row.key_type == "production"]
        return next((url for row in rows for url in row.urls), None)

    def get_business_plans(self, api: Api) -> list[str]:
        return [plan.name for plan in api.business_plans.all()]

    def get_gateway_urls(self, api: Api) -> list[str]:
        return selectors.gateway_urls(api, self.root._context["environments"])


def api_context(actor: Actor) -> dict[str, Any]:
    """What ApiAnswer needs besides the API: read once for a whole list."""
    return {"actor": actor, "environments": list(selectors.environments())}


class TopicAnswer(serializers.Serializer):
    """A topic: may clients receive (subscribe) and send (publish)."""

    name = serializers.CharField()
    subscribe = serializers.BooleanField()
    publish = serializers.BooleanField()


class EndpointUrl(serializers.Serializer):
    """One upstream."""

    url = serializers.CharField(help_text="ws:// or wss://")
    weight = serializers.IntegerField(required=False, help_text="1 to 1000, for the strategy `weighted`.")


class EndpointTimeouts(serializers.Serializer):
    """How long to wait; `idle_s` 0 means for ever."""

    connect_ms = serializers.IntegerField(required=False)
    handshake_ms = serializers.IntegerField(required=False)
    idle_s = serializers.IntegerField(required=False)
    action = serializers.ChoiceField(["next", "refuse"], required=False, help_text="What a handshake does then.")


class EndpointSuspension(serializers.Serializer):
    """When an upstream that fails is left alone, and for how long."""

    errors = serializers.ListField(child=serializers.CharField(), required=False)  # type: ignore[assignment]
    initial_ms = serializers.IntegerField(required=False)
    max_ms = serializers.IntegerField(required=False)
    factor = serializers.FloatField(required=False)
    retries = serializers.IntegerField(required=False)
    retry_delay_ms = serializers.IntegerField(required=False)


class EndpointConfig(serializers.Serializer):
    """Where frames of one key type go, and how. What is left out is filled with defaults."""

    urls = EndpointUrl(many=True)
    strategy = serializers.ChoiceField(["round_robin", "failover", "least_sessions", "weighted"], required=False)
    timeouts = EndpointTimeouts(required=False)
    suspension = EndpointSuspension(required=False)

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        return shown(instance.config)


def _count(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1_000_000, help_text=help_text
    )


class RuntimeLimits(serializers.Serializer):
    """What an API asks of every session. What is left out gets its default; null is no limit of the API's own."""

    max_message_bytes = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=125, max_value=64 << 20,
        help_text="A larger one closes with 1009. The smaller of this and the plan's holds; 1 MiB by default.",
    )  # fmt: skip
    max_session_s = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=366 * 86_400,
        help_text="Then a session is closed with 4408. The shorter of this and the plan's holds; a day by default.",
    )  # fmt: skip
    idle_s = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=86_400,
        help_text="Nothing travelled for so long: closed with 4408. 0 leaves it to the endpoint's `idle_s`.",
    )  # fmt: skip
    keepalive_s = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=3_600,
        help_text="A silent side is pinged after so long, 5 at least, and given up after two pings; 0 is not at all.",
    )  # fmt: skip
    slow_consumer_s = serializers.IntegerField(
        required=False, default=60, min_value=1, max_value=3_600,
        help_text="A client that does not take what is sent to it for so long is closed with 4108.",
    )  # fmt: skip
    max_sessions = _count("Sessions at once; one more is refused with 429.")
    max_sessions_per_application = _count("Sessions at once of one application; one more is refused with 429.")
    max_sessions_per_ip = _count("Sessions at once from one client address; one more is refused with 429.")


class RevisionAnswer(serializers.Serializer):
    """A frozen design."""

    number = serializers.IntegerField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    deployments = DeploymentAnswer(many=True)

    def get_created_by(self, revision: Revision) -> str | None:
        return revision.created_by.get_username() if revision.created_by else None


class RevisionDetail(RevisionAnswer):
    """A frozen design with its content."""

    design = serializers.JSONField()


class TransitionAnswer(serializers.Serializer):
    """One way out of the present state."""

    action = serializers.CharField()
    to = serializers.CharField()
    allowed = serializers.BooleanField(help_text="Whether you may do it now.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Fields that must be set first.")


class HistoryAnswer(serializers.Serializer):
    """Who did what when."""

    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    action = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.JSONField()


class EnvironmentAnswer(serializers.Serializer):
    """A gateway environment."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    urls = serializers.SerializerMethodField(help_text="Where it listens.")

    def get_urls(self, row: Environment) -> list[str]:
        return selectors.environment_urls(row)


class KeysAnswer(serializers.Serializer):
    """Consumer keys of one key type; never the secret."""

    key_type = serializers.ChoiceField(shapes.KEY_TYPES)
    consumer_key = serializers.CharField(source="client.client_id")
    grant_types = serializers.ListField(child=serializers.CharField())
    redirect_uris = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_redirect_uris(self, pair: KeyPair) -> list[str]:
        return pair.client.redirect_uris.split()


class SubscriptionAnswer(serializers.Serializer):
    """An application's right to use an API under a business plan."""

    id = serializers.UUIDField()
    api = serializers.UUIDField(source="api_id")
    api_name = serializers.CharField(source="api.name")
    api_version = serializers.CharField(source="api.version")
    application = serializers.UUIDField(source="application_id")
    application_name = serializers.CharField(source="application.name")
    owner = serializers.CharField(source="application.owner.username")
    business_plan = serializers.CharField(source="business_plan.name")
    state = serializers.ChoiceField(Subscription.State.values)
    created_at = serializers.DateTimeField()
