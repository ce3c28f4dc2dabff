"""Custom roles: what they are good for, who keeps them, and why one cannot go while somebody needs it."""

from __future__ import annotations

from typing import Any

import pytest

from apis import scoping
from apis.errors import Conflict, Forbidden, Invalid, Missing, Taken
from apis.models import Api, BusinessPlan, Person, PersonalToken, Role
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_plans import plans_open_to
from apis.services import custom_roles, designs, plans, scopes
from apis.services.people import person_create, person_update, personal_token_mint
from tests.apis.world import everything, last_entry


def make(adam: Person, name: str, **values: str) -> Role:
    return custom_roles.role_create(actor=Actor.of(adam), name=name, **values)


def give(adam: Person, person: Person, *roles: str) -> Person:
    person_update(actor=Actor.of(adam), person=person, roles=roles)
    return Person.objects.get(pk=person.pk)


def test_a_role_without_an_alias_allows_nothing(adam: Person, vic: Person) -> None:
    make(adam, "internal/finance", description="The department")
    vic = give(adam, vic, "internal/finance")
    assert (vic.roles, vic.capabilities) == (["internal/finance"], frozenset())
    assert last_entry().detail["after"]["roles"] == ["internal/finance"]


def test_an_alias_allows_what_the_built_in_role_allows_from_now_on(adam: Person, vic: Person) -> None:
    role = make(adam, "Internal/creator")
    vic = give(adam, vic, "Internal/creator")
    assert Capability.DESIGN_APIS not in vic.capabilities
    custom_roles.role_update(actor=Actor.of(adam), role=role, alias_of="creator")
    vic = Person.objects.get(pk=vic.pk)
    assert vic.held_roles == {"Internal/creator", "creator"}
    api = designs.api_create(actor=Actor.of(vic), name="Vic's own".replace("'", ""), context="/vic", version="1")
    assert api.provider == vic
    _, token = personal_token_mint(person=vic, name="x")
    assert token
    custom_roles.role_update(actor=Actor.of(adam), role=role, alias_of="")
    assert Person.objects.get(pk=vic.pk).capabilities == frozenset()


def test_an_alias_counts_wherever_the_built_in_role_is_named(adam: Person, vic: Person, chat: Api) -> None:
    make(adam, "partners", alias_of="subscriber")
    vic = give(adam, vic, "partners")
    scope = scopes.scope_create(actor=Actor.of(adam), name="rooms:write", roles=["subscriber"])
    assert scoping.may_hold(scope, vic)
    plan = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=plan, permission={"mode": "allow", "roles": ["subscriber"]})
    assert "Bronze" in [row.name for row in plans_open_to(Actor.of(vic), Api.objects.get(pk=chat.pk))]


def test_scopes_and_plans_may_name_custom_roles(adam: Person, sam: Person, eve: Person, chat: Api) -> None:
    make(adam, "partners")
    scope = scopes.scope_create(actor=Actor.of(adam), name="rooms:write", roles=["partners"])
    plan = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=plan, permission={"mode": "allow", "roles": ["partners"]})
    sam = give(adam, sam, "subscriber", "partners")
    api = Api.objects.get(pk=chat.pk)
    assert (scoping.may_hold(scope, sam), scoping.may_hold(scope, eve)) == (True, False)
    assert [row.name for row in plans_open_to(Actor.of(sam), api)] == ["Bronze", "Unlimited"]
    assert [row.name for row in plans_open_to(Actor.of(eve), api)] == ["Unlimited"]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": 'a"b'}, "name"),
        ({"name": "ä"}, "name"),
        ({"name": "x" * 61}, "name"),
        *[({"name": name}, "name") for name in ("creator", "Publisher", "SUBSCRIBER", "administrator")],
        ({"name": "a", "description": "\x00"}, "description"),
        ({"name": "a", "description": "x" * 501}, "description"),
        ({"name": "a", "description": 7}, "description"),
        ({"name": "a", "alias_of": "king"}, "alias_of"),
        ({"name": "a", "alias_of": "partners"}, "alias_of"),
        ({"name": "a", "colour": "red"}, "colour"),
    ],
)
def test_what_is_no_role_is_refused_by_field(adam: Person, values: dict[str, Any], place: str) -> None:
    make(adam, "partners")
    before = everything()
    with pytest.raises(Invalid) as refusal:
        custom_roles.role_create(actor=Actor.of(adam), **values)
    assert list(refusal.value.fields) == [place]
    assert everything() == before


def test_a_name_is_taken_whatever_its_letters_case(adam: Person) -> None:
    make(adam, "partners")
    with pytest.raises(Taken):
        make(adam, "Partners")


def test_a_name_stays(adam: Person) -> None:
    role = make(adam, "partners")
    with pytest.raises(Invalid) as refusal:
        custom_roles.role_update(actor=Actor.of(adam), role=role, name="friends")
    assert list(refusal.value.fields) == ["name"]


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "sam", "vic"])
def test_only_administrators_keep_roles(people: dict[str, Person], name: str) -> None:
    role = make(people["adam"], "partners")
    before, actor = everything(), Actor.of(people[name])
    acts: list[Any] = [
        lambda: custom_roles.role_create(actor=actor, name="mine", alias_of="administrator"),
        lambda: custom_roles.role_update(actor=actor, role=role, alias_of="administrator"),
        lambda: custom_roles.role_delete(actor=actor, role=role),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert everything() == before


def test_a_role_in_use_stays_and_says_where(adam: Person, carol: Person, vic: Person, chat: Api) -> None:
    role = make(adam, "partners")
    give(adam, vic, "partners")
    actor = Actor.of(adam)
    designs.api_update(actor=actor, api=chat, access_roles=["partners"], visible_roles=["partners", "subscriber"])
    scopes.scope_create(actor=actor, name="rooms:write", roles=["partners"])
    plan = BusinessPlan.objects.get(name="Gold")
    plans.business_plan_update(actor=actor, plan=plan, permission={"mode": "deny", "roles": ["partners"]})
    with pytest.raises(Conflict) as refusal:
        custom_roles.role_delete(actor=actor, role=role)
    for place in (
        "person vic", "access control of Chat 1.0.0", "visibility of Chat 1.0.0", "scope rooms:write",
        "business plan Gold",
    ):  # fmt: skip
        assert place in refusal.value.detail
    designs.api_update(actor=actor, api=chat, access_roles=[], visible_roles=[])
    plans.business_plan_update(actor=actor, plan=plan, permission={"mode": "none", "roles": []})
    give(adam, vic)
    scopes.scope_delete(actor=actor, scope=scopes.Scope.objects.get(name="rooms:write"))
    custom_roles.role_delete(actor=actor, role=role)
    assert not Role.objects.exists()
    with pytest.raises(Missing):
        custom_roles.role_delete(actor=actor, role=role)


def test_people_hold_roles_that_there_are(adam: Person, vic: Person) -> None:
    with pytest.raises(Invalid) as refusal:
        person_create(actor=Actor.of(adam), username="nina", roles=["creator", "partners"])
    assert refusal.value.fields["roles"][0].startswith("Unknown role: partners. Known are: creator, publisher")
    make(adam, "partners")
    nina = person_create(actor=Actor.of(adam), username="nina", roles=["partners", "subscriber", "creator", "partners"])
    assert nina.roles == ["creator", "subscriber", "partners"]


def test_nobody_shuts_themselves_out_by_an_alias(adam: Person, vic: Person) -> None:
    role = make(adam, "operators", alias_of="administrator")
    vic = give(adam, vic, "operators")
    assert Capability.ADMINISTER in vic.capabilities
    with pytest.raises(Conflict) as refusal:
        custom_roles.role_update(actor=Actor.of(vic), role=role, alias_of="creator")
    assert refusal.value.code == "own_access"
    custom_roles.role_update(actor=Actor.of(adam), role=role, alias_of="creator")
    assert Capability.ADMINISTER not in Person.objects.get(pk=vic.pk).capabilities


def test_what_custom_roles_stand_for_comes_along_with_somebody(
    adam: Person, vic: Person, django_assert_num_queries: Any
) -> None:
    make(adam, "partners", alias_of="subscriber")
    vic = give(adam, vic, "partners")
    with django_assert_num_queries(0):
        assert all(Capability.USE_APPLICATIONS in vic.capabilities for _ in range(5))


def test_somebody_who_came_along_with_something_else_asks_once_what_their_roles_stand_for(
    adam: Person, vic: Person, django_assert_num_queries: Any
) -> None:
    make(adam, "partners", alias_of="subscriber")
    token, _ = personal_token_mint(person=give(adam, vic, "partners"), name="own")
    vic = PersonalToken.objects.select_related("person").get(pk=token.pk).person
    with django_assert_num_queries(1):
        assert all(Capability.USE_APPLICATIONS in vic.capabilities for _ in range(5))


def test_other_roles_are_asked_for_again(adam: Person, vic: Person) -> None:
    make(adam, "internal/finance")
    vic = give(adam, vic, "internal/finance")
    assert not vic.capabilities
    make(adam, "partners", alias_of="subscriber")
    vic.roles = ["partners"]
    assert Capability.USE_APPLICATIONS in vic.capabilities
