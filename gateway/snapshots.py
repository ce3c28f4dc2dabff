"""From rows of the control plane to what the core understands. The only file that speaks both languages.

Plain functions that ask the database (call them off the loop) or translate; `gateway.memory` remembers the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast
from urllib.parse import urlsplit

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from apis.models import Api, Change, DenyPolicy, Deployment, Environment, Subscription
from apis.sealing import Unreadable, unseal
from apis.selectors import environment_urls
from apis.shapes import runtime_of
from apis.shapes_security import security_of
from apis.shapes_topics import topic_of
from apis.validators import unversioned_path
from gateway.authenticators import chunks
from gateway.core.denying import DenyList, DenyRule, address_of
from gateway.core.extras import Extras, Lost, dynamic_of, extras_of
from gateway.core.matching import RoutingTable
from gateway.core.snapshot import (
    ApiSnapshot,
    EndpointSnapshot,
    Entitlement,
    Runtime,
    Security,
    SuspensionPolicy,
    Timeouts,
    TopicSnapshot,
)
from gateway.core.vhosts import OWN, without_brackets
from gateway.meters import without_secrets
from gateway.snapshots_plans import (
    NO_PLANS,
    ApiPlans,
    application_plan,
    business_plan,
    load_api_plans,
    load_custom_plans,
)

log = structlog.get_logger("gateway")

MS: Final = 1000.0


def endpoint(config: Mapping[str, Any]) -> EndpointSnapshot:
    """One endpoint (shape: apis.shapes.endpoint_config)."""
    timeouts, suspension = config["timeouts"], config["suspension"]
    return EndpointSnapshot(
        urls=tuple([(item["url"], item["weight"]) for item in config["urls"]]),
        strategy=config["strategy"],
        timeouts=Timeouts(
            timeouts["connect_ms"] / MS,
            timeouts["handshake_ms"] / MS,
            timeouts["idle_s"],
            timeouts.get("action", "next"),
        ),
        suspension=SuspensionPolicy(
            errors=frozenset(suspension["errors"]),
            initial_s=suspension["initial_ms"] / MS,
            max_s=suspension["max_ms"] / MS,
            factor=suspension["factor"],
            retries=suspension["retries"],
            retry_delay_s=suspension["retry_delay_ms"] / MS,
        ),
        extras=extras(config),
        dynamic=dynamic_of(config),
    )


def extras(config: Mapping[str, Any]) -> Extras | None:
    """What an endpoint asks for beyond its URLs, its secrets unsealed; they stay in memory only."""
    try:
        return extras_of(config, unseal)
    except Unreadable:  # sealed with another SECRET_KEY: this endpoint is lost until it is saved again, no other is
        log.error("endpoint_secret_unreadable", urls=[without_secrets(item["url"]) for item in config["urls"]])
        return Extras(proof=Lost())


def security(design: Mapping[str, Any]) -> Security:
    """Who may come in with what (shape: apis.shapes_security.security)."""
    row = security_of(design)
    return Security(
        schemes=frozenset(row["schemes"]),
        key_managers=frozenset(row["key_managers"]),
        query_credentials=row["query_credentials"],
        origins=frozenset(row["origins"]),
        backend_jwt=row["backend_jwt"],
        inspect_payload=row["inspect_payload"],
        mask=tuple(row["mask"]),
    )


def topic(row: Mapping[str, Any], plans: ApiPlans) -> TopicSnapshot:
    """One topic of a design, with defaults for what an older revision does not say (shape: apis.shapes_topics)."""
    full = topic_of(row)
    return TopicSnapshot(
        name=full["name"],
        subscribe=full["subscribe"],
        publish=full["publish"],
        scopes=frozenset(full["scopes"]),
        subscribe_scopes=frozenset(full["subscribe_scopes"]),
        publish_scopes=frozenset(full["publish_scopes"]),
        url_mapping=full["url_mapping"],
        security=full["security"],
        api_plan=plans.get(full["api_plan"]),
    )


def api(deployment: Deployment, plans: ApiPlans = NO_PLANS) -> ApiSnapshot:
    """A deployed API: the deployment's frozen design, with the lifecycle state and the API plan of now."""
    design, own = deployment.design, deployment.api.api_plan
    bases = environment_urls(deployment.environment, deployment.vhost)
    return ApiSnapshot(
        api_id=str(deployment.api_id),
        name=design["name"],
        context=design["context"],
        version=design["version"],
        path=design["path"],
        state=deployment.api.state,
        topics=tuple([topic(row, plans) for row in design["topics"]]),
        endpoints={key_type: endpoint(config) for key_type, config in design["endpoints"].items()},
        revision=deployment.revision.number,
        runtime=Runtime(**cast(dict[str, Any], runtime_of(design))),
        security=security(design),
        urls=frozenset(f"{base}{design['path']}" for base in bases),
        vhost=without_brackets(deployment.vhost),
        api_plan=plans.get(own.name) if own is not None else None,
    )


def entitlement(row: Subscription) -> Entitlement:
    """A subscription with its application, the application's owner and both plans (`select_related` them)."""
    application = row.application
    return Entitlement(
        subscription_id=str(row.pk),
        api_id=str(row.api_id),
        application_id=str(row.application_id),
        application_name=application.name,
        owner_id=str(application.owner_id),
        state=row.state,
        owner_active=application.owner.is_active,
        business_plan=business_plan(row.business_plan),
        application_plan=application_plan(application.plan),
    )


def _subscriptions() -> QuerySet[Subscription]:
    """Those that were approved, or needed no approval."""
    rows = Subscription.objects.exclude(state__in=Subscription.WITHOUT_RIGHT)
    return rows.select_related("application__owner", "application__plan", "business_plan")


def load_table(environment: str) -> RoutingTable:
    """Everything that is deployed on one gateway environment. One query, two where an API has a default version."""
    rows = Deployment.objects.filter(environment__name=environment).select_related(
        "api__version_set", "api__api_plan", "revision", "environment"
    )
    plans = load_api_plans()
    found = [(row, api(row, plans)) for row in rows]
    any_default = any(row.api.version_set.default_api_id == row.api_id for row, _ in found)
    paths = list(Api.objects.values_list("path", flat=True)) if any_default else []
    hosts = _hosts(found[0][0].environment) if found else {}
    return RoutingTable([_as_default(row, one, paths) for row, one in found], load_custom_plans(), hosts)


def _hosts(environment: Environment) -> dict[str, str]:
    """Every name that clients call an environment by -> the virtual host; empty where it has only its own."""
    if not environment.vhosts:
        return {}
    own = {urlsplit(url).hostname or "" for url in environment_urls(environment)}
    further = [without_brackets(row["host"]) for row in environment.vhosts]
    return {**dict.fromkeys(own, OWN), **{host: host for host in further}}


def _as_default(deployment: Deployment, one: ApiSnapshot, paths: Iterable[str]) -> ApiSnapshot:
    """The API, and where it answers without a version in the path if it is its version set's default.

    Args:
        paths: of all versions of all APIs, deployed or not: what lies below the default path is not its topics.
    """
    if deployment.api.version_set.default_api_id != deployment.api_id:
        return one
    path = unversioned_path(one.context)
    closed = [other for other in paths if other.startswith(path + "/")]
    return replace(one, default_path=path, closed_paths=tuple(closed))


def load_entitlement(application_id: str, api_id: str) -> Entitlement | None:
    """The subscription of an application to an API, or None. One query."""
    row = _subscriptions().filter(application_id=application_id, api_id=api_id).first()
    return entitlement(row) if row else None


def load_entitlements(subscription_ids: Iterable[str]) -> dict[str, Entitlement]:
    """These subscriptions as they are now, by id; one that is gone is left out. One query for a few hundred."""
    found: dict[str, Entitlement] = {}
    for chunk in chunks(subscription_ids):
        found.update((str(row.pk), entitlement(row)) for row in _subscriptions().filter(pk__in=chunk))
    return found


def load_denials() -> DenyList:
    """Every deny policy that is on. One query."""
    rows = DenyPolicy.objects.filter(enabled=True)
    return DenyList.of([deny_rule(row) for row in rows])


def deny_rule(row: DenyPolicy) -> DenyRule:
    """A deny policy as the core judges by it."""
    first, last = (row.ip, row.ip) if row.ip else (row.ip_from, row.ip_to)
    return DenyRule(
        policy_id=str(row.pk),
        api_id=str(row.api_id or ""),
        application_id=str(row.application_id or ""),
        end_user=str(row.person_id or ""),
        low=address_of(first) if first else None,
        high=address_of(last) if last else None,
        invert=row.invert,
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
    )


def prune_changes(keep: timedelta = timedelta(minutes=10)) -> None:
    """Delete changes that every process has long seen."""
    Change.objects.filter(at__lt=timezone.now() - keep).delete()


class Outbox:
    """Reads the Change table on, from where it stands at the first call.

    Ids are given out before a transaction commits, so a smaller id may become visible after a larger one: the newest
    OVERLAP rows are looked at each time, and what was seen is left out. A table that begins anew is read anew.
    """

    OVERLAP: Final = 100

    def __init__(self) -> None:
        self._last: int | None = None
        self._seen: set[int] = set()

    def read(self) -> list[tuple[str, str]]:
        """(kind, subject) of every change since the last call, in order. One query, two after very many changes."""
        rows = Change.objects.values_list("pk", "kind", "subject")
        newest = list(rows.order_by("-pk")[: self.OVERLAP])[::-1]
        top = newest[-1][0] if newest else (self._last or 0)
        if self._last is None:
            self._last, self._seen = top, {row[0] for row in newest}
            return []
        if top < self._last:
            self._last, self._seen = 0, set()
        between: list[tuple[int, str, str]] = []
        if len(newest) == self.OVERLAP and newest[0][0] > self._last:
            between = list(rows.filter(pk__gt=self._last, pk__lt=newest[0][0]).order_by("pk"))
        fresh = [row for row in (*between, *newest) if row[0] not in self._seen]
        self._last, self._seen = top, {row[0] for row in newest}
        return [(kind, subject) for _, kind, subject in fresh]
