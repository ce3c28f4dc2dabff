"""Fields of plans in bodies and answers. What they may hold is checked by apis.services.plan_values."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apis import shapes, shapes_plans
from apis.models import BusinessPlan
from apis.rest.fields import Raw


class Limit(serializers.Serializer):
    """At most `amount` of `kind` per window; without `direction` both ways count together."""

    kind = serializers.ChoiceField(shapes.LIMIT_KINDS)
    amount = serializers.IntegerField()
    per = serializers.ChoiceField(shapes.PERIODS)
    direction = serializers.ChoiceField(shapes.DIRECTIONS, required=False)


class Burst(serializers.Serializer):
    """At most `amount` events per second or minute, on top of the limits."""

    amount = serializers.IntegerField()
    per = serializers.ChoiceField(shapes.BURST_PERIODS)


@extend_schema_field(Limit(many=True))
class LimitsField(Raw):
    """Checked by apis.shapes.limits."""


@extend_schema_field(Burst(allow_null=True))
class BurstField(Raw):
    """Checked by apis.shapes.burst."""


@extend_schema_field(serializers.IntegerField(allow_null=True))
class NumberField(Raw):
    """A number or null, checked by apis.services.plans."""


@extend_schema_field(serializers.ChoiceField(BusinessPlan.OnSpent.values))
class OnSpentField(Raw):
    """Checked by apis.services.plans."""


@extend_schema_field(serializers.BooleanField())
class FlagField(Raw):
    """Checked by apis.services.plans."""


class Permission(serializers.Serializer):
    """Who may subscribe, by the roles of the application's owner; "none" asks nobody."""

    mode = serializers.ChoiceField(shapes_plans.PERMISSION_MODES)
    roles = serializers.ListField(child=serializers.CharField(), help_text="Names of roles, built-in and custom.")


@extend_schema_field(Permission())
class PermissionField(Raw):
    """Checked by apis.shapes_plans.permission."""


@extend_schema_field(serializers.DictField(child=serializers.CharField()))
class AttributesField(Raw):
    """Checked by apis.shapes_plans.attributes."""


@extend_schema_field(serializers.DecimalField(12, 2, allow_null=True))
class PriceField(Raw):
    """Checked by apis.shapes_plans.money: a number or a text; in answers a text, which loses nothing."""

    def to_representation(self, value: Any) -> Any:
        return None if value is None else str(value)


@extend_schema_field(serializers.DecimalField(14, 6, allow_null=True))
class UnitPriceField(PriceField):
    """The same with more decimal places."""


@extend_schema_field(serializers.ChoiceField(BusinessPlan.Billing.values))
class BillingField(Raw):
    """Checked by apis.services.plans."""


@extend_schema_field(serializers.ChoiceField(shapes_plans.CYCLES))
class CycleField(Raw):
    """Checked by apis.services.plans."""


@extend_schema_field(serializers.CharField())
class WordField(Raw):
    """Checked by apis.services.plans."""
