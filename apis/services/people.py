"""People, their roles, and the personal tokens they mint for REST."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from apis.errors import Conflict, Forbidden, Invalid, Missing, Taken
from apis.models import Person, PersonalToken
from apis.permissions import Actor
from apis.roles import BUILT_IN_ROLES, Capability, narrowed, scopes_of
from apis.services.choosing import roles_problem
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.row_editions import mine_only
from apis.validators import text_problem
from apis.words import phrase

TOKEN_SECONDS = 30 * 86_400
TOKEN_SECONDS_LIMIT = 366 * 86_400
USERNAME_LIMIT = 150
PASSWORD_LIMIT = 1000  # hashing takes time that grows with the length
EMAIL_LIMIT = 254  # RFC 5321 section 4.5.3.1, and the column


def _messages(check: Any, *args: Any) -> str:
    try:
        check(*args)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _person_problems(values: dict[str, Any], person: Person) -> dict[str, str]:
    problems: dict[str, str] = {}
    if "username" in values:
        name = values["username"]
        long = len(name) > USERNAME_LIMIT
        problems["username"] = (
            "User name should not be empty." if not name
            else phrase("User name has exceeded the maximum number of {most} characters.", most=USERNAME_LIMIT) if long
            else _messages(UnicodeUsernameValidator(), name)
        )  # fmt: skip
    if values.get("email"):
        long = len(values["email"]) > EMAIL_LIMIT
        problems["email"] = (
            phrase("Email address has exceeded the maximum number of {most} characters.", most=EMAIL_LIMIT) if long
            else _messages(validate_email, values["email"])
        )  # fmt: skip
    if "roles" in values:
        problems["roles"] = roles_problem(list(dict.fromkeys(values["roles"])))
    if values.get("password") is not None:
        problems["password"] = password_problem(values["password"], person)
    return {field: text for field, text in problems.items() if text}


def password_problem(password: str, person: Person) -> str:
    """Why a password is refused, or ""."""
    if not password:
        return "Password should not be empty."
    if text_problem(password, PASSWORD_LIMIT, "Password"):
        return phrase(
            "Password should not contain control characters and have at most {password_limit} characters.",
            password_limit=PASSWORD_LIMIT,
        )
    return _messages(validate_password, password, person)


@transaction.atomic
def person_create(
    *, actor: Actor, username: str, password: str | None = None, email: str = "", roles: Sequence[str] = ()
) -> Person:
    """Create somebody who can sign in (not before a password is set).

    Raises: Forbidden for anybody but administrators; Invalid, Taken.
    """
    actor.require(Capability.ADMINISTER)
    values = {"username": username, "password": password, "email": email, "roles": roles}
    if problems := _person_problems(values, Person(username=username, email=email)):
        raise Invalid(problems)
    sentence = phrase("A person with the user name {username} already exists.", username=username)
    if Person.objects.filter(username__iexact=username).exists():
        raise Taken({"username": sentence})
    try:
        with transaction.atomic():
            person = Person.objects.create_user(username, email, password, roles=_ordered(roles))
    except IntegrityError:
        raise Taken({"username": sentence}) from None
    record(actor, "create_person", person, roles=person.roles, after=_facts(person))
    return person


def _ordered(roles: Sequence[str]) -> list[str]:
    given = set(roles)
    return [name for name in BUILT_IN_ROLES if name in given] + sorted(given - set(BUILT_IN_ROLES))


@transaction.atomic
def person_update(*, actor: Actor, person: Person, seen: int | None = None, **values: Any) -> Person:
    """Change `roles`, `email` or `disabled`. A disabled person's sessions and tokens stop working at once.

    Args:
        seen: the edition of the person that the values were made from (apis.services.row_editions).

    Raises: Forbidden; Invalid; Stale; Conflict where the last way in for an administrator would be lost.
    """
    actor.require(Capability.ADMINISTER)
    if problems := _person_problems(values, person):
        raise Invalid(problems)
    hold(person)
    before = _facts(person)
    if "roles" in values:
        values["roles"] = _ordered(values["roles"])
    values = mine_only(person, seen, before, values)
    if "roles" in values:
        person.roles = values["roles"]
    if "disabled" in values:
        person.is_active = not values["disabled"]
    if "email" in values:
        person.email = values["email"]
    if person.pk == actor.person.pk and Capability.ADMINISTER not in person.capabilities:
        raise Conflict("You cannot take the administrator role from yourself or disable yourself.", code="own_access")
    person.save()
    record(actor, "update_person", person, before=before, after=_facts(person))
    announce("person", person.pk)
    return person


def _facts(person: Person) -> dict[str, Any]:
    return {"roles": person.roles, "disabled": not person.is_active, "email": person.email}


@transaction.atomic
def person_set_password(*, actor: Actor, person: Person, password: str) -> None:
    """Set somebody's password; their browser sessions end. Raises: Forbidden, Invalid."""
    if person.pk != actor.person.pk:
        actor.require(Capability.ADMINISTER)
    if problem := password_problem(password, person):
        raise Invalid({"password": problem})
    hold(person)
    person.set_password(password)
    person.save(update_fields=["password"])
    record(actor, "set_password", person)


def digest_of(token: str) -> str:
    """How a token is kept and looked up: SHA-256, hexadecimal. Enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def personal_token_mint(
    *, person: Person, name: str, scopes: Sequence[str] = (), expires_in: int | None = None
) -> tuple[PersonalToken, str]:
    """Mint a personal token for REST.

    Args:
        scopes: none means all that the person's roles allow, which for somebody without a role is nothing.
        expires_in: seconds, at most a year; 30 days unless given.

    Returns: the row and the token in clear, shown once. Raises: Invalid.
    """
    allowed = [scope.value for scope in scopes_of(person.held_roles)]
    life = TOKEN_SECONDS if expires_in is None else expires_in
    problems = {"name": text_problem(name, 100, "Name") or ("" if name.strip() else "Name should not be empty.")}
    if beyond := [scope for scope in scopes if scope not in allowed]:
        problems["scopes"] = (
            f"Your roles do not allow {', '.join(beyond)}; allowed are: {', '.join(allowed) or 'none'}."
        )
    if not 1 <= life <= TOKEN_SECONDS_LIMIT:
        problems["expires_in"] = phrase(
            "This should be between 1 and {token_seconds_limit} seconds.", token_seconds_limit=TOKEN_SECONDS_LIMIT
        )
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    token = "wsp_" + secrets.token_urlsafe(32)
    row = PersonalToken.objects.create(
        person=person,
        name=name,
        scopes=list(dict.fromkeys(scopes)) or allowed,
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(seconds=life),
    )
    record(Actor.of(person), "mint_token", name, scopes=row.scopes)
    return row, token


@transaction.atomic
def personal_token_revoke(*, actor: Actor, token: PersonalToken) -> None:
    """Delete a personal token: one's own, and for an administrator anybody's.

    Raises: Missing for somebody else's; Forbidden where an own token allows more than the credential that asks.
    """
    if token.person_id != actor.person.pk:
        if not actor.can(Capability.ADMINISTER):
            raise Missing("There is no such token.")
    elif not narrowed(actor.person.capabilities, token.scopes) <= actor.capabilities:
        raise Forbidden("This credential allows less than the token that it would revoke.", code="insufficient_scope")
    record(actor, "revoke_token", token, owner=token.person.get_username())
    token.delete()


def personal_token_find(token: str) -> PersonalToken | None:
    """The valid personal token that this text is, with its person, or None."""
    row = PersonalToken.objects.select_related("person").filter(digest=digest_of(token)).first()
    if row is None or row.expires_at <= timezone.now() or not row.person.is_active:
        return None
    return row
