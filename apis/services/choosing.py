"""Plans by their names, for an API that is to have them."""

from __future__ import annotations

from collections.abc import Iterable

from apis.errors import Invalid
from apis.models import ApiPlan, BusinessPlan


def plans_named(names: Iterable[str], field: str = "business_plans") -> list[BusinessPlan]:
    """The business plans with these names, in that order.

    Raises: Invalid naming the first one that does not exist.
    """
    wanted = list(dict.fromkeys(names))
    found = {plan.name: plan for plan in BusinessPlan.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise Invalid({field: f"There is no business plan named {name}."})
    return [found[name] for name in wanted]


def api_plan_named(name: str | None) -> ApiPlan | None:
    """The API plan with this name, held until the transaction ends; None or "" for none. Raises: Invalid."""
    if not name:
        return None
    row = ApiPlan.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise Invalid({"api_plan": f"There is no API plan named {name}."})
    return row
