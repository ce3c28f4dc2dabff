"""Under which limits somebody counts: whose counter it is at every level, and which group of an API plan fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.announcing import rate_limit_fields, told
from gateway.core.conditions import Asked, condition
from gateway.core.levels import NOTHING_ASKED, Level, kept_of, levels_of, plan_levels
from gateway.core.plans import ApiPlanSnapshot, CustomPlanSnapshot, Group, PlanSnapshot
from gateway.core.rejections import REASON_LIMIT, spent_reason
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal, TopicSnapshot
from gateway.core.throttling import Limit
from gateway.counters import LocalCounters

NOW = 1_800_000_000.0
TEN, FIVE, TWO = (Limit("events", amount, "minute") for amount in (10, 5, 2))
TOPIC = TopicSnapshot("/rooms/{room}")
API = ApiSnapshot("api1", "Chat", "/chat", "1", "/chat/1", "published", (TOPIC,), {})
SAM = Principal("oauth", "k", "7", "app1", end_user="sam")
OFFER = Entitlement(
    "sub1", "api1", "app1", "Phone", "sam",
    business_plan=PlanSnapshot("b", "Bronze", (TEN,)), application_plan=PlanSnapshot("a", "20PerMin", (FIVE,)),
)  # fmt: skip
ASKED = Asked("192.0.2.7", ((b"x-site", b"office"), (b"user-agent", b"Robot/1.2")), b"room=7&dog=%C3%A4&empty")
CLAIMS = {"tier": "gold", "groups": ["red", "blue"], "admin": True, "age": 7}


def of(api: ApiSnapshot = API, topic: TopicSnapshot = TOPIC, *custom: CustomPlanSnapshot, **more: Any) -> list[Level]:
    return list(levels_of(more.pop("offer", OFFER), more.pop("principal", SAM), api, topic, custom, asked=ASKED))


def test_without_further_plans_the_subscription_and_the_application_count() -> None:
    assert of() == [
        Level(("subscription", "sub1"), (TEN,), "", "Bronze"),
        Level(("application", "app1", "sam"), (FIVE,), "application-", "20PerMin"),
    ]


def test_plans_without_limits_count_nothing() -> None:
    assert of(offer=Entitlement("s", "api1", "app1", "Phone", "sam")) == []


def test_the_levels_of_an_entitlement_are_worked_out_once_for_each_person() -> None:
    assert levels_of(OFFER, SAM, API, TOPIC) is levels_of(OFFER, SAM, API, TOPIC)
    vic = plan_levels(OFFER, "vic")
    assert vic[0] == plan_levels(OFFER, "sam")[0]
    assert vic[1].subject == ("application", "app1", "vic")


def test_an_api_and_a_topic_count_everybody_together() -> None:
    plan = ApiPlanSnapshot("p", "Calm", (TWO,))
    api, topic = replace(API, api_plan=plan), replace(TOPIC, api_plan=plan)
    assert of(api, topic)[2:] == [
        Level(("api", "api1", ""), (TWO,), "api-", "Calm"),
        Level(("topic", "api1", "/rooms/{room}", ""), (TWO,), "topic-", "Calm"),
    ]


FITS: list[tuple[str, str, str, bool]] = [
    ("ip", "", "192.0.2.7", True),
    ("ip", "", "192.0.2.0/24", True),
    ("ip", "", "10.0.0.0/8", False),
    ("ip", "", "2001:db8::/32", False),
    ("header", "X-Site", "office", True),
    ("header", "x-site", "off", False),
    ("header", "User-Agent", "/^Robot\\/[0-9]/", True),
    ("header", "User-Agent", "/^robot/", False),
    ("header", "X-Other", "/.+/", False),
    ("query", "room", "7", True),
    ("query", "room", "8", False),
    ("query", "Room", "7", False),
    ("query", "dog", "ä", True),
    ("query", "d%6Fg", "ä", False),
    ("query", "empty", "/^$/", True),
    ("claim", "tier", "gold", True),
    ("claim", "tier", "/old$/", True),
    ("claim", "groups", "blue", True),
    ("claim", "groups", "green", False),
    ("claim", "admin", "true", True),
    ("claim", "age", "7", True),
    ("claim", "nobody", "/.*/", False),
]


@pytest.mark.parametrize(("kind", "name", "value", "holds"), FITS)
def test_a_condition_holds_or_its_opposite_does(kind: str, name: str, value: str, holds: bool) -> None:
    assert condition(kind, name, value, False).holds(ASKED, CLAIMS) is holds
    assert condition(kind, name, value, True).holds(ASKED, CLAIMS) is not holds


def test_an_address_that_is_none_is_in_no_network() -> None:
    assert not condition("ip", "", "0.0.0.0/0", False).holds(Asked("unix"), {})
    assert condition("ip", "", "10.0.0.0/8", False).holds(Asked("::ffff:10.1.2.3"), {})


def test_the_first_group_of_which_every_condition_holds_counts_instead() -> None:
    office = condition("ip", "", "192.0.2.0/24", False)
    robot = condition("header", "user-agent", "/Robot/", False)
    plan = ApiPlanSnapshot(
        "p", "Calm", (TWO,),
        (
            Group("people at the office", (office, replace(robot, invert=True)), (TEN,)),
            Group("robots", (robot,), (FIVE,)),
            Group("office", (office,), ()),
        ),
    )  # fmt: skip
    api = replace(API, api_plan=plan)
    assert of(api)[2:] == [Level(("api", "api1", "robots"), (FIVE,), "api-", "Calm")]
    assert levels_of(OFFER, SAM, api, TOPIC, asked=Asked("198.51.100.1"))[2].limits == (TWO,)
    assert len(levels_of(OFFER, SAM, api, TOPIC, asked=Asked("192.0.2.9"))) == 3
    only = replace(API, api_plan=replace(plan, groups=plan.groups[2:]))
    assert len(of(only)) == 2  # a group without limits is unlimited


def test_a_claim_is_the_tokens_or_what_the_backend_would_be_told() -> None:
    gold = Group("gold", (condition("claim", "tier", "gold", False),), (TEN,))
    phone = Group("phones", (condition("claim", "application_name", "Phone", False),), (FIVE,))
    api = replace(API, api_plan=ApiPlanSnapshot("p", "Calm", (TWO,), (gold, phone)))
    assert of(api, principal=replace(SAM, claims={"tier": "gold"}))[2].subject[2] == "gold"
    assert of(api)[2].subject[2] == "phones"


def test_a_custom_plan_counts_in_the_counter_that_its_key_names() -> None:
    every = ("user", "application", "api", "version", "topic", "ip", "subscription", "key_type")
    named = ["sam", "app1", "Chat", "1", "/rooms/{room}", "192.0.2.7", "sub1", "production"]
    plan = CustomPlanSnapshot("c1", "All", every, (TWO,))
    assert of(API, TOPIC, plan)[2:] == [Level(("custom", "c1", *named), (TWO,), "custom-All-", "All")]


def test_an_ipv6_client_counts_with_its_network() -> None:
    plan = CustomPlanSnapshot("c1", "Ip", ("ip",), (TWO,))
    one, other, far = (
        levels_of(OFFER, SAM, API, TOPIC, (plan,), asked=Asked(client))[2].subject
        for client in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")
    )
    assert one == other != far


def test_a_session_keeps_only_what_conditions_ask_for() -> None:
    groups = (Group("g", (condition("header", "X-Site", "a", False),), ()),)
    api = replace(API, api_plan=ApiPlanSnapshot("p", "Calm", (), groups))
    assert kept_of(API, TOPIC, ASKED) is NOTHING_ASKED
    assert kept_of(api, TOPIC, ASKED) == Asked("192.0.2.7", ((b"x-site", b"office"),))
    asks = replace(groups[0], conditions=(condition("query", "room", "7", False),))
    topic = replace(TOPIC, api_plan=ApiPlanSnapshot("p", "Calm", (), (asks,)))
    assert kept_of(api, topic, ASKED).query == b"room=7"


# Counters of levels ------------------------------------------------------------------------------------------------


def test_who_shares_a_level_shares_its_counter_and_nothing_else() -> None:
    counters = LocalCounters(lambda: NOW)
    api = replace(API, api_plan=ApiPlanSnapshot("p", "Calm", (TWO,)))
    other = replace(OFFER, subscription_id="sub2", application_id="app2")
    one = counters.of(levels_of(OFFER, SAM, api, TOPIC))
    two = counters.of(levels_of(other, SAM, api, TOPIC))
    assert [throttle.limit for throttle in one] == [TEN, FIVE, TWO]
    assert one[2] is two[2]
    assert not set(one[:2]) & set(two[:2])


def test_the_limit_that_keeps_somebody_out_is_named() -> None:
    counters = LocalCounters(lambda: NOW)
    hour = Limit("bytes", 7, "hour", "in")
    custom = CustomPlanSnapshot("c", "Me", ("user",), (TWO,))
    api = replace(API, api_plan=ApiPlanSnapshot("p", "Calm", (hour,)))
    throttles = counters.of(levels_of(OFFER, SAM, api, TOPIC, (custom,)))
    names = [told([one])["level"] for one in throttles]
    assert names == ["subscription", "application", "api", "custom"]
    assert told(throttles) == {"level": "api", "name": "Calm", "amount": 7, "per": "hour", "kind": "bytes"}
    assert told([]) == {}
    policies = dict(rate_limit_fields(throttles, NOW))["RateLimit-Policy"]
    assert '"api-bytes-per-hour-in"' in policies
    assert '"custom-Me-events-per-minute"' in policies


@pytest.mark.parametrize("name", ["", "Bronze", "x" * 50, "ü" * 50])
def test_a_reason_names_as_much_as_fits(name: str) -> None:
    limit = {"level": "subscription", "name": name, "amount": 2**53 - 1, "per": "minute", "kind": "handshakes"}
    reason = spent_reason(86_400, limit)
    assert len(reason.encode()) <= REASON_LIMIT
    assert '"retry_after":86400,"limit":{"level":"subscription"' in reason
    assert spent_reason(1, {}) == '{"code":"quota_exceeded","retry_after":1}'
