"""Who sees what in the publisher portal, and designing an API there."""

from __future__ import annotations

import uuid

import pytest

from apis.models import Api, Deployment, HistoryEntry, Person, Revision, Subscription, VersionSet
from tests.apis.browsing import Visit, at

NEW = "/publisher/apis/new"
FORM = {
    "name": "Prices",
    "context": "/prices",
    "version": "1.0.0",
    "endpoint": "ws://prices.example.com/feed",
    "business_plans": ["Bronze", "Unlimited"],
    "do": "create",
}
PAGES = ("", "info/", "plans/", "subscriptions/", "topics/", "topics/edit", "scopes/", "scopes/new", "endpoints/",
         "endpoints/sandbox/", "runtime/", "security/",
         "deployments/", "lifecycle/", "history/", "new-version/", "delete/")  # fmt: skip


def test_a_stranger_is_asked_to_sign_in_and_comes_back(chat: Api) -> None:
    for path in ("/publisher/", NEW, at(chat), at(chat, "lifecycle/")):
        answer = Visit().see(path)
        assert answer.status == 302
        assert answer.response.headers["Location"] == f"/login?next={path}"


def test_a_script_of_an_expired_session_is_sent_to_the_sign_in_page(chat: Api) -> None:
    visit = Visit()
    answer = visit.client.get(
        at(chat, "endpoints/production/"),
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{at(chat, 'endpoints/')}"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == f"/login?next={at(chat, 'endpoints/')}"


@pytest.mark.parametrize("name", ["sam", "vic"])
def test_somebody_without_a_role_here_is_shown_the_way_to_the_developer_portal(
    people: dict[str, Person], chat: Api, name: str
) -> None:
    for path in ("/publisher/", NEW, *(at(chat, page) for page in PAGES)):
        shown = Visit(people[name]).see(path)
        assert shown.status == 403
        assert "creator or publisher role" in shown.words
        assert "To the developer portal" in shown.buttons


def test_only_creators_are_offered_to_create(people: dict[str, Person]) -> None:
    for name, offered in {"carol": True, "paul": True, "adam": True, "pia": False}.items():
        shown = Visit(people[name]).see("/publisher/")
        assert shown.status == 200
        assert ("CREATE API" in shown.buttons) is offered, name
        assert Visit(people[name]).see(NEW).status == (200 if offered else 403), name
    assert "No APIs yet" in Visit(people["pia"]).see("/publisher/").words


def test_only_a_creator_who_publishes_is_offered_create_and_publish(carol: Person, paul: Person) -> None:
    assert "CREATE" in Visit(carol).see(NEW).buttons
    assert "CREATE & PUBLISH" not in Visit(carol).see(NEW).buttons
    assert "CREATE & PUBLISH" in Visit(paul).see(NEW).buttons
    assert "* Mandatory fields" in Visit(paul).see(NEW).words


def test_carol_cannot_publish_by_sending_the_form_of_paul(carol: Person) -> None:
    assert Visit(carol).send(NEW, **FORM | {"do": "publish"}).status == 403
    assert not Api.objects.exists()


def test_carol_creates_an_api_and_sees_what_is_done_and_missing(carol: Person) -> None:
    shown = Visit(carol).do(NEW, **FORM | {"endpoint": "", "business_plans": []})
    assert "Prices 1.0.0 is created." in shown.words
    for missing in ("Endpoint is missing", "Not deployed yet", "Business plan is missing"):
        assert missing in shown.words
    shown = Visit(carol).do(NEW, **FORM | {"name": "Weather", "context": "weather"})
    assert "Ready: a publisher can publish it." in shown.words
    assert "ws://localhost:9099/weather/1.0.0" in shown.words
    assert "1,000 events per minute" in shown.words


def test_paul_creates_and_publishes_in_one_step(paul: Person) -> None:
    shown = Visit(paul).do(NEW, **FORM | {"do": "publish"})
    assert "Prices 1.0.0 is published and deployed." in shown.words
    assert "Revision 1 on Default" in shown.words
    assert "View in the developer portal" in shown.buttons
    assert Api.objects.get().state == "published"
    assert Visit(paul).see(f"/devportal/apis/{Api.objects.get().pk}/").status == 200


@pytest.mark.parametrize("script", [False, True])
def test_every_problem_stands_beside_its_field_and_nothing_typed_is_lost(paul: Person, script: bool) -> None:
    typed = {
        "name": "Pri  ces",
        "context": "/a b",
        "version": "1/0",
        "endpoint": "http://x",
        "business_plans": ["Gold"],
        "do": "create",
    }
    shown = Visit(paul).send(NEW, script=script, **typed)
    assert shown.status == 400
    assert "consecutive spaces" in shown.beside("name")
    assert "Context should not contain spaces" in shown.beside("context")
    assert "Version should not contain" in shown.beside("version")
    assert shown.beside("endpoint") == "Invalid WebSocket URL: it must start with ws:// or wss://."
    for field in ("name", "context", "version", "endpoint"):
        assert shown.value(field) == typed[field]
    assert shown.is_checked("business_plans", "Gold")
    assert not shown.is_checked("business_plans", "Bronze")
    assert shown.html.lstrip().startswith("<form") is script
    assert not VersionSet.objects.exists()


def test_create_and_publish_without_endpoint_and_plan_changes_nothing(paul: Person) -> None:
    shown = Visit(paul).send(NEW, **FORM | {"do": "publish", "endpoint": "", "business_plans": []})
    assert shown.status == 400
    assert shown.beside("endpoint") == "Endpoint should not be empty to publish."
    assert shown.beside("business_plans") == "Business plan(s) should not be empty to publish."
    for table in (VersionSet, Api, Revision, Deployment, HistoryEntry):
        assert not table.objects.filter(**({"api__isnull": False} if table is HistoryEntry else {})).exists()


def test_a_plan_that_does_not_exist_is_refused_beside_the_plans(paul: Person) -> None:
    shown = Visit(paul).send(NEW, **FORM | {"business_plans": ["Platinum"]})
    assert shown.status == 400
    assert "Platinum" in shown.beside("business_plans")


def test_who_comes_second_with_a_context_is_told_beside_it_and_keeps_everything(carol: Person, chat: Api) -> None:
    typed = FORM | {"name": "Other chat", "context": "chat"}
    shown = Visit(carol).send(NEW, **typed)
    assert shown.status == 409
    assert shown.beside("context") == "/chat context already exists."
    assert shown.beside("name") == ""
    assert shown.value("name") == "Other chat"
    assert shown.value("endpoint") == FORM["endpoint"]
    assert shown.is_checked("business_plans", "Bronze")


def test_what_is_typed_is_checked_one_field_at_a_time(carol: Person, chat: Api) -> None:
    def live(field: str, **typed: str) -> str:
        shown = Visit(carol).send(f"/publisher/apis/validate?field={field}", script=True, **typed)
        assert shown.status == 200
        return shown.html

    assert live("name", name="Chat", context="/x y") == "Name Chat already exists."
    assert live("name", name="Fresh", context="/x y") == ""
    assert live("endpoint", endpoint="ws://ok.example.com") == ""
    assert "must start with ws://" in live("endpoint", endpoint="ftp://x")
    answer = live("context", context="{version}/feed", version="2.1")
    assert answer.startswith("<code")
    assert "/2.1/feed" in answer
    assert "/{context}/2.1" in live("version", version="2.1")
    assert "{version} can be used only once." in live("context", context="/{version}/{version}")
    assert live("password", password="x") == ""
    assert Visit(carol).see("/publisher/apis/validate").status == 200


def test_what_is_typed_never_becomes_markup(carol: Person) -> None:
    evil = "<img src=x onerror=alert(1)>"
    assert evil not in Visit(carol).send(NEW, **FORM | {"name": evil, "context": evil, "version": evil}).html
    assert evil not in Visit(carol).send("/publisher/apis/validate?field=context", context=evil, version=evil).html


def test_apis_are_searched_and_filtered(paul: Person, carol: Person, chat: Api) -> None:
    Visit(carol).do(NEW, **FORM)
    assert "Prices" in Visit(paul).see("/publisher/").words
    assert "Chat" in Visit(paul).see("/publisher/").words
    found = Visit(paul).see("/publisher/", search="PRICES")
    assert "Prices" in found.buttons
    assert "Chat" not in found.buttons
    found = Visit(paul).see("/publisher/", state="published")
    assert "Chat" in found.buttons
    assert "Prices" not in found.buttons
    found = Visit(carol).see("/publisher/", mine="1")
    assert "Prices" in found.buttons
    assert "Chat" not in found.buttons
    assert "Nothing fits." in Visit(carol).see("/publisher/", search="zebra").words


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "adam"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_works_for_everybody_who_may_see_apis(
    people: dict[str, Person], chat: Api, subscription: Subscription, name: str, page: str
) -> None:
    only_creators = page in {"endpoints/sandbox/", "topics/edit", "scopes/new", "new-version/", "delete/"}
    assert Visit(people[name]).see(at(chat, page)).status == (403 if only_creators and name == "pia" else 200)


def test_an_api_that_is_not_there_is_not_found(paul: Person, chat: Api) -> None:
    for page in PAGES:
        assert Visit(paul).see(f"/publisher/apis/{uuid.uuid4()}/{page}").status == 404
        assert Visit(paul).see(f"/publisher/apis/not-an-id/{page}").status == 404
    assert Visit(paul).see(at(chat, "endpoints/staging/")).status == 404


@pytest.mark.parametrize("value", ["\x00", "-1", "9" * 5000, "٣", "1.5", "😀", "' OR 1=1 --", "%"])
def test_odd_queries_show_a_page(paul: Person, chat: Api, value: str) -> None:
    for path in ("/publisher/", at(chat, "history/"), at(chat, "subscriptions/")):
        for name in ("page", "search", "state", "mine"):
            assert Visit(paul).see(path, **{name: value}).status == 200


@pytest.mark.parametrize("value", ["", "\x00", "x" * 30_000, "9" * 400, "\u2028", "١٢", "nan", "-0", "1e999"])
def test_odd_forms_break_nothing(paul: Person, chat: Api, value: str) -> None:
    fields = ("name", "context", "version", "endpoint", "business_plans", "do", "url", "weight", "connect_ms", "factor",
              "strategy", "failures", "idle_s", "max_sessions", "action", "number", "environments", "subscription",
              "what", "key_type", "copy", "tags", "description", "display_name", "confirmed")  # fmt: skip
    before = list(chat.endpoints.values("key_type", "config"))
    for path in (NEW, *(at(chat, page) for page in PAGES)):
        assert Visit(paul).send(path, **dict.fromkeys(fields, value)).status in {200, 302, 400, 404, 409}, path
    chat.refresh_from_db()
    assert (chat.state, list(chat.endpoints.values("key_type", "config"))) == ("published", before)
