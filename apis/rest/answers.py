"""How objects look in answers. Shapes only; what somebody may see is decided by the selectors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apis import selectors, shapes
from apis.lifecycle import State
from apis.models import Api, Deployment, KeyPair, Revision, Subscription
from apis.permissions import Actor, can_see_api
from apis.rest.about import AboutWords, BusinessAnswer
from apis.selectors_social import stars_carried
from apis.shapes_endpoint import shown
from apis.shapes_topics import SECURITIES


class DeploymentAnswer(serializers.Serializer):
    """A revision on an environment."""

    environment = serializers.CharField(source="environment.name")
    vhost = serializers.SerializerMethodField(help_text="The host on which clients reach it there.")
    revision = serializers.IntegerField(source="revision.number")
    deployed_at = serializers.DateTimeField()

    def get_vhost(self, row: Deployment) -> str:
        return row.vhost or row.environment.host


class DeploymentOfRevision(DeploymentAnswer):
    """A revision on an environment, for those who see the design."""

    deployed_by = serializers.CharField(
        source="deployed_by.username", default=None, allow_null=True, help_text="Null where that person is gone."
    )


class StarsOfApi(serializers.Serializer):
    """How an API is rated."""

    average = serializers.FloatField(allow_null=True, help_text="Stars, 1 to 5; null while nobody rated it.")
    count = serializers.IntegerField(help_text="People who rated it.")


class ApiAnswer(AboutWords, serializers.Serializer):
    """An API. Needs `actor` and `environments` in its context (`api_context`)."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField(help_text="What people read in the place of the name; may be empty.")
    context = serializers.CharField()  # type: ignore[assignment]  # declared fields leave the class
    version = serializers.CharField()
    path = serializers.CharField(help_text="Context and version as clients write them at the gateway.")
    state = serializers.ChoiceField([state.value for state in State])
    provider = serializers.CharField(source="provider.username", help_text="User name of its creator.")
    description = serializers.CharField(help_text="Markdown.")
    tags = serializers.ListField(child=serializers.CharField())
    categories = serializers.SerializerMethodField(help_text="Names.")
    business = BusinessAnswer(source="owners")
    properties = serializers.SerializerMethodField(
        help_text="To people who may not see designs those that the developer portal shows."
    )
    thumbnail = serializers.SerializerMethodField(help_text="Its address below this host, or null.")
    access_roles = serializers.SerializerMethodField(
        help_text="Roles that see the design; empty: every creator and publisher. null for people who may not."
    )
    visible_roles = serializers.SerializerMethodField(
        help_text="Roles that see it in the developer portal; empty: everybody. null likewise."
    )
    endpoint = serializers.SerializerMethodField(
        help_text="The first production URL; null while there is none, and for people who may not see designs."
    )
    business_plans = serializers.SerializerMethodField()
    api_plan = serializers.SerializerMethodField(
        help_text="Name of the API plan that counts all of its sessions together; null for none, and for people who "
        "may not see designs."
    )
    gateway_urls = serializers.SerializerMethodField(help_text="Where clients connect once it is deployed.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    is_default_version = serializers.SerializerMethodField(help_text="It answers where the path names no version.")
    deployments = DeploymentAnswer(many=True)
    rating = serializers.SerializerMethodField()

    @extend_schema_field(StarsOfApi)
    def get_rating(self, api: Api) -> dict[str, Any]:
        return dict(StarsOfApi(stars_carried(api)).data)

    def get_is_default_version(self, api: Api) -> bool:
        return api.version_set.default_api_id == api.pk

    def get_endpoint(self, api: Api) -> str | None:
        if not can_see_api(self.root._context["actor"], api):
            return None
        rows = [row for row in api.endpoints.all() if row.key_type == "production"]
        return next((url for row in rows for url in row.urls), None)

    def get_business_plans(self, api: Api) -> list[str]:
        return [plan.name for plan in api.business_plans.all()]

    def get_api_plan(self, api: Api) -> str | None:
        if api.api_plan is None or not can_see_api(self.root._context["actor"], api):
            return None
        return api.api_plan.name

    def get_gateway_urls(self, api: Api) -> list[str]:
        return selectors.gateway_urls(api, self.root._context["environments"])


def api_context(actor: Actor) -> dict[str, Any]:
    """What ApiAnswer needs besides the API: read once for a whole list."""
    return {"actor": actor, "environments": list(selectors.environments())}


def _scope_names(help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), required=False, help_text=help_text)


class TopicAnswer(serializers.Serializer):
    """A topic: a path below the API that clients connect to. What is left out gets its default."""

    name = serializers.CharField(help_text="Such as `/rooms/{roomID}`, or `/rooms/*` for everything below.")
    subscribe = serializers.BooleanField(required=False, help_text="Clients may receive; true unless given.")
    publish = serializers.BooleanField(required=False, help_text="Clients may send; true unless given.")
    url_mapping = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What the endpoint is asked for, with `{uri.var.roomID}` for a parameter; empty: the same path.",
    )
    scopes = _scope_names("What a token needs to connect at all.")
    subscribe_scopes = _scope_names("What it needs besides to receive.")
    publish_scopes = _scope_names("What it needs besides to send.")
    security = serializers.ChoiceField(SECURITIES, required=False, help_text="none: no credential is asked for.")
    api_plan = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Name of the API plan that counts all sessions of this topic together; empty for none.",
    )
    api_plan = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Name of an API plan for all of its sessions together; may be empty.",
    )


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
    deployments = DeploymentOfRevision(many=True)

    def get_created_by(self, revision: Revision) -> str | None:
        return revision.created_by.get_username() if revision.created_by else None


class RevisionDetail(RevisionAnswer):
    """A frozen design with its content."""

    design = serializers.SerializerMethodField(help_text="Secrets of its endpoints are null.")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_design(self, revision: Revision) -> dict[str, Any]:
        endpoints = {key_type: shown(config) for key_type, config in revision.design["endpoints"].items()}
        return {**revision.design, "endpoints": endpoints}


class TransitionAnswer(serializers.Serializer):
    """One way out of the present state."""

    action = serializers.CharField()
    to = serializers.CharField()
    allowed = serializers.BooleanField(help_text="Whether you may do it now.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Fields that must be set first.")


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
    pending_plan = serializers.CharField(
        source="pending_plan.name",
        default=None,
        allow_null=True,
        help_text="A plan that waits for approval; until then the other counts.",
    )
    rejected_because = serializers.CharField(
        source="rejection.reason",
        default=None,
        allow_null=True,
        help_text="What an administrator said; null unless it was rejected.",
    )
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When its sessions last did something, at most a minute behind; null for never."
    )
    created_at = serializers.DateTimeField()
