"""Whatever is typed into an address or a form of the administration: an answer below 500, and nothing half-done."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, BusinessPlan, HistoryEntry, Person, PersonalToken, Subscription
from tests.apis.office import at, desk, filled_in
from tests.apis.world import everything

LONG = "9" * 5000
QUERIES = [
    "q=%00", "q=" + "x" * 3000, "q=%F0%28%8C%28", "p=0", "p=-1", "p=x", f"p={LONG}", "p=99999999999999999999",
    "p=%C2%B2",
    f"o={LONG}", "o=1.2.x", "o=-99", "all=1", "e=1", "nonsense=1", "id__exact=x", "password__startswith=m",
    "state__exact=%00", "provider__id__exact=x", "provider__id__exact=%00", f"provider__id__exact={LONG}",
    "plan__id__exact=x", "at__gte=x", "at__gte=9999-99-99", "at__gte=9999-12-31T23:59:59-23:59", "at__lt=%00",
    "at__gte=0001-01-01T00:00:00%2B23:00", "expires__gte=9999-12-31T23:59:59-23:59", "is_active__exact=maybe",
    "_popup=1", "_to_field=password", "_to_field=id", "_facets=1", "_changelist_filters=%00",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_any_query_of_any_list_gets_an_answer(adam: Person, subscription: Subscription, query: str) -> None:
    office = desk(adam)
    for model in admin.site._registry:
        answer = office.client.get(f"{at(model, 'changelist')}?{query}")
        assert answer.status_code in {200, 302, 400}, (model, query)
        assert adam.password not in answer.content.decode()


BAD_KEYS = [
    "x",
    "0",
    "-1",
    LONG,
    "%00",
    "_5F",
    "%F0%28",
    "a/b/c",
    "00000000-0000-0000-0000-000000000000",
    "..",
    "%2e%2e",
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_is_none_is_not_found(adam: Person, subscription: Subscription, key: str) -> None:
    office = desk(adam)
    before = everything()
    for model in admin.site._registry:
        for page in ("change/", "delete/", "history/", ""):
            address = f"{at(model, 'changelist')}{key}/{page}"
            for answer in (office.client.get(address), office.client.post(address, {"post": "yes"})):
                assert answer.status_code in {301, 302, 403, 404}, address
    for tail in ("transition/block/", "versions/create/", "revisions/1/deploy/", "endpoints/production/"):
        assert office.client.post(f"/admin/apis/api/{key}/{tail}").status_code in {302, 403, 404}
    assert everything() == before


@pytest.mark.parametrize(
    "tail",
    [
        "transition/explode/", "transition/%00/", "revisions/0/deploy/", f"revisions/{'9' * 30}/deploy/",
        f"revisions/{'9' * 4000}/deploy/", "revisions/1/explode/", "revisions/-1/deploy/", "endpoints/staging/",
        "endpoints/%00/",
    ],
)  # fmt: skip
def test_a_word_or_number_that_is_none_is_not_found(adam: Person, chat: Api, tail: str) -> None:
    office = desk(adam)
    before = everything()
    address = f"/admin/apis/api/{chat.pk}/{tail}"
    for answer in (office.client.get(address), office.client.post(address)):
        assert answer.status_code in {302, 404}, address
    assert everything() == before


@pytest.mark.parametrize(
    "tail", ["keys/staging/generate/", "keys/production/secret/", "keys/sandbox/grants/", "keys/production/explode/"]
)
def test_keys_that_are_not_there_are_not_found(adam: Person, phone: Application, tail: str) -> None:
    assert desk(adam).client.post(f"/admin/apis/application/{phone.pk}/{tail}").status_code in {302, 404}


@pytest.mark.parametrize("selected", [["x"], [LONG], ["\x00"], ["-1"], [""], ["x"] * 50])
@pytest.mark.parametrize("model", [PersonalToken, AccessToken])
def test_ticked_rows_that_are_none_are_refused(adam: Person, model: Any, selected: list[str]) -> None:
    office = desk(adam)
    for action in ("revoke", "delete_selected", "explode", ""):
        answer = office.client.post(at(model, "changelist"), {"action": action, "_selected_action": selected})
        assert answer.status_code in {200, 302, 400}


@pytest.mark.parametrize(
    "query", ["s=%00", "s=x&page=x", "s=x&page=0", f"s=x&page={LONG}", "page=2", "s=x&extended=1", "s="]
)
def test_the_search_in_the_sidebar_takes_anything(adam: Person, query: str) -> None:
    assert desk(adam).client.get(f"/admin/search/?{query}").status_code in {200, 400, 404}


PROVIDERS = "app_label=apis&model_name=api&field_name=provider"


@pytest.mark.parametrize("query", ["", "term=x", "app_label=x", f"{PROVIDERS}&term=%00", f"{PROVIDERS}&page={LONG}"])
def test_the_autocompletion_of_django_gives_nothing_away(adam: Person, carol: Person, query: str) -> None:
    address = f"/admin/autocomplete/?{query}"
    assert desk(adam).client.get(address).status_code in {200, 400, 403, 404}
    assert desk(carol).client.get(address).status_code in {400, 403, 404}


@pytest.mark.parametrize(
    "address", ["/admin/r/1/x/", "/admin/r/9999999999/x/", "/admin/apis/", "/admin/nothing/", "/admin/%00/"]
)
def test_the_other_addresses_of_django(adam: Person, address: str) -> None:
    assert desk(adam).client.get(address, follow=True).status_code in {200, 400, 404}


def test_a_write_without_the_csrf_token_is_refused(paul: Person, chat: Api) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(paul, backend="django.contrib.auth.backends.ModelBackend")
    before = everything()
    for address in (at(chat, "transition", "block"), at(chat), at(chat, "delete"), at(chat, "endpoint", "production")):
        assert client.post(address, {"post": "yes"}).status_code == 403
    assert everything() == before


def test_looking_never_writes(adam: Person, subscription: Subscription) -> None:
    office = desk(adam)
    api, application = subscription.api, subscription.application
    before = everything()
    for address in (
        at(api, "transition", "block"), at(api, "transition", "deprecate"), at(api, "revision", 1, "undeploy"),
        at(api, "revision", 1, "restore"), at(api, "delete"), at(application, "delete"),
        at(application, "keys_generate", "production"), at(subscription, "block", "all"), at(subscription, "unblock"),
    ):  # fmt: skip
        office.open(address)
    assert everything() == before


anything = st.text(max_size=40) | st.sampled_from(
    ["\x00", "9" * 400, "-1", "1e999", "NaN", "[]", "{}", "ws://[", "/" * 300]
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_in_any_field_is_saved_or_refused(
    adam: Person, subscription: Subscription, data: st.DataObject
) -> None:
    office = desk(adam)
    plan = BusinessPlan.objects.get(name="Bronze")
    address = data.draw(
        st.sampled_from(
            [
                at(Api, "add"), at(subscription.api), at(subscription.api, "endpoint", "production"), at(plan),
                at(Application, "add"), at(subscription), at(subscription.application), at(Person, "add"),
                at(subscription.api, "version_create"), at(subscription.api, "revision_create"),
                at(subscription.api, "revision", 1, "deploy"), at(Subscription, "add"),
                at(subscription.application, "keys_grants", "production"),
                at(subscription.application, "keys_generate", "sandbox"),
            ]
        )
    )  # fmt: skip
    page = office.client.get(address)
    if page.status_code != 200:
        return
    fields = filled_in(page.context["adminform"].form)
    for name in data.draw(st.lists(st.sampled_from(sorted(fields) or ["x"]), max_size=3)):
        fields[name] = data.draw(anything)
    answer = office.client.post(
        address, {**fields, data.draw(st.sampled_from(["_save", "_publish", "_continue", "_saveasnew"])): "x"}
    )
    assert answer.status_code in {200, 302, 400, 403, 409}


def test_history_cannot_be_added(adam: Person) -> None:
    assert desk(adam).client.post(at(HistoryEntry, "add"), {"action": "x"}).status_code == 403
