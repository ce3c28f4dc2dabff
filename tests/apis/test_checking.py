"""What is found about an API before it is published: each problem by name, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apis import checking
from apis.checking import asking
from apis.checking.found import Found, found
from apis.checking.words import RULES
from apis.errors import Conflict
from apis.lifecycle import Action, State, arrow
from apis.models import Api, Environment, KeyManager, Person, Scope, Topic
from apis.permissions import Actor
from apis.services import configuring, designs, documents, plans, publishing, scopes, securing, topics
from apis.shapes_endpoint import endpoint_config

PLAIN = {"name": "Talk", "context": "/talk", "version": "1.0.0"}
WHOLE = PLAIN | {"endpoint": "wss://talk.example.com/", "business_plans": ["Bronze"], "description": "Talk to us."}


@pytest.fixture(autouse=True)
def _no_data_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "askers", [])


@pytest.fixture
def design(carol: Person) -> Callable[..., Api]:
    """`design(endpoint="")` is an API of carol's of which nothing but that is remarkable."""
    return lambda **fields: designs.api_create(actor=Actor.of(carol), **WHOLE | fields)


@pytest.fixture
def plan(adam: Person) -> Callable[..., str]:
    """`plan(limits=[])` is the name of a business plan."""

    def make(**fields: Any) -> str:
        limits = [{"kind": "events", "amount": 10, "per": "minute"}]
        made = plans.business_plan_create(actor=Actor.of(adam), **{"name": "Special", "limits": limits} | fields)
        return made.name

    return make


def found_in(api: Api, *levels: str) -> list[str]:
    """Codes of what is found, all but what is done unless levels are named; none of these APIs has a document."""
    wanted = levels or ("error", "warning", "hint")
    codes = [one.code for one in checking.checks_of(Api.objects.get(pk=api.pk)) if one.level in wanted]
    return [code for code in codes if code != "documents_missing"]


def texts(api: Api, code: str) -> list[str]:
    return [one.text for one in checking.checks_of(Api.objects.get(pk=api.pk)) if one.code == code]


def configure(api: Api, carol: Person, **config: Any) -> None:
    for key_type in ("production", "sandbox"):
        configuring.endpoint_configure(actor=Actor.of(carol), api=api, key_type=key_type, config=config)


def test_of_a_whole_design_only_that_it_is_not_deployed_is_said(design: Callable[..., Api]) -> None:
    api = design()
    assert found_in(api) == ["not_deployed"]
    assert set(found_in(api, "done")) == {
        "endpoint_given", "business_plans_given", "key_managers_work", "description_given",
    }  # fmt: skip


def test_of_a_published_api_nothing_is_said(chat: Api, paul: Person) -> None:
    designs.api_update(actor=Actor.of(paul), api=chat, description="Rooms.", business_plans=["Bronze"])
    assert found_in(chat) == []
    assert "deployed" in found_in(chat, "done")


def test_what_is_missing_is_an_error_with_the_page_where_it_is_mended(design: Callable[..., Api]) -> None:
    api = design(endpoint="", business_plans=[], description="")
    errors = [one for one in checking.checks_of(api) if one.level == "error"]
    assert [(one.code, one.page, one.field) for one in errors] == [
        ("endpoint_missing", "endpoints", "endpoint"),
        ("business_plans_missing", "plans", "business_plans"),
    ]
    assert found_in(api, "hint") == ["not_deployed", "description_missing"]


class TestWhereItLeads:
    def test_one_of_two_endpoints_is_missing(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        configuring.endpoint_remove(actor=Actor.of(carol), api=api, key_type="sandbox")
        assert found_in(api, "warning") == ["sandbox_missing"]
        api.endpoints.update(key_type="sandbox")
        assert found_in(api, "warning") == ["production_missing"]

    def test_plain_to_another_machine_but_not_to_this_one(self, design: Callable[..., Api], carol: Person) -> None:
        api = design(endpoint="ws://talk.example.com/")
        assert texts(api, "endpoint_plain") == [
            "ws://talk.example.com/ is on another machine and is not encrypted: ws:// instead of wss://."
        ]
        configure(api, carol, urls=[{"url": "ws://localhost:9998"}])
        assert found_in(api, "warning") == []

    def test_a_secret_in_clear(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        basic = {"type": "basic", "username": "us", "password": "hush"}
        configure(api, carol, urls=[{"url": "ws://talk.example.com/"}], security=basic)
        assert found_in(api, "warning") == ["endpoint_secret_plain"]

    def test_a_certificate_that_nobody_looks_at(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        configure(api, carol, urls=[{"url": "wss://talk.example.com/"}], tls={"verify": False})
        assert texts(api, "endpoint_unverified") == [
            f"The certificate of the {key_type} endpoint is not verified: anybody could be there."
            for key_type in ("production", "sandbox")
        ]

    def test_an_address_that_may_not_be_dialled_any_more(self, design: Callable[..., Api], settings: Any) -> None:
        api = design(endpoint="ws://127.0.0.1:9998")
        settings.ALLOWED_UPSTREAM_NETWORKS = ()
        assert found_in(api, "error") == ["endpoint_refused"]

    def test_a_secret_that_cannot_be_read_any_more(
        self, design: Callable[..., Api], carol: Person, settings: Any
    ) -> None:
        api = design()
        bearer = {"type": "bearer", "token": "hush"}
        configure(api, carol, urls=[{"url": "wss://talk.example.com/"}], security=bearer)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS, settings.ENCRYPTION_KEYS = "another", [], []
        assert found_in(api, "error") == ["endpoint_secret_unreadable"] * 2

    def test_a_target_by_a_claim_that_no_token_has(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        url = "wss://talk.example.com/"
        dynamic = {"by": "claim", "name": "tenant", "targets": {"blue": "wss://blue.example.com/"}}
        configure(api, carol, urls=[{"url": url}], dynamic=dynamic)
        assert found_in(api, "warning") == ["endpoint_claim_unknown"] * 2
        configure(api, carol, urls=[{"url": url}], dynamic=dynamic | {"name": "application_name"})
        assert found_in(api, "warning") == []
        KeyManager.objects.create(name="Login", issuer="https://login.example.com")
        configure(api, carol, urls=[{"url": url}], dynamic=dynamic)
        assert found_in(api, "warning") == []


class TestPlans:
    @pytest.mark.parametrize(
        ("fields", "codes"),
        [
            ({"limits": []}, ["plan_unlimited"]),
            ({"limits": [], "burst": {"amount": 5, "per": "second"}}, []),
            ({"stop_on_quota": False}, ["plan_never_stops"]),
            ({"stop_on_quota": False, "burst": {"amount": 5, "per": "second"}}, []),
            ({"limits": [{"kind": "seconds", "amount": 60, "per": "day"}], "on_spent": "hold"}, ["plan_time_not_held"]),
            ({"on_spent": "drop"}, ["plan_drops_compression"]),
            ({"permission": {"mode": "allow", "roles": ["creator"]}}, []),
        ],
    )
    def test_a_plan_that_does_not_do_what_it_seems_to(
        self, design: Callable[..., Api], plan: Callable[..., str], fields: dict[str, Any], codes: list[str]
    ) -> None:
        assert found_in(design(business_plans=[plan(**fields)])) == [*codes, "not_deployed"]

    def test_a_plan_for_roles_that_nobody_has(self, design: Callable[..., Api], plan: Callable[..., str]) -> None:
        api = design(business_plans=[plan(permission={"mode": "allow", "roles": ["administrator"]})])
        Person.objects.filter(username="adam").update(is_active=False)
        assert found_in(api, "warning") == ["plan_for_nobody"]

    def test_a_plan_that_promises_more_than_the_api_keeps(
        self, design: Callable[..., Api], plan: Callable[..., str], carol: Person
    ) -> None:
        api = design(business_plans=[plan(max_message_bytes=65_536, max_session_s=7_200, max_sessions=50)])
        limits = {"max_message_bytes": 4_096, "max_session_s": 3_600, "max_sessions_per_application": 10}
        configuring.runtime_configure(actor=Actor.of(carol), api=api, limits=limits)
        assert found_in(api, "warning") == ["plan_message_size", "plan_session_length", "plan_sessions"]
        assert texts(api, "plan_message_size") == [
            "The plan Special promises messages of 65,536 bytes; this API takes only 4,096."
        ]

    def test_a_condition_on_a_claim_that_no_token_has(
        self, design: Callable[..., Api], carol: Person, adam: Person
    ) -> None:
        condition = {"type": "claim", "name": "tier", "value": "gold"}
        plans.api_plan_create(
            actor=Actor.of(adam), name="By tier", groups=[{"name": "gold", "conditions": [condition], "limits": []}]
        )
        api = design()
        designs.api_update(actor=Actor.of(carol), api=api, api_plan="By tier")
        assert found_in(api, "warning") == ["api_plan_claim_unknown"]

    def test_limits_that_are_never_reached(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        limits = {"max_sessions": 5, "max_sessions_per_application": 10, "idle_s": 30, "keepalive_s": 60}
        configuring.runtime_configure(actor=Actor.of(carol), api=api, limits=limits)
        assert found_in(api, "warning") == ["limit_never_reached", "runtime_silence"]


class TestProtection:
    def test_every_key_manager_is_switched_off(self, design: Callable[..., Api], carol: Person) -> None:
        KeyManager.objects.create(name="Login", issuer="https://login.example.com", enabled=False)
        api = design()
        securing.security_configure(actor=Actor.of(carol), api=api, settings={"key_managers": ["Login"]})
        assert found_in(api, "error") == ["key_managers_off"]
        both = {"key_managers": ["Login"], "schemes": ["oauth", "api_key"]}
        securing.security_configure(actor=Actor.of(carol), api=api, settings=both)
        assert found_in(api, "error", "warning") == ["key_managers_off_keys_left"]
        KeyManager.objects.update(enabled=True)
        assert found_in(api, "error", "warning") == []

    def test_credentials_in_the_address_and_pages_from_anywhere(
        self, design: Callable[..., Api], carol: Person
    ) -> None:
        api = design()
        securing.security_configure(actor=Actor.of(carol), api=api, settings={"query_credentials": True})
        assert found_in(api, "warning") == ["query_any_origin"]
        safe = {"query_credentials": True, "origins": ["https://app.example.com"]}
        securing.security_configure(actor=Actor.of(carol), api=api, settings=safe)
        assert found_in(api, "warning") == []

    def test_a_scope_for_roles_that_nobody_has(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        Person.objects.filter(username="adam").update(is_active=False)
        scopes.scope_create(actor=Actor.of(carol), name="talk.all", api=api, roles=["administrator"])
        topics.topics_replace(actor=Actor.of(carol), api=api, topics=[{"name": "/*", "scopes": ["talk.all"]}])
        assert texts(api, "topic_scope_for_nobody") == [
            "The topic /* asks for the scope talk.all, which is for roles that nobody has."
        ]
        Scope.objects.all().delete()
        assert found_in(api, "error") == ["topic_scope_missing"]

    def test_a_topic_under_a_plan_that_is_gone(self, design: Callable[..., Api]) -> None:
        api = design()
        Topic.objects.filter(api=api).update(api_plan="Gone")
        assert found_in(api, "error") == ["topic_plan_missing"]

    def test_scopes_for_a_direction_that_is_closed(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        scopes.scope_create(actor=Actor.of(carol), name="talk.say", api=api)
        row = {"name": "/*", "publish": False, "publish_scopes": ["talk.say"]}
        topics.topics_replace(actor=Actor.of(carol), api=api, topics=[row])
        assert found_in(api, "hint") == ["topic_direction_closed", "topic_one_way_compression", "not_deployed"]

    def test_a_topic_that_asks_nobody(
        self, design: Callable[..., Api], carol: Person, plan: Callable[..., str]
    ) -> None:
        api = design(endpoint="ws://127.0.0.1:9998")
        topics.topics_replace(actor=Actor.of(carol), api=api, topics=[{"name": "/*", "security": "none"}])
        assert found_in(api, "warning") == ["open_topic_private", "open_topic_any_origin"]
        free = plan(name="Free", limits=[], subscriptionless=True)
        designs.api_update(actor=Actor.of(carol), api=api, business_plans=[free])
        assert "open_topic_unlimited" in found_in(api, "warning")
        designs.api_update(actor=Actor.of(carol), api=api, visible_roles=["creator"])
        (text,) = texts(api, "open_topic_roles")
        assert "Only people with the roles creator see this API" in text

    def test_many_topics_are_one_sentence(self, design: Callable[..., Api], carol: Person) -> None:
        api = design()
        rows = [{"name": f"/{number}", "publish": False} for number in range(1, 8)]
        topics.topics_replace(actor=Actor.of(carol), api=api, topics=rows)
        (text,) = texts(api, "topic_one_way_compression")
        assert text.endswith(": /1, /2, /3, /4, /5, ….")


class TestWhatIsServed:
    def test_what_is_deployed_is_not_what_is_seen(self, chat: Api, paul: Person) -> None:
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[{"name": "/rooms/{roomID}"}])
        assert texts(chat, "design_differs") == [
            "Revision 1 is deployed, which is not what you see. It differs in: topics."
        ]
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[{"name": "/*"}])
        assert "deployed" in found_in(chat, "done")

    def test_what_would_be_deployed_is_not_what_is_seen(self, design: Callable[..., Api], paul: Person) -> None:
        api = design()
        publishing.revision_create(actor=Actor.of(paul), api=api)
        assert found_in(api) == ["not_deployed"]
        configure(api, paul, urls=[{"url": "wss://other.example.com/"}])
        assert texts(api, "revision_differs") == [
            "Revision 1 would be deployed, which is not what you see. It differs in: endpoints."
        ]

    def test_a_revision_from_before_there_was_an_endpoint(self, draft: Api, paul: Person) -> None:
        publishing.revision_create(actor=Actor.of(paul), api=draft)
        designs.api_update(
            actor=Actor.of(paul), api=draft, endpoint="wss://talk.example.com/", business_plans=["Bronze"]
        )
        assert found_in(draft, "error") == ["revision_without_endpoint"]
        with pytest.raises(Conflict, match=r"is missing: deployments\. Revision 1 would be deployed"):
            publishing.api_transition(actor=Actor.of(paul), api=draft, action="publish")

    def test_nowhere_to_deploy_to(self, design: Callable[..., Api]) -> None:
        api = design()
        Environment.objects.update(name="Elsewhere")
        assert found_in(api, "error") == ["environment_missing"]

    def test_another_version_answers_where_none_is_named(self, chat: Api, paul: Person) -> None:
        later = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
        chat.version_set.default_api = chat
        chat.version_set.save()
        assert texts(later, "default_elsewhere") == ["Version 1.0.0 answers where the path names no version."]

    def test_shown_to_nobody(self, design: Callable[..., Api]) -> None:
        api = design()
        Api.objects.filter(pk=api.pk).update(visible_roles=["partner"])
        assert found_in(api, "warning") == ["visible_to_nobody"]


class TestWhatItIsFor:
    def test_an_error_keeps_every_way_shut_that_puts_the_api_on_offer(
        self, design: Callable[..., Api], paul: Person
    ) -> None:
        api = design(business_plans=[])
        ways = {step.action: (ready, missing) for step, ready, missing in checking.transitions_of(Actor.of(paul), api)}
        assert ways == {Action.PUBLISH: (False, ["business_plans"]), Action.PRERELEASE: (True, [])}

    def test_what_is_on_offer_can_always_be_taken_back(self, chat: Api, paul: Person) -> None:
        chat.endpoints.all().delete()
        ways = {step.action: ready for step, ready, _ in checking.transitions_of(Actor.of(paul), chat)}
        assert {action for action, ready in ways.items() if ready} == {Action.BLOCK, Action.DEMOTE, Action.DEPRECATE}

    def test_warnings_stop_nobody_but_are_asked_about(self, design: Callable[..., Api], paul: Person) -> None:
        api = design(business_plans=["Unlimited"])
        step = arrow(State.CREATED, Action.PUBLISH)
        assert step is not None
        assert [one.code for one in checking.warnings_of(step, checking.checks_of(api))] == ["plan_unlimited"]
        assert publishing.api_transition(actor=Actor.of(paul), api=api, action="publish").state == "published"

    def test_the_data_plane_adds_what_only_it_knows(
        self, design: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(api: Api) -> list[Found]:
            return [found("upstream_unreachable", url="wss://talk.example.com/", problem="it is not there.")]

        monkeypatch.setattr(asking, "askers", [unreachable])
        api = design()
        assert texts(api, "upstream_unreachable") == [
            "The gateway cannot reach wss://talk.example.com/ just now: it is not there."
        ]

    def test_it_is_few_queries_also_of_an_api_with_everything(
        self, chat: Api, django_assert_max_num_queries: Any
    ) -> None:
        api = Api.objects.select_related("version_set", "api_plan").prefetch_related(
            "business_plans", "endpoints", "topics"
        ).get(pk=chat.pk)  # fmt: skip
        with django_assert_max_num_queries(3):
            checking.checks_of(api)


def test_a_document_is_missed_until_there_is_one(design: Callable[..., Api], carol: Person) -> None:
    api = design()
    assert texts(api, "documents_missing") == ["There is no document that helps a developer to begin."]
    documents.document_create(actor=Actor.of(carol), api=api, name="First steps", content="# So")
    assert texts(api, "documents_missing") == []


def test_every_sentence_is_whole_and_leads_somewhere() -> None:
    for code, rule in RULES.items():
        assert rule.text[0].isupper() or rule.text[0] == "{", code
        assert rule.text.endswith((".", "}")), code
        assert rule.page.isidentifier(), code


def test_an_endpoint_of_an_older_release_is_read_with_what_it_lacks(design: Callable[..., Api]) -> None:
    api = design()
    config, _ = endpoint_config({"urls": [{"url": "wss://talk.example.com/"}]}, lambda _: "")
    api.endpoints.update(config={"urls": config["urls"], "strategy": "failover", "timeouts": {}, "suspension": {},
                                 "security": {"type": "none"}, "headers": {}})  # fmt: skip
    assert found_in(api) == ["not_deployed"]


def test_the_page_for_people_has_every_finding_in_the_same_words() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "publishing.md").read_text()
    for code, rule in RULES.items():
        line = f"| {rule.level} | `{code}` | {rule.text} |"
        assert (f"`{code}`" if rule.level == "done" else line) in page
