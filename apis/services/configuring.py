"""What is configured on an API and holds at once where it is deployed: its endpoints and its runtime limits.

Both are operations and not design: a revision keeps those it was made with, and the deployed design follows.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Missing
from apis.happenings import unlisted
from apis.models import Api, Endpoint
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import sealed
from apis.services.editions import merged, require_unchanged
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.shapes_endpoint import complete, endpoint_config, shown
from apis.validators import endpoint_address_problem
from apis.words import phrase


def address_problem(url: str) -> str:
    """Why a well-formed endpoint may not be dialled from here (ALLOWED_UPSTREAM_NETWORKS), or ""."""
    return endpoint_address_problem(url, settings.ALLOWED_UPSTREAM_NETWORKS)


@transaction.atomic
def endpoint_configure(*, actor: Actor, api: Api, key_type: str, config: Any, seen: int | None = None) -> Endpoint:
    """Set where production or sandbox frames go, and how (shape: apis.shapes_endpoint.endpoint_config).

    It takes effect at once where the API is deployed: new handshakes use it, the deployed design follows. Secrets are
    sealed; one that is left out or null stays what it is while the type of security does, "" clears it.

    Args:
        seen: the edition that the config was made from (apis.services.editions).

    Raises: Forbidden, Invalid with paths such as "timeouts/connect_ms", Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    if key_type not in shapes.KEY_TYPES:
        raise Invalid({"key_type": phrase("This should be one of: {known}.", known=", ".join(shapes.KEY_TYPES))})
    hold(api)
    row = api.endpoints.filter(key_type=key_type).first()
    full = endpoint_checked(config, row)
    if seen is not None:
        full = endpoint_checked(_with_theirs(api, seen, key_type, config, full), row)
    return _endpoint_store(actor, api, key_type, sealed.sealed(full, complete(row.config) if row else None), row)


def _with_theirs(api: Api, seen: int, key_type: str, config: Any, full: dict[str, Any]) -> dict[str, Any]:
    """The config to save where somebody else may have changed others of its members since. Raises: Stale."""
    rows = api.endpoints.filter(key_type=key_type)
    now = {row.key_type: unlisted(shown(row.config)) for row in rows}
    mine = unlisted(shown(full))
    given = sealed.given_secrets(config)
    touched = [("endpoints", key_type, *path) for path in given]
    trees = {"endpoints": now}, {"endpoints": {key_type: mine}}
    done = merged(api, seen, *trees, touched=touched)["endpoints"].get(key_type)
    if done is None:  # they took it away, and nothing was changed here
        require_unchanged(api, seen, [("endpoints", key_type)])
        return mine
    for (name, member), text in given.items():
        if done[name] == mine[name]:
            done[name] = {**done[name], member: text}
    return done


def endpoint_checked(config: Any, row: Endpoint | None) -> dict[str, Any]:
    """A config as somebody sent it, complete and valid, with its secrets as plain text; those of `row` fill the gaps.

    Raises: Invalid.
    """
    opened, unreadable = sealed.opened(config, row.config if row else None)
    full, problems = endpoint_config(opened, address_problem)
    if problems or unreadable:
        raise Invalid({**problems, **unreadable})
    return full


def _endpoint_store(actor: Actor, api: Api, key_type: str, full: dict[str, Any], row: Endpoint | None) -> Endpoint:
    """Write a complete, valid, sealed config: row, deployments, history, outbox."""
    before = complete(row.config) if row else None
    endpoint, _ = Endpoint.objects.update_or_create(api=api, key_type=key_type, defaults={"config": full})
    for deployment in api.deployments.all():
        deployment.design["endpoints"][key_type] = full
        deployment.save(update_fields=["design"])
    record(
        actor, "endpoint", f"{key_type} endpoint of {api}", api=api,
        before=shown(before) if before else None, after=shown(full), secrets_changed=sealed.changed(before, full),
        key_type=key_type,
    )  # fmt: skip
    announce("api", api.pk)
    return endpoint


@transaction.atomic
def endpoint_set_url(*, actor: Actor, api: Api, key_type: str, url: str, seen: int | None = None) -> Endpoint:
    """Replace the URLs of an endpoint by one and keep everything else, secrets included.

    Raises: Forbidden, Invalid with the path "urls/0/url", Stale where its URLs were changed since.
    """
    hold(api)
    require_unchanged(api, seen, [("endpoints", key_type, "urls")])
    row = api.endpoints.filter(key_type=key_type).first()
    config = {**(shown(row.config) if row else {}), "urls": [{"url": url}]}
    return endpoint_configure(actor=actor, api=api, key_type=key_type, config=config)


@transaction.atomic
def endpoint_copy(*, actor: Actor, api: Api, source: str, target: str, seen: int | None = None) -> Endpoint:
    """Give one key type what the other has, secrets included.

    Raises: Forbidden, Missing where there is nothing to copy, Stale where either was changed since.
    """
    actor.require(Capability.DESIGN_APIS)
    hold(api)
    require_unchanged(api, seen, ["endpoints"])
    rows = {row.key_type: row for row in api.endpoints.all()}
    if source not in rows or target not in shapes.KEY_TYPES:
        raise Missing(phrase("This API has no {source} endpoint.", source=source))
    return _endpoint_store(actor, api, target, complete(rows[source].config), rows.get(target))


@transaction.atomic
def endpoint_remove(*, actor: Actor, api: Api, key_type: str, seen: int | None = None) -> None:
    """Take an endpoint away; connections with keys of its type are refused then, at once where it is deployed.

    Raises: Forbidden; Missing where there is none; Stale where it was changed since; Conflict for the production
        endpoint, or the only one, of an API that is deployed.
    """
    actor.require(Capability.DESIGN_APIS)
    hold(api)
    require_unchanged(api, seen, [("endpoints", key_type)])
    row = api.endpoints.filter(key_type=key_type).first()
    if row is None:
        raise Missing(phrase("This API has no {key_type} endpoint.", key_type=key_type))
    deployed = list(api.deployments.all())
    if deployed and (key_type == "production" or api.endpoints.count() == 1):
        raise Conflict(
            phrase(
                "{api} is deployed, and without its {key_type} endpoint nobody could connect. Undeploy it first, "
                "or change the endpoint instead.",
                api=api,
                key_type=key_type,
            ),
            code="endpoint_needed",
        )
    row.delete()
    for deployment in deployed:
        if deployment.design["endpoints"].pop(key_type, None):
            deployment.save(update_fields=["design"])
    record(
        actor, "endpoint_remove", f"{key_type} endpoint of {api}", api=api,
        before=shown(row.config), after=None, key_type=key_type,
    )  # fmt: skip
    announce("api", api.pk)


@transaction.atomic
def runtime_configure(*, actor: Actor, api: Api, limits: Any, seen: int | None = None) -> Api:
    """Set what the API asks of every session (shape: apis.shapes.runtime_limits); what is left out gets its default.

    It takes effect at once where the API is deployed, for live sessions too: the deployed design follows.

    Raises: Forbidden, Invalid with a path such as "idle_s"; Stale where somebody else changed the same limit since
        the edition `seen`.
    """
    actor.require(Capability.DESIGN_APIS)
    full, problems = shapes.runtime_limits(limits)
    if problems:
        raise Invalid(problems)
    return section_apply(actor, api, "runtime", full, seen)


def section_apply(actor: Actor, api: Api, section: str, full: dict[str, Any], seen: int | None = None) -> Api:
    """Store a checked section of an API that holds at once where it is deployed: the deployed design follows.

    Args:
        section: the field of the API, the key in a design and the action in the history, e.g. "runtime". Its members
            do not depend on one another.
        seen: the edition that it was made from.

    Raises: Stale.
    """
    hold(api)
    before = getattr(api, section)
    full = merged(api, seen, {section: before}, {section: full})[section]
    setattr(api, section, full)
    api.save(update_fields=[section, "updated_at"])
    for deployment in api.deployments.all():
        deployment.design[section] = full
        deployment.save(update_fields=["design"])
    record(actor, section, api, api=api, before=before, after=full)
    announce("api", api.pk)
    return api
