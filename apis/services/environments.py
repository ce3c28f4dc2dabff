"""Gateway environments: where clients connect. Administrators write them."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Taken
from apis.models import Environment
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import record
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem

FIELDS = ("name", "description", "host", "ws_port", "wss_port")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_port = shapes.whole(1, 65535)


def _refuse(values: dict[str, Any]) -> None:
    problems = dict.fromkeys(values.keys() - set(FIELDS), "This field is not known here.")
    if "name" in values:
        problems["name"] = name_problem(values["name"])
    if "description" in values:
        problems["description"] = text_problem(values["description"], DESCRIPTION_LIMIT, "Description")
    if "host" in values and (not _HOST.fullmatch(values["host"]) or ".." in values["host"]):
        problems["host"] = "This should be a host name or an address, such as localhost or [::1]."
    for field in ("ws_port", "wss_port"):
        if values.get(field) is not None:
            problems[field] = _port(values[field])
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)


def _save(environment: Environment) -> None:
    if environment.ws_port is None and environment.wss_port is None:
        raise Invalid({"ws_port": "An environment needs a port for ws, for wss, or both."})
    try:
        with transaction.atomic():
            environment.save()
    except IntegrityError:
        raise Taken({"name": f"An environment named {environment.name} already exists."}) from None


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
def environment_update(*, actor: Actor, environment: Environment, **values: Any) -> Environment:
    """Change what clients are told; what is deployed stays. Raises: Forbidden, Invalid, Taken."""
    actor.require(Capability.ADMINISTER)
    _refuse(values)
    hold(environment)
    before = {field: getattr(environment, field) for field in values}
    for field, value in values.items():
        setattr(environment, field, value)
    _save(environment)
    record(actor, "update_environment", environment, before=before, after=values)
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
