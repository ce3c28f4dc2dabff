"""What the rules look at, read once: an API with everything around it. At most six queries beyond the API's own."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from apis.models import Api, ApiPlan, BusinessPlan, Deployment, Environment, KeyManager, Person, Revision, Role, Scope
from apis.scoping import scopes_usable
from apis.selectors import deployments_of
from apis.shapes_endpoint import complete
from apis.shapes_security import RESIDENT
from apis.shapes_topics import scopes_named


class Facts:
    """An API for the rules; everything is read when it is first asked for."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.security: dict[str, Any] = api.security
        self.runtime: dict[str, Any] = api.runtime

    @cached_property
    def endpoints(self) -> dict[str, dict[str, Any]]:
        """Complete configurations of those that have a URL, by key type."""
        rows = {row.key_type: complete(row.config) for row in self.api.endpoints.all()}
        return {key_type: config for key_type, config in rows.items() if config["urls"]}

    @cached_property
    def plans(self) -> list[BusinessPlan]:
        return list(self.api.business_plans.all())

    @cached_property
    def topics(self) -> list[dict[str, Any]]:
        return [topic.design for topic in self.api.topics.all()]

    @cached_property
    def open_topics(self) -> list[str]:
        """Names of those that ask for no credential."""
        return [topic["name"] for topic in self.topics if topic["security"] == "none"]

    @cached_property
    def deployments(self) -> list[Deployment]:
        return deployments_of(self.api)

    @cached_property
    def has_documents(self) -> bool:
        """Whether there is anything that helps a developer to begin; a page has read it along with the API."""
        known: bool | None = getattr(self.api, "has_documents", None)
        return self.api.documents.exists() if known is None else known

    @cached_property
    def newest(self) -> Revision | None:
        """What publishing deploys where nothing is deployed, or None where it makes a first one."""
        return self.api.revisions.first() if self.api.last_revision else None

    @cached_property
    def environments(self) -> list[Environment]:
        return list(Environment.objects.all())

    @cached_property
    def roles(self) -> set[str]:
        """Those that somebody who may sign in has, also by another name."""
        rows = Person.objects.filter(is_active=True).order_by().values_list("roles", flat=True).distinct()
        held = {name for roles in rows for name in roles}
        aliases = Role.objects.exclude(alias_of="").values_list("name", "alias_of")
        return held | {alias for name, alias in aliases if name in held}

    @cached_property
    def scopes(self) -> dict[str, Scope]:
        """Those that the topics name and that there are, by name."""
        names = scopes_named(self.topics)
        return {row.name: row for row in scopes_usable(self.api).filter(name__in=names)} if names else {}

    @cached_property
    def api_plans(self) -> dict[str, ApiPlan]:
        """Those that the topics name, and the API's own, by name."""
        names = {topic["api_plan"] for topic in self.topics if topic["api_plan"]}
        rows = {row.name: row for row in ApiPlan.objects.filter(name__in=names)} if names else {}
        return rows | ({self.api.api_plan.name: self.api.api_plan} if self.api.api_plan else {})

    @cached_property
    def issuers(self) -> set[str]:
        """Names of key managers that are switched on and whose tokens this API accepts; none without access tokens."""
        if "oauth" not in self.security["schemes"]:
            return set()
        running = {RESIDENT, *KeyManager.objects.filter(enabled=True).values_list("name", flat=True)}
        return running & set(self.security["key_managers"]) if self.security["key_managers"] else running

    @cached_property
    def is_opened_by_tokens(self) -> bool:
        """Whether somebody issues tokens that this API accepts. The built-in key manager always runs."""
        if "oauth" not in self.security["schemes"]:
            return False
        named = self.security["key_managers"]
        return not named or RESIDENT in named or bool(self.issuers)

    @cached_property
    def has_claims(self) -> bool:
        """Whether any credential is a JWT with claims of its own: those of the built-in key manager are opaque."""
        return bool(self.issuers - {RESIDENT})

    @cached_property
    def free_plan(self) -> BusinessPlan | None:
        """Under what somebody without a credential counts, as `gateway.entitling` chooses it."""
        own = sorted((plan for plan in self.plans if plan.subscriptionless), key=lambda plan: plan.name)
        return own[0] if own else BusinessPlan.objects.filter(subscriptionless=True).order_by("name").first()
