"""What is said about an API beside its design, as fields of its page; and the pages of roles and categories."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from apis import selectors_portal
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choice, Choices, Column, Lines, Rows, Text, Unasking, YesNo
from apis.models import Api, ApiCategory, Role
from apis.permissions import Actor
from apis.pictures import BYTES_LIMIT
from apis.roles import BUILT_IN_ROLES
from apis.saying import all_said
from apis.saying import said as in_words
from apis.services import categories, custom_roles, thumbnails
from apis.shapes_about import OWNERS, PROPERTIES_LIMIT

SHOWN: Final = (("no", "only here"), ("yes", "developers, too"))


def category_choices() -> list[tuple[str, str]]:
    return [(row.name, row.name) for row in selectors_portal.categories()]


class AboutFields(Unasking, forms.Form):
    """The fields; `said` reads what was typed, `stored` what is there."""

    categories = Choices(choices=category_choices, help_text="Where the developer portal lists it.")
    access_roles = Choices(
        choices=selectors_portal.role_choices,
        label="Design seen by",
        help_text="None: every creator and publisher. The provider and administrators always see it.",
    )
    visible_roles = Choices(
        choices=selectors_portal.role_choices,
        label="Seen in the developer portal by",
        help_text="None: everybody. Who sees the design sees it there, too.",
    )
    business_owner = Text(label="Business owner")
    business_owner_email = Text(label="E-mail of the business owner")
    technical_owner = Text(label="Technical owner")
    technical_owner_email = Text(label="E-mail of the technical owner")
    properties = Rows(
        (
            Column("name", "Name"),
            Column("value", "Value"),
            Column("show_in_devportal", "Shown to", SHOWN, default="no"),
        ),
        key="name",
        limit=PROPERTIES_LIMIT,
    )
    picture = forms.FileField(
        required=False,
        label="Thumbnail",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text="PNG, JPEG, GIF or WebP, at most 1 MiB; it takes the place of the one there is.",
    )
    remove_picture = YesNo(label="Remove the thumbnail")

    places = {**{f"business/{name}": name for name in OWNERS}, "thumbnail": "picture"}


SEEN: Final = ("access_roles", "visible_roles")
FOUND: Final = ("categories", "properties")
PICTURE: Final = ("picture", "remove_picture")
FIELDS: Final = (*FOUND, *SEEN, *OWNERS, *PICTURE)


def stored(api: Api) -> dict[str, Any]:
    """What the fields of an API's page start with."""
    shown = [{**row, "show_in_devportal": "yes" if row["show_in_devportal"] else "no"} for row in api.properties]
    return {
        "categories": [row.name for row in api.categories.all()],
        "properties": shown,
        **{name: getattr(api, name) for name in SEEN},
        **api.owners,
    }


def said(values: dict[str, Any]) -> dict[str, Any]:
    """What was typed, in the words of `designs.api_update`; fields of ours are taken out of `values`."""
    for name in PICTURE:
        values.pop(name, None)
    done = {name: values.pop(name) for name in (*FOUND, *SEEN) if name in values}
    done |= {name: sorted(done[name]) for name in SEEN if name in done}
    if "properties" in done:
        done["properties"] = [
            {**row, "show_in_devportal": row["show_in_devportal"] == "yes"} for row in done["properties"]
        ]
    owners = {name: values.pop(name) for name in OWNERS if name in values}
    return done | ({"business": owners} if owners else {})


def picture_change(actor: Actor, api: Api, values: dict[str, Any]) -> None:
    """Take the picture that was chosen, or the wish to have none. Raises: Forbidden, Invalid."""
    if (file := values.get("picture")) is not None:
        thumbnails.thumbnail_set(actor=actor, api=api, content=file.read(BYTES_LIMIT + 1))
    elif values.get("remove_picture") and thumbnails.thumbnail_of(api) is not None:
        thumbnails.thumbnail_remove(actor=actor, api=api)


class RoleForm(ServiceForm):
    """A role. Its name is chosen once."""

    name = Text(help_text="Letters, digits and _ . / : @ -, for example partners. It stays as it is.")
    description = Lines(rows=2)
    alias_of = Choice(
        label="Also counts as",
        choices=(("", "no other role"), *((name, name) for name in BUILT_IN_ROLES)),
        help_text="With a built-in role, whoever holds this one may do what that one allows.",
    )
    mandatory = ("name",)

    class Meta:
        model = Role
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial = {**{name: getattr(self.instance, name) for name in custom_roles.FIELDS}, **self.initial}


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """Roles beside the built-in ones."""

    form = RoleForm
    adds = changes = deletes = ServiceAdmin.sees
    list_display = ("name", "counts_as", "description")
    search_fields = ("name", "description")
    add_fieldsets = ((None, {"fields": ("name", *custom_roles.FIELDS)}),)
    fieldsets = (
        (None, {"fields": ("name", *custom_roles.FIELDS)}),
        ("In use", {"fields": ("uses",)}),
    )

    def get_readonly_fields(self, request: Any, obj: Any = None) -> tuple[str, ...]:
        return ("name", "uses") if obj else ()

    @display(description="Also counts as", ordering="alias_of")
    def counts_as(self, role: Role) -> str:
        return role.alias_of or "–"

    @display(description="By")
    def uses(self, role: Role) -> str:
        return "; ".join(all_said(selectors_portal.role_uses(role))) or in_words("nobody")

    def create(self, actor: Actor, form: Any) -> Role:
        return custom_roles.role_create(actor=actor, **form.cleaned_data)

    def update(self, actor: Actor, obj: Role, form: Any) -> None:
        values = {name: form.cleaned_data[name] for name in custom_roles.FIELDS}
        custom_roles.role_update(actor=actor, role=obj, seen=form.seen, **values)

    def remove(self, actor: Actor, obj: Role) -> None:
        custom_roles.role_delete(actor=actor, role=obj)


class CategoryForm(ServiceForm):
    """A category."""

    name = Text(help_text="What developers read, for example Real time.")
    description = Lines(rows=2)
    mandatory = ("name",)

    class Meta:
        model = ApiCategory
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial = {**{name: getattr(self.instance, name) for name in categories.FIELDS}, **self.initial}


@admin.register(ApiCategory)
class ApiCategoryAdmin(ServiceAdmin):
    """Headings of the developer portal."""

    form = CategoryForm
    adds = changes = deletes = ServiceAdmin.sees
    list_display = ("name", "api_total", "description")
    search_fields = ("name", "description")
    fieldsets = ((None, {"fields": categories.FIELDS}),)

    def get_queryset(self, request: Any) -> Any:
        return selectors_portal.categories()

    @display(description="APIs", ordering="api_count")
    def api_total(self, category: Any) -> int:
        return category.api_count

    def create(self, actor: Actor, form: Any) -> ApiCategory:
        return categories.category_create(actor=actor, **form.cleaned_data)

    def update(self, actor: Actor, obj: ApiCategory, form: Any) -> None:
        categories.category_update(actor=actor, category=obj, seen=form.seen, **form.cleaned_data)

    def remove(self, actor: Actor, obj: ApiCategory) -> None:
        categories.category_delete(actor=actor, category=obj)
