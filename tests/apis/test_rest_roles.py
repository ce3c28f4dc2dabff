"""/roles, /api-categories, and what is said about an API, in REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.models import Api, ApiCategory, Person, Role
from apis.shapes_about import no_owners


def test_administrators_keep_roles_and_everybody_reads_them(
    rest: Callable[..., Any], adam: Person, sam: Person, vic: Person
) -> None:
    made = rest(adam).post("/roles", {"name": "partners", "description": "x", "alias_of": "subscriber"})
    body = made.ok(201)
    assert made.headers["Location"] == f"/api/v1/roles/{body['id']}"
    assert {key: body[key] for key in ("name", "description", "alias_of")} == {
        "name": "partners", "description": "x", "alias_of": "subscriber",
    }  # fmt: skip
    for person in (sam, vic):
        assert [row["name"] for row in rest(person).get("/roles").ok()["results"]] == ["partners"]
        assert rest(person).get(f"/roles/{body['id']}").ok() == body
        rest(person).post("/roles", {"name": "mine"}).refused(403)
        rest(person).patch(f"/roles/{body['id']}", {"alias_of": "administrator"}).refused(403)
        rest(person).delete(f"/roles/{body['id']}").refused(403)
    rest().get("/roles").refused(401)
    assert rest(adam).patch(f"/roles/{body['id']}", {"alias_of": ""}).ok()["alias_of"] == ""
    rest(adam).delete(f"/roles/{body['id']}").ok(204)
    rest(adam).get(f"/roles/{body['id']}").refused(404)


@pytest.mark.parametrize("name", ["administrator", "Creator", "a b", "", None, 7])
def test_a_role_with_such_a_name_is_refused(rest: Callable[..., Any], adam: Person, name: Any) -> None:
    assert list(rest(adam).post("/roles", {"name": name}).refused(400)) == ["#/name"]


def test_a_role_is_given_by_people_and_stays_while_somebody_has_it(
    rest: Callable[..., Any], adam: Person, sam: Person
) -> None:
    caller = rest(adam)
    role = caller.post("/roles", {"name": "partners", "alias_of": "creator"}).ok(201)
    told = caller.patch(f"/people/{sam.pk}", {"roles": ["subscriber", "friends"]}).refused(400)
    assert told["#/roles"].startswith(
        "Unknown role: friends. Known are: creator, publisher, subscriber, administrator, p"
    )
    assert caller.patch(f"/people/{sam.pk}", {"roles": ["partners"]}).ok()["roles"] == ["partners"]
    assert "api:create" in rest(Person.objects.get(pk=sam.pk)).get("/me").ok()["scopes"]
    refusal = caller.delete(f"/roles/{role['id']}")
    refusal.refused(409, "in_use")
    assert refusal.body["detail"] == "partners is in use: person sam."
    caller.post("/roles", {"name": "PARTNERS"}).refused(409, "already_exists")
    assert Role.objects.count() == 1


def test_administrators_keep_categories_and_everybody_reads_them(
    rest: Callable[..., Any], adam: Person, carol: Person, sam: Person, chat: Api, paul: Person
) -> None:
    row = rest(adam).post("/api-categories", {"name": "Live", "description": "x"}).ok(201)
    assert [one["name"] for one in rest(sam).get("/api-categories").ok()["results"]] == ["Live"]
    for person in (carol, sam):
        rest(person).post("/api-categories", {"name": "Mine"}).refused(403)
        rest(person).delete(f"/api-categories/{row['id']}").refused(403)
    rest(paul).patch(f"/apis/{chat.pk}", {"categories": ["Live"]}).ok()
    rest(adam).delete(f"/api-categories/{row['id']}").refused(409, "in_use")
    assert rest(adam).patch(f"/api-categories/{row['id']}", {"name": "Real time"}).ok()["name"] == "Real time"
    assert rest(sam).get(f"/apis/{chat.pk}").ok()["categories"] == ["Real time"]
    rest(paul).patch(f"/apis/{chat.pk}", {"categories": []}).ok()
    rest(adam).delete(f"/api-categories/{row['id']}").ok(204)
    assert not ApiCategory.objects.exists()


def test_what_is_said_about_an_api_is_written_whole_and_read_by_right(
    rest: Callable[..., Any], paul: Person, sam: Person, chat: Api
) -> None:
    said = {
        "description": "**Rooms**",
        "business": {"business_owner": "Bo"},
        "access_roles": ["creator"],
        "visible_roles": ["subscriber", "publisher"],
        "properties": [
            {"name": "region", "value": "Berlin", "show_in_devportal": True},
            {"name": "cost centre", "value": "4711"},
        ],
    }
    shown = rest(paul).patch(f"/apis/{chat.pk}", said).ok()
    full = [{"value": "", "show_in_devportal": False, **row} for row in said["properties"]]
    assert shown["business"] == no_owners() | said["business"]
    assert (shown["properties"], shown["access_roles"]) == (full, ["creator"])
    assert shown["visible_roles"] == ["publisher", "subscriber"]
    theirs = rest(sam).get(f"/apis/{chat.pk}").ok()
    assert (theirs["business"], theirs["properties"]) == (shown["business"], full[:1])
    assert (theirs["access_roles"], theirs["visible_roles"]) == (None, None)
    told = rest(paul).patch(f"/apis/{chat.pk}", {"properties": [{"name": "a"}, {"name": "A"}], "business": {"x": 1}})
    assert set(told.refused(400)) == {"#/properties/1/name", "#/business/x"}


def test_a_new_api_may_be_published_with_all_of_it(rest: Callable[..., Any], paul: Person, adam: Person) -> None:
    rest(adam).post("/api-categories", {"name": "Live"}).ok(201)
    design = {"name": "New", "context": "/new", "version": "1", "categories": ["Live"], "visible_roles": ["subscriber"]}
    rest(paul).post("/apis?publish=true", {**design, "categories": ["Dead"]}).refused(400)
    told = rest(paul).post("/apis?publish=true", {**design, "categories": ["Dead"]}).refused(400)
    assert set(told) == {"#/categories", "#/endpoint", "#/business_plans"}
    more = {"endpoint": "wss://a.example.com", "business_plans": ["Bronze"]}
    assert rest(paul).post("/apis?publish=true", {**design, **more}).ok(201)["categories"] == ["Live"]
