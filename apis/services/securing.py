"""How an API is protected: what it accepts, from which pages. It holds at once where the API is deployed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apis.errors import Invalid
from apis.models import Api, KeyManager
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.configuring import section_apply
from apis.shapes_security import RESIDENT, Problems, security
from apis.words import phrase


@transaction.atomic
def security_configure(*, actor: Actor, api: Api, settings: Any, seen: int | None = None) -> Api:
    """Set how the API is protected (shape: apis.shapes_security.security); what is left out gets its default.

    It takes effect at once where the API is deployed: the deployed design follows, and live sessions that could not
    come in any more are closed.

    Raises: Forbidden, Invalid with a key such as "origins"; Stale where somebody else changed the same setting since
        the edition `seen`.
    """
    actor.require(Capability.DESIGN_APIS)
    full, problems = security(settings)
    problems = problems or _unknown(full["key_managers"])
    if problems:
        raise Invalid(problems)
    return section_apply(actor, api, "security", full, seen)


def _unknown(names: list[str]) -> Problems:
    """A key manager that an API trusts must exist; it may be switched off."""
    rows = KeyManager.objects.filter(name__in=[name for name in names if "\x00" not in name])
    known = {RESIDENT, *rows.values_list("name", flat=True)}
    unknown = next((name for name in names if name not in known), None)
    return (
        {}
        if unknown is None
        else {"key_managers": phrase("There is no key manager named {unknown!r}.", unknown=unknown[:60])}
    )
