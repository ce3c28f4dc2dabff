"""API plans with their conditional groups, and custom plans: limits that count beside those of subscriptions."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apis import shapes_plans
from apis.admin.fields import Column, Rows, Text, YesNo, show_refusal
from apis.admin.plans import LIMIT_COLUMNS, PlanAdmin, PlanForm
from apis.errors import Invalid, ServiceError
from apis.models import ApiPlan, CustomPlan
from apis.permissions import Actor
from apis.saying import said
from apis.services import plan_values, plans
from apis.words import phrase

_TYPES: Final = (
    ("ip", "address"),
    ("header", "header field"),
    ("query", "query parameter"),
    ("claim", "claim of the token"),
)
_IS: Final = (("", "this value"), ("not", "not this value"))
_KNOWN: Final = " ".join(f"{{{name}}}" for name in shapes_plans.KEY_VARIABLES)
ROWS_LIMIT: Final = 40


class ApiPlanForm(PlanForm):
    """Groups are two tables that name them: one of conditions, one of limits; their order is that of the first."""

    conditions = Rows(
        (
            Column("group", "Group"),
            Column("type", "What", choices=_TYPES, default="ip"),
            Column("name", "Named"),
            Column("invert", "Is", choices=_IS, default=""),
            Column("value", "Value"),
        ),
        key="group",
        limit=ROWS_LIMIT,
        label="Conditions",
        help_text="All conditions of a group must hold; the first group that fits counts instead of the limits above. "
        "A value is exact, a network such as 10.0.0.0/8 for an address, or /a pattern/. An address has no name.",
    )
    group_limits = Rows(
        (Column("group", "Group"), *LIMIT_COLUMNS),
        key="group",
        limit=ROWS_LIMIT,
        label="Limits of groups",
        help_text="A group that is not named here is unlimited.",
    )

    class Meta:
        model = ApiPlan
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            stored = {name: getattr(self.instance, name) for name in plan_values.FIELDS[ApiPlan]}
            groups = stored.pop("groups")
            stored["conditions"] = [
                {**row, "group": group["name"], "invert": "not" if row["invert"] else ""}
                for group in groups
                for row in group["conditions"]
            ]
            stored["group_limits"] = [{**row, "group": group["name"]} for group in groups for row in group["limits"]]
            self.initial = {**stored, **self.initial}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "groups": [group for group, _, _ in self._groups()]}

    def _groups(self) -> list[tuple[dict[str, Any], list[int], list[int]]]:
        """Each group in the shape of the service, with the rows of both tables that it is made of."""
        conditions, counted = self.cleaned_data["conditions"], self.cleaned_data["group_limits"]
        done = []
        for name in dict.fromkeys(row["group"] for row in (*conditions, *counted)):
            own = [index for index, row in enumerate(conditions) if row["group"] == name]
            limits = [index for index, row in enumerate(counted) if row["group"] == name]
            group = {
                "name": name,
                "conditions": [
                    {
                        "type": row["type"],
                        "name": row["name"] or "",
                        "value": row["value"],
                        "invert": row["invert"] == "not",
                    }
                    for row in (conditions[index] for index in own)
                ],
                "limits": [{key: value for key, value in counted[index].items() if key != "group"} for index in limits],
            }
            done.append((group, own, limits))
        return done

    def _post_clean(self) -> None:
        if self.refusal is not None:
            show_refusal(self, self._at_its_rows(self.refusal))

    def _at_its_rows(self, refusal: ServiceError) -> ServiceError:
        """The problems of groups beside the rows of the tables: "groups/0/limits/1/amount" is a row of the second."""
        if not isinstance(refusal, Invalid):
            return refusal
        groups = self._groups()
        fields: dict[str, list[str]] = {}
        for path, texts in refusal.fields.items():
            first, *rest = path.split("/")
            place = path
            if first == "groups" and rest and int(rest[0]) < len(groups):
                _, own, limits = groups[int(rest[0])]
                what, *rest = [*rest[1:], ""]
                table, rows = ("group_limits", limits) if what == "limits" else ("conditions", own)
                if rest and rest[0].isdecimal() and int(rest[0]) < len(rows):
                    place = "/".join([table, str(rows[int(rest[0])]), *filter(None, rest[1:])])
                else:
                    place = f"{table}/{rows[0]}" if rows else table
            elif first == "groups":
                place = "conditions"
            fields[place] = [*fields.get(place, []), *texts]
        return Invalid(fields)


class CustomPlanForm(PlanForm):
    mandatory = ("name", "key", "limits")

    key = Text(
        help_text=phrase(
            "What tells counters apart, joined by colons; known are {known}. For example {{user}}:{{api}} "
            "counts each person at each API, over all of their applications; {{ip}} counts each address over "
            "everything; {{application}}:{{topic}} counts an application at each topic. {{api}} stands for all "
            "versions of one.",
            known=_KNOWN,
        ),
    )
    enabled = YesNo(label="On")

    class Meta:
        model = CustomPlan
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored: dict[str, Any] = {"enabled": True}
        if not self.instance._state.adding:
            stored = {name: getattr(self.instance, name) for name in plan_values.FIELDS[CustomPlan]}
        self.initial = {**stored, **self.initial}

    def values(self) -> dict[str, Any]:
        return {**super().values(), **{name: self.cleaned_data[name] for name in ("key", "enabled")}}


@admin.register(ApiPlan)
class ApiPlanAdmin(PlanAdmin):
    """Limits for all sessions of an API, or of a topic, together."""

    form = ApiPlanForm
    list_display = ("name", "limits_in_words", "groups_in_words", "api_total", "description")
    fieldsets = (
        (
            "An API takes it on its Runtime page, a topic in its dialog; all sessions there share its counters",
            {"fields": ("name", "description", "limits")},
        ),
        ("Other limits for those who meet conditions", {"fields": ("conditions", "group_limits")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiPlan]:
        return super().get_queryset(request).annotate(api_total=Count("apis"))

    @display(description="Groups")
    def groups_in_words(self, plan: ApiPlan) -> str:
        lines = [phrase("{limits} where {whom}", limits=limits, whom=whom) for whom, limits in plan.group_lines]
        return "; ".join(said(line) for line in lines)

    @display(description="APIs", ordering="api_total")
    def api_total(self, plan: Any) -> int:
        return plan.api_total

    def create(self, actor: Actor, form: Any) -> ApiPlan:
        return plans.api_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: ApiPlan, form: Any) -> None:
        plans.api_plan_update(actor=actor, plan=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: ApiPlan) -> None:
        plans.api_plan_delete(actor=actor, plan=obj)


@admin.register(CustomPlan)
class CustomPlanAdmin(PlanAdmin):
    """Limits for each value of a key, for every session of this gateway."""

    form = CustomPlanForm
    list_display = ("name", "key", "limits_in_words", "enabled", "description")
    list_filter = ("enabled",)
    fieldsets = (
        ("Every session counts in the counter that its key names", {"fields": ("name", "description", "key")}),
        (None, {"fields": ("limits", "enabled")}),
    )

    def create(self, actor: Actor, form: Any) -> CustomPlan:
        return plans.custom_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: CustomPlan, form: Any) -> None:
        plans.custom_plan_update(actor=actor, plan=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: CustomPlan) -> None:
        plans.custom_plan_delete(actor=actor, plan=obj)
