"""Which version of an API answers where the path names none."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apis.errors import Conflict
from apis.lifecycle import SERVED
from apis.models import Api, VersionSet
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.designs import api_update
from apis.services.editions import require_unchanged
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.validators import unversioned_path
from apis.words import phrase


@transaction.atomic
def default_version_set(*, actor: Actor, api: Api, is_default: bool, seen: int | None = None) -> Api:
    """Make this the default version, in the place of the one that is, or let no version be it.

    It holds for the next handshake. A default version that is retired or undeployed later answers nobody (404), and
    neither does any other version in its place.

    Raises: Forbidden for somebody who neither designs nor publishes; Stale where somebody else moved it since the
        edition `seen`; Conflict for a version that is not deployed or not published, and where the path without a
        version belongs to another API.
    """
    actor.require(Capability.PUBLISH_APIS, Capability.DESIGN_APIS)
    api = hold(api)
    version_set = hold(api.version_set)
    before = version_set.default_api
    if is_default == (before == api):
        return api
    require_unchanged(api, seen, ["default_version"])
    if is_default:
        _require_free(api)
    version_set.default_api = api if is_default else None
    version_set.save(update_fields=["default_api"])
    record(
        actor, "set_default_version", api, api=api,
        before=before.version if before else None, after=api.version if is_default else None,
    )  # fmt: skip
    for one in {row.pk for row in (before, api) if row is not None}:
        announce("api", one)
    return api


def _require_free(api: Api) -> None:
    if api.state not in SERVED or not api.deployments.exists():
        raise Conflict(
            phrase("{api} cannot be the default version: it is not deployed and published.", api=api),
            code="not_deployed",
        )
    path = unversioned_path(api.context)
    others = VersionSet.objects.exclude(pk=api.version_set_id).filter(default_api__isnull=False)
    if Api.objects.filter(path=path).exists() or any(unversioned_path(one.context) == path for one in others):
        raise Conflict(phrase("The path {path} belongs to another API.", path=path), code="path_taken")


@transaction.atomic
def api_change(
    *, actor: Actor, api: Api, is_default_version: bool | None = None, seen: int | None = None, **changes: Any
) -> Api:
    """Everything that may be changed of an API in one step: see `designs.api_update` and `default_version_set`.

    Raises: Forbidden, Invalid, Taken, Conflict; then nothing is changed.
    """
    if changes:
        api_update(actor=actor, api=api, seen=seen, **changes)
    if is_default_version is not None:
        default_version_set(actor=actor, api=api, is_default=is_default_version)
    return api
