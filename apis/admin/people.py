"""People, their passwords, and their personal tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.decorators import display
from unfold.forms import AdminOwnPasswordChangeForm

from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choices, Password, Text, YesNo
from apis.admin.pages import Page, PageForm, answer
from apis.models import Person, PersonalToken
from apis.permissions import Actor
from apis.roles import Capability, Role
from apis.saying import said
from apis.selectors_portal import custom_roles
from apis.services import people
from apis.words import phrase

_ROLES = {
    Role.CREATOR: "creator: designs APIs",
    Role.PUBLISHER: "publisher: lifecycle, plans of APIs, subscriptions",
    Role.SUBSCRIBER: "subscriber: own applications and subscriptions",
    Role.ADMINISTRATOR: "administrator: everything",
}


def role_choices() -> list[tuple[str, str]]:
    """The built-in roles with what they allow, then the custom ones with what they count as."""
    custom = [
        (row.name, phrase("{name}: as {kind}", name=row.name, kind=row.alias_of) if row.alias_of else row.name)
        for row in custom_roles()
    ]
    return [(role.value, label) for role, label in _ROLES.items()] + custom


class PersonForm(ServiceForm):
    """Somebody's account; the password of an existing one has a page of its own."""

    username = Text(label="User name", help_text="Letters, digits and @ . + - _")
    email = Text(label="E-mail address")
    roles = Choices(choices=role_choices)
    password = Password(help_text="Without one the person cannot sign in yet.")
    disabled = YesNo(help_text="Sessions and tokens of a disabled person stop working at once.")

    mandatory = ("username",)

    class Meta:
        model = Person
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if not row._state.adding:
            stored = {"username": row.username, "email": row.email, "roles": row.roles, "disabled": not row.is_active}
            self.initial = {**stored, **self.initial}

    def put_together(self, row: Person, mine: dict[str, Any]) -> Person:
        row.is_active = not mine["disabled"]
        return super().put_together(row, mine)


class PasswordForm(PageForm):
    """A new password, twice."""

    mandatory = ("password", "again")

    password = Password()
    again = Password(label="The same again")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") != values.get("again"):
            raise forms.ValidationError({"again": "The two passwords are not the same."})
        return values


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Django's form for one's own password; the service checks, saves and records it."""

    def _post_clean(self) -> None:
        super()._post_clean()
        typed = self.cleaned_data.get("new_password1")
        if not self.errors and (problem := people.password_problem(typed, self.user)):
            self.add_error("new_password2", problem)

    def save(self, commit: bool = True) -> Person:
        password = self.cleaned_data["new_password1"]
        people.person_set_password(actor=Actor.of(self.user), person=self.user, password=password)
        return self.user


@admin.register(Person)
class PersonAdmin(ServiceAdmin):
    """Who may sign in, and as what. Nobody is deleted: the history speaks of them."""

    form = PersonForm
    adds = changes = (Capability.ADMINISTER,)
    list_display = ("username", "role_badges", "email", "is_enabled", "last_login", "date_joined")
    list_filter = ("is_active",)
    search_fields = ("username", "email")
    add_fieldsets = ((None, {"fields": ("username", "email", "roles", "password")}),)
    fieldsets = (
        (None, {"fields": ("email", "roles", "disabled")}),
        ("Facts", {"fields": ("user_name", "last_login", "date_joined")}),
    )
    change_form_outer_before_template = "admin/apis/person/password.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user_name", "last_login", "date_joined") if obj else ()

    @display(description="User name")
    def user_name(self, person: Person) -> str:
        return person.get_username()

    @display(description="Roles", label=True)
    def role_badges(self, person: Person) -> list[str]:
        return list(person.roles) or [said("no role")]

    @display(description="Enabled", boolean=True, ordering="is_active")
    def is_enabled(self, person: Person) -> bool:
        return person.is_active

    def create(self, actor: Actor, form: Any) -> Person:
        values = form.cleaned_data
        return people.person_create(
            actor=actor,
            username=values["username"],
            password=values["password"] or None,
            email=values["email"],
            roles=values["roles"],
        )

    def update(self, actor: Actor, obj: Person, form: Any) -> None:
        values = {name: form.cleaned_data[name] for name in ("email", "roles", "disabled")}
        people.person_update(actor=actor, person=obj, seen=form.seen, **values)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.password_page)
        return [path("<uuid:object_id>/set-password/", view, name="apis_person_set_password"), *super().get_urls()]

    def password_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        person = self.find(request, object_id)

        def run(cleaned: dict[str, Any]) -> str:
            people.person_set_password(actor=self.actor(request), person=person, password=cleaned["password"])
            return phrase("The password of {person} was set; their browser sessions have ended.", person=person)

        page = Page(title=phrase("Set the password of {person}", person=person), button="Set password", run=run)
        return answer(self, request, person, page, PasswordForm)


@admin.register(PersonalToken)
class PersonalTokenAdmin(ServiceAdmin):
    """Tokens for REST: everybody who may enter sees their own, administrators all. The token itself is nowhere."""

    sees = deletes = (Capability.SEE_APIS, Capability.ADMINISTER)
    list_display = ("name", "person", "scope_list", "created_at", "expires_at", "is_valid")
    list_filter = ("person",)
    search_fields = ("name", "person__username")
    list_select_related = ("person",)
    fields = ("name", "person", "scope_list", "created_at", "expires_at")
    readonly_fields = fields
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalToken]:
        actor = self.actor(request)
        rows = super().get_queryset(request)
        return rows if actor.can(Capability.ADMINISTER) else rows.filter(person=actor.person)

    @display(description="Scopes", label=True)
    def scope_list(self, token: PersonalToken) -> list[str]:
        return list(token.scopes)

    @display(description="Valid", boolean=True)
    def is_valid(self, token: PersonalToken) -> bool:
        return token.expires_at > timezone.now()

    @admin.action(description="Revoke the selected tokens", permissions=["delete"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[PersonalToken]) -> None:
        rows = list(queryset)
        for token in rows:
            self.remove(self.actor(request), token)
        messages.success(request, said(phrase("Tokens revoked: {count}.", count=len(rows))))

    def remove(self, actor: Actor, obj: PersonalToken) -> None:
        people.personal_token_revoke(actor=actor, token=obj)
