"""The forms of basic info, business info and properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from django import forms
from django.http import QueryDict

from apis import selectors_portal
from apis.errors import Invalid, ServiceError
from apis.models import Api
from apis.publisher.forms import ServiceForm, Text
from apis.publisher.pages import sentences
from apis.services.designs import IDENTITY_FIELDS, why_identity_stays
from apis.shapes_about import OWNERS

EVERYBODY: Final = "all"
ROLES: Final = "roles"
ACCESS: Final = ((EVERYBODY, "Every creator and publisher"), (ROLES, "Only people with one of these roles"))
VISIBILITY: Final = ((EVERYBODY, "Everybody, signed in or not"), (ROLES, "Only people with one of these roles"))
BLANK_ROWS: Final = 2  # of properties, for browsers without script


def category_choices() -> list[tuple[str, str]]:
    return [(row.name, row.description) for row in selectors_portal.categories()]


class InfoForm(ServiceForm):
    """What people read about an API, who sees it, and while that may change, its name and where it is found."""

    name = Text(label="Name")
    context = Text(label="Context")
    version = Text(label="Version")
    display_name = Text(label="Display name")
    description = Text(label="Description", widget=forms.Textarea)
    tags = Text(label="Tags")
    categories = forms.MultipleChoiceField(label="Categories", required=False, choices=category_choices)
    access = forms.ChoiceField(label="Who sees the design", required=False, choices=ACCESS)
    access_roles = forms.MultipleChoiceField(
        label="Roles that see the design", required=False, choices=selectors_portal.role_choices
    )
    visibility = forms.ChoiceField(label="Who sees it in the developer portal", required=False, choices=VISIBILITY)
    visible_roles = forms.MultipleChoiceField(
        label="Roles that see it in the developer portal", required=False, choices=selectors_portal.role_choices
    )

    def __init__(self, api: Api, data: QueryDict | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Args: api: what is shown while `data` is None, with `values` in the place of its own."""
        identity = {name: getattr(api, name) for name in IDENTITY_FIELDS}
        words = {name: getattr(api, name) for name in _WORDS}
        words |= {"categories": [row.name for row in api.categories.all()], **(values or {})}
        shown = {
            "tags": ", ".join(words["tags"]),
            "access": ROLES if words["access_roles"] else EVERYBODY,
            "visibility": ROLES if words["visible_roles"] else EVERYBODY,
        }
        super().__init__(data, initial=identity | words | shown)
        self.identity = identity
        self.why_fixed = why_identity_stays(api)

    @property
    def shows_identity(self) -> bool:
        """Whether name, context and version are fields: also where somebody fixed them while they were typed."""
        return not self.why_fixed or any(name in self.data for name in self.identity)

    def clean(self) -> dict[str, Any]:
        """A restriction to no role is nobody's wish."""
        done = super().clean() or {}
        for choice, roles in (("access", "access_roles"), ("visibility", "visible_roles")):
            if done.get(choice) == ROLES and not done.get(roles) and roles not in self.errors:
                self.add_error(roles, "Tick at least one role.")
        return done

    def values(self) -> dict[str, Any]:
        """What was sent, as `designs.api_update` takes it."""
        typed = self.cleaned_data
        words = [word.strip() for word in typed["tags"].split(",")]
        sent = {name: typed[name] for name, now in self.identity.items() if name in self.data and typed[name] != now}
        seen_by = {
            roles: typed[roles] if typed[choice] == ROLES else []
            for choice, roles in (("access", "access_roles"), ("visibility", "visible_roles"))
            if typed[choice]
        }
        more = {"categories": typed["categories"]} if "categories_shown" in self.data else {}
        return {
            **sent,
            "display_name": typed["display_name"],
            "description": typed["description"].replace("\r\n", "\n"),
            "tags": [word for word in words if word],
            **more,
            **seen_by,
        }


_WORDS: Final = ("display_name", "description", "tags", "access_roles", "visible_roles")


class BusinessForm(ServiceForm):
    """Who stands behind an API."""

    business_owner = Text(label="Business owner")
    business_owner_email = Text(label="E-mail")
    technical_owner = Text(label="Technical owner")
    technical_owner_email = Text(label="E-mail")
    FIELD_OF = {f"business/{name}": name for name in OWNERS}

    def __init__(self, api: Api, data: QueryDict | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Args: api: what is shown while `data` is None, with `values` in the place of its own."""
        super().__init__(data, initial=(values or {}).get("business", api.owners))

    def values(self) -> dict[str, Any]:
        """What was sent, as `designs.api_update` takes it."""
        return {"business": {name: self.cleaned_data[name].strip() for name in OWNERS}}


@dataclass(slots=True)
class PropertyRow:
    """One line of the table, and what is wrong with it."""

    name: str = ""
    value: str = ""
    show_in_devportal: bool = False
    problems: dict[str, str] = field(default_factory=dict)


class PropertiesForm:
    """The properties of an API: a line each, and lines that are empty do not count.

    Attributes:
        general: what is wrong with none of them alone.
    """

    def __init__(self, api: Api, data: QueryDict | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Args: api: what is shown while `data` is None, with `values` in the place of its own."""
        stored = (values or {}).get("properties", api.properties)
        self.rows = [PropertyRow(**row) for row in stored] if data is None else _typed(data)
        self.general: list[str] = []
        self.blank = [PropertyRow()] * BLANK_ROWS

    def is_valid(self) -> bool:
        """What is valid, the service says."""
        return True

    def values(self) -> dict[str, Any]:
        """What was sent, as `designs.api_update` takes it."""
        return {
            "properties": [
                {"name": row.name, "value": row.value, "show_in_devportal": row.show_in_devportal} for row in self.rows
            ]
        }

    def take(self, refusal: ServiceError) -> int:
        """Put a refusal beside its lines, or above the form. Returns: the HTTP status that fits."""
        fields = refusal.fields if isinstance(refusal, Invalid) else {}
        for path, texts in fields.items():
            _, _, place = path.partition("/")
            position, _, name = place.partition("/")
            if position.isdecimal() and int(position) < len(self.rows):
                self.rows[int(position)].problems[name or "name"] = " ".join(texts)
            else:
                self.general += texts
        if not fields:
            self.general = sentences(refusal)
        return refusal.status


def _typed(data: QueryDict) -> list[PropertyRow]:
    names, texts, shown = (data.getlist(f"property_{name}") for name in ("name", "value", "shown"))
    lines = zip_longest(names, texts[: len(names)], shown[: len(names)], fillvalue="")
    return [PropertyRow(name.strip(), text, where == "yes") for name, text, where in lines if name.strip() or text]
