"""Keys and deployments that wait for an administrator, where adam said so: asked for, decided, and no way around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.errors import Conflict
from apis.models import Api, Application, Approval, Deployment, KeyPair, Person, Revision
from apis.permissions import Actor
from apis.services import api_keys, approval_rules, approving, keys, publishing
from tests.apis.browsing import YES, Visit, at, page
from tests.apis.conftest import Rest
from tests.apis.office import at as at_desk
from tests.apis.office import desk
from tests.conftest import CHAT

pytestmark = pytest.mark.django_db
Callers = Callable[..., Rest]


@pytest.fixture
def careful(adam: Person) -> None:
    approval_rules.approval_rules_set(actor=Actor.of(adam), production_keys=True, deployments=True)


def decide(adam: Person, decision: str, reason: str = "") -> Approval:
    approval = Approval.objects.get(state="waiting")
    return approving.approval_decide(actor=Actor.of(adam), approval=approval, decision=decision, reason=reason)


# Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("careful")
def test_keys_are_asked_for_and_made_by_their_owner_once_adam_says_yes(
    rest: Callers, sam: Person, adam: Person, phone: Application
) -> None:
    caller, where = rest(sam), f"/applications/{phone.pk}/keys"
    asked = caller.post(where, {"key_type": "production"}).ok(202)
    assert (asked["kind"], asked["state"], asked["application"]) == ("keys", "waiting", str(phone.pk))
    assert asked["wanted"]["key_type"] == "production"
    assert caller.post(where, {"key_type": "production"}).ok(202)["id"] == asked["id"]
    assert not KeyPair.objects.exists()
    caller.post(f"/approvals/{asked['id']}/decide", {"decision": "approve"}).refused(403)
    rest(adam).post(f"/approvals/{asked['id']}/decide", {"decision": "approve", "reason": "Welcome"}).ok()
    assert not KeyPair.objects.exists()
    made = caller.post(where, {"key_type": "production"}).ok(201)
    assert made["consumer_secret"]


@pytest.mark.usefixtures("careful")
def test_there_is_no_way_around_it(rest: Callers, sam: Person, phone: Application) -> None:
    caller, actor = rest(sam), Actor.of(sam)
    token = caller.post(f"/applications/{phone.pk}/generate-token", {"key_type": "production"})
    token.refused(409, "keys_need_approval")
    caller.post(f"/applications/{phone.pk}/api-keys", {"key_type": "production"}).refused(409, "keys_need_approval")
    with pytest.raises(Conflict) as refusal:
        keys.keys_generate(actor=actor, application=phone, key_type="production")
    assert refusal.value.code == "keys_need_approval"
    caller.post(f"/applications/{phone.pk}/keys", {"key_type": "sandbox"}).ok(201)
    api_keys.api_key_create(actor=actor, application=phone, key_type="sandbox")


def test_who_has_keys_already_and_adam_are_not_asked(sam: Person, adam: Person, phone: Application) -> None:
    pair, _ = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    approval_rules.approval_rules_set(actor=Actor.of(adam), production_keys=True, sandbox_keys=True)
    keys.secret_regenerate(actor=Actor.of(sam), pair=pair)
    keys.token_generate(actor=Actor.of(sam), application=phone, key_type="production")
    api_keys.api_key_create(actor=Actor.of(sam), application=phone, key_type="production")
    made = keys.keys_generate_or_ask(actor=Actor.of(adam), application=phone, key_type="sandbox")
    assert not isinstance(made, Approval)


@pytest.mark.usefixtures("careful")
def test_sam_sees_in_the_portal_that_it_waits_why_not_and_takes_it_back(
    sam: Person, adam: Person, phone: Application
) -> None:
    his, where = Visit(sam), page(phone, "keys/production/generate")
    typed: dict[str, Any] = {"grant_types": ["client_credentials"], "redirect_uris": ""}
    his.do(where, **typed)
    waiting = his.see(page(phone))
    assert "An administrator decides whether this application may have these keys" in waiting.words
    assert "Next: generate the keys" not in waiting.words
    his.do(where, withdraw="yes")
    assert Approval.objects.get().state == "withdrawn"
    his.do(where, **typed)
    decide(adam, "reject", "Sign the contract first")
    assert "Sign the contract first" in his.see(page(phone)).words
    his.do(where, **typed)
    decide(adam, "approve")
    assert "you can generate them now" in his.see(page(phone)).words
    assert "Copy it now" in his.send(where, **typed).words
    assert KeyPair.objects.get().handed_out


# Deployments ------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(chat: Api, paul: Person, adam: Person) -> Revision:
    """A second revision of Chat, whose first one was deployed before deployments had to wait."""
    revision = publishing.revision_create(actor=Actor.of(paul), api=chat)
    approval_rules.approval_rules_set(actor=Actor.of(adam), deployments=True)
    return revision


def deployed() -> int:
    return Deployment.objects.get().revision.number


def test_a_revision_is_deployed_once_adam_says_yes(
    rest: Callers, chat: Api, paul: Person, adam: Person, second: Revision
) -> None:
    where = f"/apis/{chat.pk}/revisions/{second.number}/deploy"
    rest(paul).post(where).ok(202)
    assert deployed() == 1
    (asked,) = rest(paul).get("/approvals?kind=deployment").ok()["results"]
    assert (asked["state"], asked["wanted"]) == ("waiting", {"revision": 2, "environments": ["Default"]})
    rest(adam).post(f"/approvals/{asked['id']}/decide", {"decision": "reject", "reason": "Not on a Friday"}).ok()
    assert deployed() == 1
    said = Visit(paul).see(at(chat, "deployments/")).words
    assert "adam rejected what paul asked for: to deploy revision 2 to Default. Not on a Friday" in said
    rest(paul).post(where).ok(202)
    assert "adam rejected" not in Visit(paul).see(at(chat, "deployments/")).words
    decide(adam, "approve")
    assert deployed() == 2
    rest(adam).post(f"/apis/{chat.pk}/revisions/1/deploy").ok(200)
    assert deployed() == 1


def test_a_request_takes_the_place_of_the_one_before_and_what_is_gone_is_only_rejected(
    chat: Api, paul: Person, adam: Person, second: Revision
) -> None:
    publishing.revision_deploy(actor=Actor.of(paul), revision=second)
    third = publishing.revision_create(actor=Actor.of(paul), api=chat)
    publishing.revision_deploy(actor=Actor.of(paul), revision=third)
    assert sorted(Approval.objects.values_list("state", flat=True)) == ["waiting", "withdrawn"]
    publishing.revision_delete(actor=Actor.of(paul), revision=third)
    with pytest.raises(Conflict) as refusal:
        decide(adam, "approve")
    assert refusal.value.code == "revision_missing"
    assert decide(adam, "reject").state == "rejected"


@pytest.mark.usefixtures("careful")
def test_publishing_what_is_not_deployed_waits_as_well(rest: Callers, paul: Person, adam: Person) -> None:
    body = rest(paul).post("/apis?publish=true", CHAT).body
    assert body["state"] == "created"
    assert not Deployment.objects.exists()
    decide(adam, "approve")
    assert Api.objects.get(pk=body["id"]).state == "published"
    assert deployed() == 1


def test_the_deployments_page_says_what_waits_and_takes_it_back(chat: Api, paul: Person, second: Revision) -> None:
    his, where = Visit(paul), at(chat, "deployments/")
    his.do(where, do="deploy", number="2", environments=["Default"], **YES)
    shown = his.see(where)
    assert "paul asks to deploy revision 2 to Default" in shown.words
    assert "Cancel the request" in shown.buttons
    his.do(where, do="withdraw")
    assert Approval.objects.get().state == "withdrawn"
    assert "asks to deploy" not in his.see(where).words
    assert deployed() == 1


# In the administration --------------------------------------------------------------------------------------------


def test_adam_makes_the_rules_and_reads_what_is_asked_for(
    adam: Person, sam: Person, paul: Person, chat: Api, phone: Application, second: Revision
) -> None:
    office = desk(adam)
    office.open("/admin/apis/approvalrules/")
    office.done(office.press("/admin/apis/approvalrules/1/change/", production_keys="on", deployments="on"))
    now = approval_rules.rules()
    assert (now.production_keys, now.sandbox_keys, now.deployments) == (True, False, True)
    keys.keys_generate_or_ask(actor=Actor.of(sam), application=phone, key_type="production")
    publishing.revision_deploy(actor=Actor.of(paul), revision=second)
    listed = Visit(adam).see(at_desk(Approval, "changelist")).words
    assert "production keys (client_credentials)" in listed
    assert "deploying revision 2 to Default" in listed
    for row in Approval.objects.filter(state="waiting"):
        asked = Visit(adam).see(f"/admin/apis/approval/{row.pk}/decide/approve/")
        assert asked.status == 200


def test_the_rules_over_rest(rest: Callers, adam: Person, paul: Person) -> None:
    body = {"production_keys": True, "sandbox_keys": True, "deployments": True}
    assert rest(adam).patch("/approval-rules", body).ok() == {"transitions": [], "applications": False, **body}
    rest(paul).patch("/approval-rules", body).refused(403)
    assert "#/deployments" in rest(adam).patch("/approval-rules", {"deployments": "yes"}).refused(400)
