"""An API, its versions, endpoints, topics, revisions and where they are deployed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models

from apis.lifecycle import LABELS, State
from apis.models.plan import ApiPlan, BusinessPlan, duration
from apis.models.portal import ApiCategory, names_field
from apis.shapes import DEFAULT_RUNTIME, default_runtime
from apis.shapes_about import no_owners
from apis.shapes_security import default_security, security_terms
from apis.shapes_topics import TOPIC_FIELDS, topic_of
from apis.words import phrase


class VersionSet(models.Model):
    """What all versions of one API share: the name and the context, each taken once on this gateway."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)
    context = models.CharField(max_length=200, unique=True)
    default_api = models.OneToOneField(
        "Api",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="default_of",
        help_text="the version that answers where the path names none",
    )

    def __str__(self) -> str:
        return self.name


class Api(models.Model):
    """One version of a managed WebSocket API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version_set = models.ForeignKey(VersionSet, on_delete=models.PROTECT, related_name="apis")
    version = models.CharField(max_length=30)
    path = models.CharField(max_length=232, unique=True, help_text="context and version as the gateway sees them")
    display_name = models.CharField(max_length=50, blank=True, default="")
    description = models.TextField(blank=True, default="", help_text="Markdown")
    tags = models.JSONField(default=list, blank=True)
    categories = models.ManyToManyField(ApiCategory, related_name="apis", blank=True)
    business = models.JSONField(
        default=no_owners,
        db_default=models.Value({}, models.JSONField()),
        help_text="shape: apis.shapes_about.business",
    )
    access_roles = names_field("roles that see the design; none: every creator and publisher")
    visible_roles = names_field("roles that see it in the developer portal; none: everybody")
    properties = names_field("shape: apis.shapes_about.properties")
    provider = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="apis")
    state = models.CharField(max_length=12, choices=[(s.value, LABELS[s]) for s in State], default=State.CREATED)
    business_plans = models.ManyToManyField(BusinessPlan, related_name="apis", blank=True)
    api_plan = models.ForeignKey(ApiPlan, null=True, blank=True, on_delete=models.PROTECT, related_name="apis")
    runtime = models.JSONField(default=default_runtime, help_text="complete; shape: apis.shapes.runtime_limits")
    security = models.JSONField(default=default_security, help_text="complete; shape: apis.shapes_security.security")
    definition = models.TextField(
        blank=True, default="", db_default="", help_text="AsyncAPI text as somebody wrote it; empty: made of the design"
    )
    last_revision = models.PositiveIntegerField(default=0, help_text="numbers are never used twice")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "API"
        verbose_name_plural = "APIs"
        ordering = ("version_set__name", "-created_at")
        constraints = [
            models.UniqueConstraint(fields=("version_set", "version"), name="one_api_per_version"),
        ]
        indexes = [models.Index(fields=("state",))]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def name(self) -> str:
        return self.version_set.name

    @property
    def context(self) -> str:
        return self.version_set.context

    @property
    def title(self) -> str:
        """What people read: the display name, or the name."""
        return self.display_name or self.name

    @property
    def owners(self) -> dict[str, str]:
        """Business information, complete (shape: apis.shapes_about.business)."""
        return no_owners() | self.business

    @property
    def picture(self) -> str:
        """The digest of the thumbnail, or "" where there is none."""
        found = getattr(self, "thumbnail", None)  # RelatedObjectDoesNotExist is an AttributeError, too
        return found.digest if found is not None else ""

    @property
    def security_terms(self) -> list[str]:
        """In words, what the API accepts."""
        return security_terms(self.security)

    @property
    def runtime_terms(self) -> list[str]:
        """In words, what the API asks of its sessions and another would not; nothing where all is as by default."""
        chosen = {name: value for name, value in self.runtime.items() if value != DEFAULT_RUNTIME[name]}
        return [words(chosen[name]) for name, words in _RUNTIME_WORDS.items() if name in chosen]


_RUNTIME_WORDS: dict[str, Callable[[int], str]] = {
    "max_message_bytes": lambda size: phrase("messages of at most {size:,} bytes", size=size),
    "max_session_s": lambda length: phrase("a connection lasts at most {duration}", duration=duration(length)),
    "idle_s": lambda length: phrase("closed after {duration} of silence", duration=duration(length)),
    "keepalive_s": lambda length: phrase("pinged after {duration} of silence", duration=duration(length)),
    "slow_consumer_s": lambda length: phrase("cut off when it takes nothing for {duration}", duration=duration(length)),
    "max_sessions": lambda count: phrase("at most {count:,} connections at once", count=count),
    "max_sessions_per_application": lambda count: phrase("at most {count:,} at once for one application", count=count),
    "max_sessions_per_ip": lambda count: phrase("at most {count:,} at once from one address", count=count),
}


class KeyType(models.TextChoices):
    """Production or sandbox: which endpoint a credential reaches."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"


class Endpoint(models.Model):
    """Where the frames of one key type go. `config` is complete (shape: apis.shapes_endpoint.endpoint_config)."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="endpoints")
    key_type = models.CharField(max_length=10, choices=KeyType.choices)
    config = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("api", "key_type"), name="one_endpoint_per_key_type")]
        ordering = ("key_type",)

    def __str__(self) -> str:
        return f"{self.key_type} endpoint of {self.api}"

    @property
    def urls(self) -> list[str]:
        return [item["url"] for item in self.config["urls"]]


class Topic(models.Model):
    """A path below an API that clients connect to; may they send (publish), receive (subscribe), or both."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="topics")
    name = models.CharField(max_length=200)
    subscribe = models.BooleanField(default=True)
    publish = models.BooleanField(default=True)
    url_mapping = models.CharField(max_length=500, blank=True, default="", help_text="shape: apis.shapes_topics")
    scopes = models.JSONField(default=list, blank=True, help_text="names that a token needs to connect at all")
    subscribe_scopes = models.JSONField(default=list, blank=True, help_text="names needed to receive")
    publish_scopes = models.JSONField(default=list, blank=True, help_text="names needed to send")
    security = models.CharField(max_length=10, default="oauth", help_text="oauth, or none for a topic open to anybody")
    api_plan = models.CharField(max_length=50, blank=True, default="", help_text="name of the API plan of this topic")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("api", "name"), name="one_topic_per_name")]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def design(self) -> dict[str, Any]:
        """The topic as a revision freezes it (shape: apis.shapes_topics)."""
        return topic_of({name: getattr(self, name) for name in TOPIC_FIELDS})


class Scope(models.Model):
    """What a token may carry so that topics let it do something; names are unique on this gateway.

    A shared scope may be named by the topics of every API; a local one (`version_set`) by those of one API, in all of
    its versions. `roles` binds it to people: only somebody with one of them gets it in a token of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version_set = models.ForeignKey(
        VersionSet, null=True, blank=True, on_delete=models.CASCADE, related_name="local_scopes"
    )
    name = models.CharField(max_length=60, unique=True)
    display_name = models.CharField(max_length=100, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    roles = models.JSONField(default=list, blank=True, help_text="names of roles; none for everybody")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """What people read: the display name, or the name."""
        return self.display_name or self.name


class Environment(models.Model):
    """A gateway environment: where its clients connect. Ports are those of the first start (see conf)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)
    description = models.TextField(blank=True, default="")
    host = models.CharField(max_length=253, default="localhost")
    ws_port = models.PositiveIntegerField(null=True, blank=True)
    wss_port = models.PositiveIntegerField(null=True, blank=True)
    vhosts = names_field("further hosts; shape: apis.shapes_vhosts.vhosts")
    deploy_roles = names_field("roles that may deploy here; none: every creator and publisher who may deploy")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """A frozen design. Read-only once made; it can be deployed, restored, or deleted while not deployed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    description = models.CharField(max_length=200, blank=True, default="")
    design = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("api", "number"), name="one_revision_per_number")]
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"Revision {self.number}"


class Deployment(models.Model):
    """A revision on an environment: what the gateway serves.

    `design` starts as the revision's. Its `endpoints` and `runtime` follow later changes at once, because where an
    upstream lives and how patient we are is operations and not design; the revision keeps what it was made with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="deployments")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="deployments")
    design = models.JSONField()
    vhost = models.CharField(
        max_length=253, blank=True, default="", db_default="", help_text="one of the environment's; empty: its own host"
    )
    deployed_at = models.DateTimeField(auto_now=True)
    deployed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("api", "environment"), name="one_deployment_per_environment")]
        ordering = ("environment__name",)

    def __str__(self) -> str:
        return f"{self.revision} on {self.environment}"

    @property
    def endpoints(self) -> dict[str, Any]:
        return self.design["endpoints"]
