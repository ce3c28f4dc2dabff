"""Every way to come in: API keys, credentials in the query, topics without security, plans without subscription, test
keys, and pages; each as a real handshake, and each out again within a second when it counts no more."""

from __future__ import annotations

import time
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from apis.models import Api, ApiKey, BusinessPlan, Topic
from apis.services import api_keys, designs, people, plans, publishing, securing
from gateway.models import UsageMinute
from tests.gateway.backends import Backend, until
from tests.gateway.world import Answer, Deal, World, closed, knock

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.5  # two busy cores


def secure(world: World, api: Api, **settings: Any) -> None:
    """carol says what her API accepts, over REST: the gateway's very next handshake knows."""
    answer = world.gateway.rest(world.people["paul"], "PUT", f"/apis/{api.pk}/security", settings)
    assert answer.status_code == 200, answer.text


def api_key(world: World, deal: Deal, **wish: Any) -> tuple[ApiKey, str]:
    """sam makes an API key."""
    wish = {"key_type": "production", **wish}
    return api_keys.api_key_create(actor=world.actors["sam"], application=deal.application, **wish)


def come(deal: Deal, rest: str = "", **headers: str) -> ClientConnection:
    """A real client with just these headers."""
    return connect(deal.gateway.url(deal.path + rest), additional_headers=headers, proxy=None, open_timeout=30)


def try_in(deal: Deal, rest: str = "", **headers: str) -> Answer:
    """A handshake by hand with just these headers."""
    return knock(deal.gateway, deal.path + rest, **headers)


def echo(client: ClientConnection, text: str = "hello") -> None:
    client.send(text)
    assert client.recv(5) == text


@pytest.fixture(scope="module")
def both(world: World, backend: Backend) -> Deal:
    """An API that accepts tokens and API keys, in headers and in the query."""
    deal = world.deal(backend.url)
    secure(world, deal.api, schemes=["oauth", "api_key"], query_credentials=True)
    return deal


# API keys ---------------------------------------------------------------------------------------------------------


def test_an_api_key_opens_its_api_and_its_use_is_noted(world: World, both: Deal, backend: Backend) -> None:
    row, key = api_key(world, both)
    with come(both, ApiKey=key) as client:
        echo(client)
        assert "ApiKey" not in backend.requests[-1].headers
    until(lambda: ApiKey.objects.get(pk=row.pk).last_used_at is not None, 10, "the use is written")


def test_an_api_that_takes_tokens_only_refuses_a_key_and_the_other_way_round(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    _, key = api_key(world, deal)
    answer = try_in(deal, ApiKey=key)
    assert (answer.status, answer.code) == (401, "missing_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"
    secure(world, deal.api, schemes=["api_key"])
    assert deal.knock().code == "missing_credentials"
    assert try_in(deal, ApiKey=key).status == 101


def test_a_key_is_no_token_and_a_token_no_key_whatever_is_remembered(world: World, both: Deal) -> None:
    _, key = api_key(world, both)
    assert try_in(both, ApiKey=key).status == 101
    assert try_in(both, Authorization=f"Bearer {key}").code == "invalid_token"
    assert both.knock().status == 101
    assert try_in(both, ApiKey=both.token).code == "invalid_token"


def test_a_sandbox_key_goes_to_the_sandbox_endpoint(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, sandbox=False)
    secure(world, deal.api, schemes=["api_key"])
    _, key = api_key(world, deal, key_type="sandbox")
    assert try_in(deal, ApiKey=key).code == "wrong_key_type"


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 101), ("::ffff:127.0.0.1", 101), ("192.0.2.1", 403)])
def test_a_key_works_from_permitted_addresses_only(world: World, both: Deal, network: str, status: int) -> None:
    _, key = api_key(world, both, permitted_ips=[network])
    answer = try_in(both, ApiKey=key)
    assert answer.status == status
    if status == 403:
        assert answer.code == "denied"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Referer": "https://app.example.com/shop/7?x=1"}, 101),
        ({"Origin": "https://app.example.com"}, 403),
        ({"Origin": "https://www.example.org"}, 101),
        ({"Referer": "https://app.example.com/other"}, 403),
        ({"Referer": "https://evil.example/https://app.example.com/shop/"}, 403),
        ({"Referer": "https://app.example.com.evil.example/shop/"}, 403),
        ({}, 403),
    ],
)
def test_a_key_works_on_permitted_pages_only(world: World, both: Deal, headers: dict[str, str], status: int) -> None:
    _, key = api_key(world, both, permitted_referers=["app.example.com/shop/*", "https://*.example.org"])
    assert try_in(both, ApiKey=key, **headers).status == status


@pytest.mark.parametrize("here", [True, False])
def test_a_revoked_key_is_out_within_a_second(world: World, both: Deal, here: bool) -> None:
    row, key = api_key(world, both)
    _, other = api_key(world, both)
    with come(both, ApiKey=key) as client, come(both, ApiKey=other) as bystander:
        echo(client)
        if here:
            path = f"/applications/{both.application.pk}/api-keys/{row.pk}"
            assert world.gateway.rest(world.people["sam"], "DELETE", path).status_code == 204
        else:
            api_keys.api_key_revoke(actor=world.actors["sam"], key=row)
        started = time.monotonic()
        assert closed(client)[0] == 4401
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        echo(bystander)
    assert try_in(both, ApiKey=key).code == "invalid_token"


def test_a_key_ends_its_session_when_it_expires(world: World, both: Deal) -> None:
    _, key = api_key(world, both, expires_in=2)
    with come(both, ApiKey=key) as client:
        assert closed(client, 10)[0] == 4401
    assert try_in(both, ApiKey=key).code == "invalid_token"


def test_a_key_of_an_application_without_subscription_is_refused(world: World, both: Deal, backend: Backend) -> None:
    _, key = api_key(world, world.deal(backend.url))
    assert try_in(both, ApiKey=key).code == "subscription_required"


# In the query -----------------------------------------------------------------------------------------------------


def test_the_query_counts_only_where_the_api_says_so(world: World, both: Deal, backend: Backend) -> None:
    closed_deal = world.deal(backend.url)
    _, key = api_key(world, both)
    for shown in (f"access_token={both.token}", f"apikey={key}", f"%61pikey={key}"):
        assert try_in(both, f"/x?a=1&{shown}&b=2").status == 101
        assert backend.requests[-1].path == "/x?a=1&b=2"
        assert try_in(closed_deal, f"/x?a=1&{shown}").code == "missing_credentials"


def test_what_is_in_the_query_never_travels_on_nor_into_the_log(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect("/x?access_token=secret-1&a=%20b&ticket=secret-2&apikey=secret-3&ticke%74=secret-4") as client:
        echo(client)
    assert deal.knock("/x?ticket=secret-5", token="wrong-token").status == 401
    assert backend.requests[-1].path == "/x?a=%20b"
    log = deal.gateway.log.read_text()
    assert "secret-" not in log
    assert deal.token not in log
    assert "wrong-token" not in log


def test_the_header_wins_over_everything_else(both: Deal) -> None:
    assert both.knock("?access_token=nonsense&ticket=nonsense", ApiKey="nonsense").status == 101
    assert try_in(both, f"?access_token={both.token}", ApiKey="nonsense").code == "invalid_token"


# Topics without security ------------------------------------------------------------------------------------------


@pytest.fixture
def open_deal(world: World, backend: Backend) -> Deal:
    """An API with a topic that anybody may connect to, under a plan of three events a day for whoever comes."""
    plan = {"limits": [{"kind": "events", "amount": 3, "per": "day"}], "subscriptionless": True}
    deal = world.deal(backend.url, plan=plan)
    Topic.objects.create(api=deal.api, name="/news", security="none")
    deploy(world, deal)
    return deal


def deploy(world: World, deal: Deal) -> None:
    actor = world.actors["paul"]
    revision = publishing.revision_create(actor=actor, api=deal.api)
    path = f"/apis/{deal.api.pk}/revisions/{revision.number}/deploy"
    assert world.gateway.rest(world.people["paul"], "POST", path).is_success


def test_a_topic_without_security_is_open_to_anybody_and_counted_by_address(world: World, open_deal: Deal) -> None:
    assert try_in(open_deal, "/other").code == "missing_credentials"
    with come(open_deal, "/news") as client:
        echo(client)
        client.send("3")
        client.send("4")
        assert closed(client)[0] == 4429
    answer = try_in(open_deal, "/news", Authorization="Bearer whatever")  # nobody looks at it
    assert (answer.status, answer.code) == (429, "quota_exceeded")
    with open_deal.connect("/other") as subscriber:
        subscriber.send("a subscriber has a counter of his own")
        assert subscriber.recv(5)
    rows = UsageMinute.objects.filter(api_id=open_deal.api.pk, application_id=None, sessions=1)
    until(lambda: rows.filter(subscription_id=None, events_in=2).exists(), 5, "anonymous use is counted")


def test_a_topic_that_is_secured_again_closes_those_who_never_said_who_they_are(world: World, open_deal: Deal) -> None:
    with come(open_deal, "/news") as client, open_deal.connect("/news") as ignored:
        open_deal.api.topics.filter(name="/news").update(security="oauth")
        deploy(world, open_deal)
        assert closed(client)[0] == 4403
        assert closed(ignored)[0] == 4403  # its token was not looked at
    assert try_in(open_deal, "/news").code == "missing_credentials"


def test_an_api_that_is_not_published_is_open_to_nobody(world: World, open_deal: Deal) -> None:
    world.transition(open_deal.api, "demote")
    assert try_in(open_deal, "/news").code == "subscription_required"


# Plans without subscription ---------------------------------------------------------------------------------------


def test_any_application_comes_in_under_a_plan_that_needs_no_subscription(world: World, backend: Backend) -> None:
    free, stranger = world.deal(backend.url), world.deal(backend.url)
    assert try_in(free, Authorization=f"Bearer {stranger.token}").code == "subscription_required"
    designs.api_update(actor=world.actors["paul"], api=free.api, business_plans=["Unlimited", "Subscriptionless"])
    until(lambda: try_in(free, Authorization=f"Bearer {stranger.token}").status == 101)
    with free.connect(token=stranger.token) as client, free.connect() as subscriber:
        echo(client)
        row = UsageMinute.objects.filter(api_id=free.api.pk, application_id=stranger.application.pk, events_in=1)
        until(lambda: row.filter(subscription_id=None).exists(), 5, "it is counted for the application")
        designs.api_update(actor=world.actors["paul"], api=free.api, business_plans=["Unlimited"])
        started = time.monotonic()
        assert closed(client)[0] == 4403
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        echo(subscriber)
    assert try_in(free, Authorization=f"Bearer {stranger.token}").code == "subscription_required"


def test_who_may_not_see_an_api_does_not_come_in_without_a_subscription(world: World, backend: Backend) -> None:
    free, stranger = world.deal(backend.url, plan={"subscriptionless": True}), world.deal(backend.url)
    paul, adam = world.actors["paul"], world.actors["adam"]
    with free.connect(token=stranger.token) as client, free.connect() as subscriber:
        echo(client)
        designs.api_update(actor=paul, api=free.api, visible_roles=["publisher"])
        assert closed(client)[0] == 4403
        echo(subscriber)  # who has subscribed already stays
    until(lambda: free.knock(token=stranger.token).status == 403)
    designs.api_update(actor=paul, api=free.api, visible_roles=["publisher", "subscriber"])
    until(lambda: free.knock(token=stranger.token).status == 101)
    row = BusinessPlan.objects.get(apis=free.api)
    plans.business_plan_update(actor=adam, plan=row, permission={"mode": "deny", "roles": ["subscriber"]})
    until(lambda: free.knock(token=stranger.token).status == 403)


def test_adam_decides_whether_a_plan_needs_a_subscription(world: World, backend: Backend) -> None:
    deal, stranger = world.deal(backend.url, plan={}), world.deal(backend.url)
    path = f"/business-plans/{BusinessPlan.objects.get(apis=deal.api).pk}"
    assert deal.knock(token=stranger.token).code == "subscription_required"
    assert world.gateway.rest(world.people["adam"], "PATCH", path, {"subscriptionless": True}).is_success
    with deal.connect(token=stranger.token) as client, deal.connect() as subscriber:
        echo(client)
        assert world.gateway.rest(world.people["adam"], "PATCH", path, {"subscriptionless": False}).is_success
        assert closed(client)[0] == 4403
        echo(subscriber)
    assert deal.knock(token=stranger.token).code == "subscription_required"


def test_who_came_in_without_a_subscription_is_out_when_one_is_made_and_blocked(world: World, backend: Backend) -> None:
    free, stranger = world.deal(backend.url, plan={"subscriptionless": True}), world.deal(backend.url)
    with free.connect(token=stranger.token) as client, free.connect() as bystander:
        echo(client)
        plan = BusinessPlan.objects.get(apis=free.api).name
        subscription = world.subscribe(free.api, stranger.application, plan).subscription
        time.sleep(PROMISED_S)
        echo(client)
        path = f"/subscriptions/{subscription.pk}/block"
        assert world.gateway.rest(world.people["paul"], "POST", path, {"what": "all"}).is_success
        assert closed(client)[0] == 4403
        echo(bystander)
    assert free.knock(token=stranger.token).code == "subscription_blocked"


def test_a_free_plan_is_counted_by_application_and_follows_its_limits(world: World, backend: Backend) -> None:
    plan = {"limits": [{"kind": "events", "amount": 4, "per": "day"}], "subscriptionless": True}
    free, one, other = world.deal(backend.url, plan=plan), world.deal(backend.url), world.deal(backend.url)
    with free.connect(token=one.token) as first, free.connect(token=one.token) as second:
        echo(first)
        echo(second)
        second.send("the fifth")
        assert closed(second)[0] == 4429
        with free.connect(token=other.token) as bystander:
            echo(bystander)
        row = BusinessPlan.objects.get(apis=free.api)
        path, body = f"/business-plans/{row.pk}", {"limits": [{"kind": "events", "amount": 50, "per": "day"}]}
        assert world.gateway.rest(world.people["adam"], "PATCH", path, body).is_success
        until(lambda: free.knock(token=one.token).status == 101, what="the plan holds for new handshakes")
        echo(first)


# Test keys --------------------------------------------------------------------------------------------------------


def test_a_test_key_reaches_an_api_that_is_not_published_and_no_other(world: World, backend: Backend) -> None:
    deal, other = world.deal(backend.url), world.deal(backend.url)
    for each in (deal, other):
        world.transition(each.api, "demote")
    answer = world.gateway.rest(world.people["paul"], "POST", f"/apis/{deal.api.pk}/test-key")
    assert answer.status_code == 201, answer.text
    key = answer.json()["api_key"]
    with come(deal, ApiKey=key) as client:
        echo(client)
        world.transition(deal.api, "publish")
        echo(client)
        assert try_in(other, ApiKey=key).code == "invalid_token"
        assert deal.knock().status == 101
        world.transition(deal.api, "block")
        assert closed(client)[0] == 1008
    assert try_in(deal, ApiKey=key).code == "api_blocked"
    rows = UsageMinute.objects.filter(api_id=deal.api.pk, events_in=2)
    until(lambda: rows.filter(subscription_id=None, application_id=None).exists(), 5, "it is counted, on nobody's bill")


def test_a_test_key_has_every_scope_and_ends_with_its_person(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    deal.api.topics.update(scopes=["chat:read"])
    deploy(world, deal)
    assert deal.knock().code == "insufficient_scope"
    nina = people.person_create(actor=world.actors["adam"], username="nina", roles=["creator"])
    answer = world.gateway.rest(nina, "POST", f"/apis/{deal.api.pk}/test-key")
    with come(deal, ApiKey=answer.json()["api_key"]) as client:
        echo(client)
        people.person_update(actor=world.actors["adam"], person=nina, roles=[])
        assert closed(client)[0] == 4401


# Pages ------------------------------------------------------------------------------------------------------------


def test_only_listed_pages_come_in_and_programs_without_one(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    secure(world, deal.api, origins=["https://app.example.com", "http://localhost:3000"])
    assert deal.knock().status == 101
    assert deal.knock(Origin="https://app.example.com").status == 101
    for origin in ("https://app.example.com.evil.example", "https://app.example.com:8443", "http://app.example.com",
                   "HTTPS://app.example.com", "null", "https://app.example.com/"):  # fmt: skip
        answer = deal.knock(Origin=origin)
        assert (answer.status, answer.code) == (403, "origin_not_allowed"), origin
    secure(world, deal.api, origins=["null"])
    assert deal.knock(Origin="null").status == 101


def test_who_came_by_the_query_goes_when_the_api_takes_it_no_more(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    secure(world, deal.api, query_credentials=True)
    with (
        connect(deal.gateway.url(f"{deal.path}?access_token={deal.token}"), proxy=None) as by_query,
        deal.connect() as by_header,  # the same token
    ):
        secure(world, deal.api, query_credentials=False)
        assert closed(by_query)[0] == 4403
        echo(by_header)


@pytest.mark.parametrize("here", [True, False])
def test_narrower_settings_close_those_who_could_not_come_in_any_more(
    world: World, backend: Backend, here: bool
) -> None:
    deal = world.deal(backend.url)
    secure(world, deal.api, schemes=["oauth", "api_key"])
    _, key = api_key(world, deal)
    page = {"Origin": "https://old.example.com"}
    with (
        deal.connect(additional_headers=page) as browser,
        come(deal, ApiKey=key) as keyed,
        deal.connect() as program,
    ):
        narrower = {"schemes": ["oauth"], "origins": ["https://new.example.com"]}
        if here:
            secure(world, deal.api, **narrower)
        else:
            securing.security_configure(actor=world.actors["paul"], api=deal.api, settings=narrower)
        started = time.monotonic()
        assert [closed(browser)[0], closed(keyed)[0]] == [4403, 4403]
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        echo(program)
