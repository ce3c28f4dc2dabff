"""People and their personal tokens."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from apis.models.gathering import Pairs
from apis.roles import BUILT_IN_ROLES, Capability, capabilities_of
from apis.roles import Role as BuiltIn

_BUILT_IN: Final = frozenset(BUILT_IN_ROLES)


class PersonManager(UserManager["Person"]):
    """Makes people by their roles; Django's own `createsuperuser` makes an administrator.

    Who is read through it brings along what the custom roles stand for (`role_aliases`), so that nobody's rights ask
    for them again.
    """

    def get_queryset(self) -> models.QuerySet[Person]:
        rows = super().get_queryset()
        if not hasattr(self.model, "held_roles"):  # a migration's, perhaps from before there were custom roles
            return rows
        roles = Role.objects.exclude(alias_of="").order_by().annotate(pairs=Pairs("name", "alias_of"))
        return rows.annotate(role_aliases=models.Subquery(roles.values("pairs")))

    def create_user(self, username: str, email: str | None = None, password: str | None = None, **extra: Any) -> Person:
        person = self.model(username=self.model.normalize_username(username), email=email or "", **extra)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> Person:
        return self.create_user(username, email, password, **{**extra, "roles": [BuiltIn.ADMINISTRATOR.value]})


class Role(models.Model):
    """A role that administrators keep beside the built-in ones; people hold it by its name (`Person.roles`).

    By itself it only says who sees what. With `alias_of` it also counts as that built-in role, everywhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=500, blank=True, default="")
    alias_of = models.CharField(max_length=20, blank=True, default="", help_text="a built-in role, or none")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Person(AbstractUser):
    """Somebody who signs in. What they may do follows from `roles` alone (apis.roles)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    roles = models.JSONField(default=list, blank=True)
    # Replaced by `roles`: one place decides, so Django's own switches are derived instead of stored.
    is_staff = None
    is_superuser = None
    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]

    objects: ClassVar[PersonManager] = PersonManager()

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        verbose_name_plural = "people"
        ordering = ("username",)

    @property
    def held_roles(self) -> frozenset[str]:
        """The names that count for this person: of their roles, and of the built-in ones that those stand for.

        Everything that asks for a role asks here. What custom roles stand for came along with the row, or is asked
        for once, for as long as `roles` stay.
        """
        names = frozenset(self.roles)
        if names <= _BUILT_IN:
            return names
        known, held = self.__dict__.get("_held", (None, frozenset()))
        if known != names:
            aliases = self._aliases()
            held = names | {aliases[name] for name in names - _BUILT_IN if name in aliases}
            self.__dict__["_held"] = names, held
        return held

    def _aliases(self) -> dict[str, str]:
        """The built-in roles that custom ones stand for; those that came along count once, other roles ask again."""
        if "role_aliases" in self.__dict__:
            return self.__dict__.pop("role_aliases") or {}
        return dict(Role.objects.exclude(alias_of="").values_list("name", "alias_of"))

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        for kept in ("_held", "role_aliases"):
            self.__dict__.pop(kept, None)
        super().refresh_from_db(*args, **options)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this person's roles allow; nothing for a disabled person."""
        return capabilities_of(self.held_roles) if self.is_active else frozenset()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's permission question: only administrators pass wholesale; admin pages ask apis.permissions."""
        return Capability.ADMINISTER in self.capabilities

    def has_module_perms(self, app_label: str) -> bool:
        return is_staff(self)

    def get_all_permissions(self, obj: object = None) -> set[str]:
        return set()


def is_staff(person: Person) -> bool:
    """Whether the administration site is for this person: it is where APIs are designed, published, administered."""
    return bool(person.capabilities & {Capability.SEE_APIS, Capability.ADMINISTER})


# Django asks these as attributes; as properties they cannot contradict `roles`.
Person.is_staff = property(is_staff)  # type: ignore[assignment]
Person.is_superuser = property(lambda person: Capability.ADMINISTER in person.capabilities)  # type: ignore[assignment]


class PersonalToken(models.Model):
    """A bearer token for REST that a person minted for themselves. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="personal_tokens")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} of {self.person}"
