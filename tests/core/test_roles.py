"""Roles and scopes: what carol, paul, sam, eve and adam may do, as one table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.roles import (
    ROLE_CAPABILITIES,
    SCOPE_CAPABILITIES,
    SCOPE_LABELS,
    Capability,
    Role,
    Scope,
    capabilities_of,
    narrowed,
    scopes_of,
)

# CONTRACT section 4, "role matrix in one line": roles -> what they may do.
MATRIX = {
    "": "",
    "creator": "see_apis design_apis deploy_apis",
    "publisher": "see_apis set_plans_of_apis publish_apis deploy_apis manage_subscriptions",
    "creator publisher": "see_apis design_apis set_plans_of_apis publish_apis deploy_apis manage_subscriptions",
    "subscriber": "use_applications",
    "creator subscriber": "see_apis design_apis deploy_apis use_applications",
    "administrator": " ".join(Capability),
}
SCOPES = {
    "": "",
    "creator": "api:read api:create",
    "publisher": "api:read api:publish subscription:manage",
    "creator publisher": "api:read api:create api:publish subscription:manage",
    "subscriber": "app:manage",
    "administrator": "api:read api:create api:publish subscription:manage app:manage admin",
}


@pytest.mark.parametrize(("roles", "expected"), MATRIX.items())
def test_roles_give_these_capabilities(roles: str, expected: str) -> None:
    assert capabilities_of(roles.split()) == set(expected.split())


@pytest.mark.parametrize(("roles", "expected"), SCOPES.items())
def test_roles_may_ask_for_these_scopes(roles: str, expected: str) -> None:
    assert list(scopes_of(roles.split())) == expected.split()


@pytest.mark.parametrize("roles", [["owner"], ["Administrator"], ["admin"], [""], ["administrator "]])
def test_a_word_that_is_no_role_gives_nothing(roles: list[str]) -> None:
    assert capabilities_of(roles) == frozenset()
    assert scopes_of(roles) == ()


def test_every_role_scope_and_capability_is_in_the_tables() -> None:
    assert set(ROLE_CAPABILITIES) == set(Role)
    assert set(SCOPE_CAPABILITIES) == set(SCOPE_LABELS) == set(Scope)
    assert frozenset().union(*SCOPE_CAPABILITIES.values()) == set(Capability)


subsets_of_roles = st.sets(st.sampled_from(Role))
subsets_of_scopes = st.sets(st.sampled_from(Scope))


@given(subsets_of_roles, subsets_of_scopes)
def test_scopes_narrow_and_never_widen(roles: set[Role], scopes: set[Scope]) -> None:
    held = capabilities_of(roles)
    assert narrowed(held, scopes) <= held


@given(subsets_of_roles, subsets_of_scopes)
def test_two_scopes_together_allow_what_each_allows(roles: set[Role], scopes: set[Scope]) -> None:
    held = capabilities_of(roles)
    assert narrowed(held, scopes) == frozenset().union(*(narrowed(held, [scope]) for scope in scopes))


@given(subsets_of_roles)
def test_all_the_scopes_that_are_offered_allow_all_that_the_roles_allow(roles: set[Role]) -> None:
    held = capabilities_of(roles)
    assert narrowed(held, scopes_of(roles)) == held


def test_a_token_without_scopes_or_with_unknown_ones_allows_nothing() -> None:
    held = capabilities_of(["administrator"])
    assert narrowed(held, []) == narrowed(held, ["default", "openid", "ADMIN"]) == frozenset()


def test_the_admin_scope_gives_no_design_rights() -> None:
    assert narrowed(capabilities_of(["administrator"]), ["admin"]) == {Capability.ADMINISTER, Capability.SEE_APIS}
