"""Gateway environments: where clients connect. Administrators write them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Taken
from apis.models import Environment
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_portal import role_names
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.row_editions import mine_of
from apis.shapes_about import names_problem
from apis.shapes_vhosts import host_problem, hosts_of, vhosts
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem
from apis.words import phrase

FIELDS = ("name", "description", "host", "ws_port", "wss_port", "vhosts", "deploy_roles")
_port = shapes.whole(1, 65535)


def _refuse(values: dict[str, Any]) -> None:
    problems = dict.fromkeys(values.keys() - set(FIELDS), "This field is not known here.")
    if "name" in values:
        problems["name"] = name_problem(values["name"])
    if "description" in values:
        problems["description"] = text_problem(values["description"], DESCRIPTION_LIMIT, "Description")
    if "host" in values:
        problems["host"] = host_problem(values["host"])
    for field in ("ws_port", "wss_port"):
        if values.get(field) is not None:
            problems[field] = _port(values[field])
    if "deploy_roles" in values:
        problems["deploy_roles"] = names_problem(values["deploy_roles"], role_names(), "role", "roles")
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)


def _save(environment: Environment) -> None:
    """Raises: Invalid, Taken, Conflict for a further host that an API is deployed on and that would be gone."""
    if environment.ws_port is None and environment.wss_port is None:
        raise Invalid({"ws_port": "An environment needs a port for ws, for wss, or both."})
    environment.vhosts, problems = vhosts(environment.vhosts, environment.host)
    if problems:
        raise Invalid({f"vhosts/{place}" if place else "vhosts": text for place, text in problems.items()})
    _refuse_others(environment)
    gone = environment.deployments.exclude(vhost__in=["", *(row["host"] for row in environment.vhosts)])
    if used := sorted(set(gone.values_list("vhost", flat=True))):
        raise Conflict(
            phrase("APIs are deployed on {hosts}; move them to another host first.", hosts=", ".join(used)),
            code="in_use",
        )
    try:
        with transaction.atomic():
            environment.save()
    except IntegrityError:
        raise Taken({"name": phrase("An environment named {name} already exists.", name=environment.name)}) from None


def _refuse_others(environment: Environment) -> None:
    """A further host is nobody else's: it says which environment is meant. Several may have one own host."""
    taken: dict[str, str] = {}
    further: dict[str, str] = {}
    for other in Environment.objects.exclude(pk=environment.pk):
        taken.update(dict.fromkeys(hosts_of(other.host, other.vhosts), other.name))
        further.update((row["host"], other.name) for row in other.vhosts)
    if name := further.get(environment.host.lower()):
        raise Taken({"host": phrase("{name} has this host.", name=name)})
    for place, row in enumerate(environment.vhosts):
        if name := taken.get(row["host"]):
            raise Taken({f"vhosts/{place}/host": phrase("{name} has this host.", name=name)})


@transaction.atomic
def environment_create(*, actor: Actor, **values: Any) -> Environment:
    """Name a gateway environment. Any of FIELDS; `name` is needed.

    Raises: Forbidden for anybody but administrators; Invalid, Taken.
    """
    actor.require(Capability.ADMINISTER)
    _refuse({"name": "", **values})
    environment = Environment(**values)
    _save(environment)
    record(actor, "create_environment", environment, after=_facts(environment))
    return environment


@transaction.atomic
def environment_update(
    *, actor: Actor, environment: Environment, seen: int | None = None, **values: Any
) -> Environment:
    """Change what clients are told; what is deployed stays.

    Args:
        seen: the edition of the environment that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Invalid, Taken, Stale.
    """
    actor.require(Capability.ADMINISTER)
    _refuse(values)
    hold(environment)
    if "vhosts" in values:
        rows, problems = vhosts(values["vhosts"], values.get("host", environment.host))
        values = values if problems else {**values, "vhosts": rows}
    values, before = mine_of(environment, seen, values)
    for field, value in values.items():
        setattr(environment, field, value)
    _save(environment)
    after = {field: getattr(environment, field) for field in values}
    record(actor, "update_environment", environment, before=before, after=after)
    if {"host", "ws_port", "wss_port", "vhosts"} & values.keys():  # gateways know them
        for api_id in environment.deployments.values_list("api_id", flat=True):
            announce("api", api_id)
    return environment


@transaction.atomic
def environment_delete(*, actor: Actor, environment: Environment) -> None:
    """Raises: Forbidden; Conflict while anything is deployed there, and for the last one."""
    actor.require(Capability.ADMINISTER)
    hold(environment)
    if count := environment.deployments.count():
        raise Conflict(f"{count} API(s) are deployed on {environment}; undeploy them first.", code="in_use")
    if Environment.objects.count() == 1:
        raise Conflict("This is the only environment; without one nothing can be deployed.", code="last_one")
    record(actor, "delete_environment", environment, before=_facts(environment))
    environment.delete()


def _facts(environment: Environment) -> dict[str, Any]:
    return {field: getattr(environment, field) for field in FIELDS}
