"""The lifecycle, revisions and deployments through REST."""

from __future__ import annotations

import pytest

from apis.services import designs
from tests.conftest import CHAT


@pytest.fixture
def draft(carol, actor):
    """carol's design, complete but not published."""
    return designs.api_create(actor=actor(carol), **CHAT)


def test_pia_publishes_what_carol_designed(rest, carol, pia, draft):
    where = f"/apis/{draft.pk}/transitions"
    assert rest(pia).get(where).ok() == [
        {"action": "publish", "to": "published", "allowed": True, "missing": []},
        {"action": "prerelease", "to": "prereleased", "allowed": True, "missing": []},
    ]
    assert not any(row["allowed"] for row in rest(carol).get(where).ok())
    rest(carol).post(where, {"action": "publish"}).refused(403)
    api = rest(pia).post(where, {"action": "publish"}).ok()
    assert api["state"] == "published"
    assert api["deployments"][0]["environment"] == "Default"


def test_what_is_missing_is_named_before_and_after(rest, paul, carol, actor):
    api = designs.api_create(actor=actor(carol), name="Bare", context="/bare", version="1")
    where = f"/apis/{api.pk}/transitions"
    assert rest(paul).get(where).ok()[0]["missing"] == ["endpoint", "business_plans"]
    answer = rest(paul).post(where, {"action": "publish"})
    answer.refused(409, "requirements_missing")
    assert "endpoint, business_plans" in answer.body["detail"]


def test_an_illegal_action_is_a_conflict_and_an_unknown_one_invalid(rest, paul, draft):
    where = f"/apis/{draft.pk}/transitions"
    rest(paul).post(where, {"action": "retire"}).refused(409, "illegal_action")
    assert rest(paul).post(where, {"action": "explode"}).refused(400).keys() == {"#/action"}
    assert rest(paul).post(where, {"action": "publish", "checklist": {"hurry": True}}).refused(400).keys() == {
        "#/checklist/hurry"
    }
    assert rest(paul).post(where, {"action": "publish", "checklist": {"require_resubscription": "yes"}}).refused(
        400
    ).keys() == {"#/checklist/require_resubscription"}
    assert rest(paul).get(f"/apis/{draft.pk}").ok()["state"] == "created"


def test_the_whole_life_of_an_api(rest, paul, draft):
    states = []
    for action in ("prerelease", "publish", "block", "republish", "deprecate", "retire"):
        states.append(rest(paul).post(f"/apis/{draft.pk}/transitions", {"action": action}).ok()["state"])
    assert states == ["prereleased", "published", "blocked", "published", "deprecated", "retired"]
    assert rest(paul).get(f"/apis/{draft.pk}").ok()["deployments"] == []
    assert rest(paul).get(f"/apis/{draft.pk}/transitions").ok() == []


def test_publishing_a_new_version_deprecates_the_old_one(rest, paul, chat):
    new = rest(paul).post(f"/apis/{chat.pk}/versions", {"version": "2.0.0"}).ok(201)
    step = {"action": "publish", "checklist": {"deprecate_old_versions": True}}
    rest(paul).post(f"/apis/{new['id']}/transitions", step).ok()
    assert rest(paul).get(f"/apis/{chat.pk}").ok()["state"] == "deprecated"


def test_revisions_are_made_deployed_restored_and_deleted(rest, carol, draft):
    where = f"/apis/{draft.pk}/revisions"
    caller = rest(carol)
    first = caller.post(where, {"description": "First"}).ok(201)
    assert (first["number"], first["created_by"], first["deployments"]) == (1, "carol", [])
    assert caller.post(where).ok(201)["number"] == 2
    assert caller.get(where).ok()["count"] == 2
    design = caller.get(f"{where}/1").ok()["design"]
    assert design["endpoints"]["production"]["urls"][0]["url"] == CHAT["endpoint"]
    assert caller.post(f"{where}/1/deploy").ok()["deployments"][0]["environment"] == "Default"
    caller.delete(f"{where}/1").refused(409, "deployed")
    caller.post(f"{where}/2/undeploy").refused(409, "not_deployed")
    assert caller.post(f"{where}/1/undeploy", {"environments": ["Default"]}).ok()["deployments"] == []
    caller.delete(f"{where}/1").ok(204)
    caller.patch(f"/apis/{draft.pk}", {"endpoint": "ws://new.example.com"}).ok()
    assert caller.post(f"{where}/2/restore").ok()["endpoint"] == CHAT["endpoint"]


def test_a_sixth_revision_is_a_conflict(rest, carol, draft):
    where = f"/apis/{draft.pk}/revisions"
    for _ in range(5):
        rest(carol).post(where, {}).ok(201)
    rest(carol).post(where, {}).refused(409, "too_many_revisions")


def test_deploying_somewhere_unknown_is_invalid(rest, carol, draft):
    where = f"/apis/{draft.pk}/revisions"
    rest(carol).post(where).ok(201)
    for environments in (["Mars"], []):
        assert rest(carol).post(f"{where}/1/deploy", {"environments": environments}).refused(400).keys() == {
            "#/environments"
        }
    for number in ("9", "99999999999999999999", "9" * 5000, "x", "-1", "0"):
        rest(carol).post(f"{where}/{number}/deploy").refused(404)


def test_sam_deploys_nothing(rest, sam, chat):
    for step in ("deploy", "undeploy", "restore"):
        rest(sam).post(f"/apis/{chat.pk}/revisions/1/{step}").refused(403)
    rest(sam).post(f"/apis/{chat.pk}/revisions").refused(403)
    rest(sam).post(f"/apis/{chat.pk}/transitions", {"action": "block"}).refused(403)
