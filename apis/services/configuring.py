"""What is configured on an API and holds at once where it is deployed: its endpoints and its runtime limits.

Both are operations and not design: a revision keeps those it was made with, and the deployed design follows.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from apis import shapes
from apis.errors import Invalid
from apis.models import Api, Endpoint
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.validators import endpoint_address_problem


def address_problem(url: str) -> str:
    """Why a well-formed endpoint may not be dialled from here (ALLOWED_UPSTREAM_NETWORKS), or ""."""
    return endpoint_address_problem(url, settings.ALLOWED_UPSTREAM_NETWORKS)


@transaction.atomic
def endpoint_configure(*, actor: Actor, api: Api, key_type: str, config: Any) -> Endpoint:
    """Set where production or sandbox frames go, and how (shape: apis.shapes.endpoint_config).

    It takes effect at once where the API is deployed: new handshakes use it, the deployed design follows.

    Raises: Forbidden, Invalid with paths such as "timeouts/connect_ms".
    """
    actor.require(Capability.DESIGN_APIS)
    if key_type not in shapes.KEY_TYPES:
        raise Invalid({"key_type": f"This should be one of: {', '.join(shapes.KEY_TYPES)}."})
    full, problems = shapes.endpoint_config(config, address_problem)
    if problems:
        raise Invalid(problems)
    hold(api)
    row = api.endpoints.filter(key_type=key_type).first()
    before = row.config if row else None
    endpoint, _ = Endpoint.objects.update_or_create(api=api, key_type=key_type, defaults={"config": full})
    for deployment in api.deployments.all():
        deployment.design["endpoints"][key_type] = full
        deployment.save(update_fields=["design"])
    record(actor, "endpoint", f"{key_type} endpoint of {api}", api=api, before=before, after=full)
    announce("api", api.pk)
    return endpoint


@transaction.atomic
def runtime_configure(*, actor: Actor, api: Api, limits: Any) -> Api:
    """Set what the API asks of every session (shape: apis.shapes.runtime_limits); what is left out gets its default.

    It takes effect at once where the API is deployed, for live sessions too: the deployed design follows.

    Raises: Forbidden, Invalid with a path such as "idle_s".
    """
    actor.require(Capability.DESIGN_APIS)
    full, problems = shapes.runtime_limits(limits)
    if problems:
        raise Invalid(problems)
    hold(api)
    before, api.runtime = api.runtime, full
    api.save(update_fields=["runtime", "updated_at"])
    for deployment in api.deployments.all():
        deployment.design["runtime"] = full
        deployment.save(update_fields=["design"])
    record(actor, "runtime", api, api=api, before=before, after=full)
    announce("api", api.pk)
    return api
