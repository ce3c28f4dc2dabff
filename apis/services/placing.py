"""Where a revision goes: gateway environments by name, the host of each that clients use, and who may deploy there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apis import selectors
from apis.errors import Forbidden, Invalid
from apis.models import Api, Environment
from apis.permissions import Actor
from apis.roles import Capability
from apis.shapes_vhosts import hosts_of
from apis.words import phrase

Wanted = str | Mapping[str, Any]  # a name, or {"name", "vhost"?}


@dataclass(frozen=True, slots=True)
class Place:
    """An environment, and the host of it: "" for its own, which follows it when that is renamed."""

    environment: Environment
    vhost: str


def environments_named(names: Sequence[str]) -> list[Environment]:
    """In this order, each once. Raises: Invalid for none, and for an unknown one."""
    if not names:
        raise Invalid({"environments": "Name at least one environment."})
    found = {row.name: row for row in Environment.objects.filter(name__in=names)}
    for name in names:
        if name not in found:
            raise Invalid({"environments": phrase("There is no environment named {name}.", name=name)})
    return [found[name] for name in dict.fromkeys(names)]


def host_field(environment: Environment) -> str:
    """What the field of a form is called that chooses a host of this environment."""
    return f"vhost-{environment.pk}"


def places_ticked(names: Iterable[str], form: Mapping[str, Any]) -> list[Wanted]:
    """The environments that are ticked in a form, each with the host that is chosen for it, if any (`host_field`)."""
    hosts = {row.name: form.get(host_field(row), "") for row in selectors.environments()}
    return [{"name": name, "vhost": hosts[name]} if hosts.get(name) else name for name in names]


def places_named(api: Api, wanted: Iterable[Wanted]) -> list[Place]:
    """Where to deploy. Without a host, the one that the API has there already, or else the environment's own.

    Raises: Invalid.
    """
    rows = [{"name": one} if isinstance(one, str) else one for one in wanted]
    hosts = {row["name"]: row.get("vhost") for row in rows}
    environments = environments_named([row["name"] for row in rows])
    present = dict(api.deployments.values_list("environment_id", "vhost"))
    return [Place(row, _host(row, hosts[row.name], present.get(row.pk, ""))) for row in environments]


def _host(row: Environment, asked: str | None, present: str) -> str:
    known = hosts_of(row.host, row.vhosts)
    if not asked:
        return present if present in known else ""
    host = asked.lower()
    if host not in known:
        shown = ", ".join(known)
        raise Invalid(
            {
                "environments": phrase(
                    "{name} has no host {host}; it has {known}.", name=row.name, host=asked[:253], known=shown
                )
            }
        )
    return "" if host == known[0] else host


def deployed_on(api: Api, names: Sequence[str]) -> dict[str, int]:
    """Environment -> number of the revision that is there."""
    rows = api.deployments.filter(environment__name__in=names)
    return dict(rows.values_list("environment__name", "revision__number"))


def may_deploy_on(actor: Actor, environment: Environment) -> bool:
    """Whether this person may deploy on this environment: administrators may everywhere."""
    roles = environment.deploy_roles
    return not roles or actor.can(Capability.ADMINISTER) or not actor.person.held_roles.isdisjoint(roles)


def require_places(actor: Actor, environments: Iterable[Environment]) -> None:
    """Raises: Forbidden for an environment that is kept for roles that this person does not hold."""
    for row in environments:
        if not may_deploy_on(actor, row):
            roles = ", ".join(row.deploy_roles)
            raise Forbidden(
                phrase("Deploying on {name} needs one of these roles: {roles}.", name=row.name, roles=roles)
            )
