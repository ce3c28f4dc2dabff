"""Gateway environments with several hosts: adam keeps them, paul chooses where clients find an API."""

from __future__ import annotations

from typing import Any

import pytest

from apis import selectors
from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.models import Api, Deployment, Environment, Person
from apis.permissions import Actor
from apis.services import custom_roles, environments, publishing
from tests.apis.browsing import Visit, at

PARTNERS = {"host": "partners.example.com", "ws_port": 9099, "wss_port": None, "description": "Partners"}


@pytest.fixture
def default(chat: Api, adam: Person) -> Environment:
    """The environment of the published Chat, with a further host."""
    row = Environment.objects.get(name="Default")
    return environments.environment_update(actor=Actor.of(adam), environment=row, vhosts=[PARTNERS])


def deploy(person: Person, api: Api, *where: Any) -> Deployment:
    revision = selectors.revision_get(api, 1)
    return publishing.revision_deploy(actor=Actor.of(person), revision=revision, environments=where)[0]


class TestHosts:
    def test_an_api_is_on_the_environments_own_host_unless_somebody_chooses_another(
        self, default: Environment, paul: Person, chat: Api
    ) -> None:
        assert selectors.gateway_urls(chat)[0] == "ws://localhost:9099/chat/1.0.0"
        deploy(paul, chat, {"name": "Default", "vhost": "Partners.Example.com"})
        assert selectors.gateway_urls_deployed(chat) == ["ws://partners.example.com:9099/chat/1.0.0"]

    def test_it_stays_there_when_another_revision_is_deployed_by_the_environments_name(
        self, default: Environment, paul: Person, chat: Api
    ) -> None:
        deploy(paul, chat, {"name": "Default", "vhost": "partners.example.com"})
        assert deploy(paul, chat, "Default").vhost == "partners.example.com"
        assert deploy(paul, chat, {"name": "Default", "vhost": "localhost"}).vhost == ""

    def test_a_host_that_the_environment_does_not_have_is_refused(
        self, default: Environment, paul: Person, chat: Api
    ) -> None:
        with pytest.raises(Invalid, match=r"it has localhost, partners\.example\.com"):
            deploy(paul, chat, {"name": "Default", "vhost": "elsewhere.example.com"})

    def test_a_host_that_an_api_is_on_cannot_be_taken_away(
        self, default: Environment, adam: Person, paul: Person, chat: Api
    ) -> None:
        deploy(paul, chat, {"name": "Default", "vhost": "partners.example.com"})
        with pytest.raises(Conflict, match=r"APIs are deployed on partners\.example\.com"):
            environments.environment_update(actor=Actor.of(adam), environment=default, vhosts=[])

    @pytest.mark.parametrize(
        ("rows", "place"),
        [
            ("text", "vhosts"),
            ([PARTNERS] * 20, "vhosts"),
            ([7], "vhosts/0"),
            ([{**PARTNERS, "host": "a b"}], "vhosts/0/host"),
            ([{**PARTNERS, "host": "-a.example"}], "vhosts/0/host"),
            ([{**PARTNERS, "host": "1.2.3"}], "vhosts/0/host"),
            ([{**PARTNERS, "host": "[::g]"}], "vhosts/0/host"),
            ([{**PARTNERS, "host": None}], "vhosts/0/host"),
            ([{**PARTNERS, "host": "LOCALHOST"}], "vhosts/0/host"),
            ([PARTNERS, PARTNERS], "vhosts/1/host"),
            ([{"host": "a.example"}], "vhosts/0/ws_port"),
            ([{**PARTNERS, "wss_port": True}], "vhosts/0/wss_port"),
            ([{**PARTNERS, "wss_port": 70_000}], "vhosts/0/wss_port"),
            ([{**PARTNERS, "description": "a\nb"}], "vhosts/0/description"),
            ([{**PARTNERS, "more": 1}], "vhosts/0/more"),
        ],
    )
    def test_what_is_no_host_is_named(self, default: Environment, adam: Person, rows: Any, place: str) -> None:
        with pytest.raises(Invalid) as refusal:
            environments.environment_update(actor=Actor.of(adam), environment=default, vhosts=rows)
        assert list(refusal.value.fields) == [place]

    def test_a_host_belongs_to_one_environment(self, default: Environment, adam: Person) -> None:
        actor = Actor.of(adam)
        with pytest.raises(Taken):
            environments.environment_create(actor=actor, name="B", host="Partners.example.com", ws_port=9199)
        with pytest.raises(Taken):
            environments.environment_create(actor=actor, name="B", host="b.example", ws_port=1, vhosts=[PARTNERS])
        assert environments.environment_create(actor=actor, name="B", host="localhost", ws_port=9199).pk


class TestWhoMayDeploy:
    def test_an_environment_may_be_kept_for_a_role(
        self, default: Environment, adam: Person, paul: Person, chat: Api
    ) -> None:
        custom_roles.role_create(actor=Actor.of(adam), name="operators")
        environments.environment_update(actor=Actor.of(adam), environment=default, deploy_roles=["operators"])
        with pytest.raises(Forbidden, match="Deploying on Default needs one of these roles: operators"):
            deploy(paul, chat, "Default")
        with pytest.raises(Forbidden):
            publishing.revision_undeploy(actor=Actor.of(paul), revision=selectors.revision_get(chat, 1))
        paul.roles = [*paul.roles, "operators"]
        paul.save()
        assert deploy(Person.objects.get(pk=paul.pk), chat, "Default").pk

    def test_a_role_that_there_is_not_is_named(self, default: Environment, adam: Person) -> None:
        with pytest.raises(Invalid, match="Unknown role: nobodies"):
            environments.environment_update(actor=Actor.of(adam), environment=default, deploy_roles=["nobodies"])


class TestRest:
    def test_adam_keeps_environments_and_everybody_reads_them(self, rest: Any, adam: Person, sam: Person) -> None:
        made = rest(adam).post(
            "/environments", {"name": "Europe", "host": "eu.example.com", "wss_port": 8443, "vhosts": [PARTNERS]}
        )
        assert made.status == 201
        address = f"/environments/{made.body['id']}"
        shown = rest(sam).get(address).ok()
        assert [row["host"] for row in shown["vhosts"]] == ["eu.example.com", "partners.example.com"]
        assert shown["vhosts"][1]["urls"] == ["ws://partners.example.com:9099"]
        assert rest(sam).patch(address, {"description": "x"}).status == 403
        assert rest(adam).patch(address, {"vhosts": []}).ok()["vhosts"][1:] == []
        assert rest(adam).delete(address).status == 204
        assert rest(sam).get(address).status == 404

    def test_an_environment_where_something_is_deployed_is_not_deleted(
        self, rest: Any, adam: Person, default: Environment
    ) -> None:
        assert rest(adam).delete(f"/environments/{default.pk}").status == 409

    def test_paul_deploys_by_name_or_with_a_host(
        self, rest: Any, paul: Person, chat: Api, default: Environment
    ) -> None:
        deploying = f"/apis/{chat.pk}/revisions/1/deploy"
        assert rest(paul).post(deploying, {"environments": ["Default"]}).ok()["deployments"][0]["vhost"] == "localhost"
        wanted = [{"name": "Default", "vhost": "partners.example.com"}]
        done = rest(paul).post(deploying, {"environments": wanted}).ok()
        assert done["deployments"][0]["vhost"] == "partners.example.com"
        shown = rest(paul).get(f"/apis/{chat.pk}").ok()
        assert shown["gateway_urls"] == ["ws://partners.example.com:9099/chat/1.0.0"]
        assert rest(paul).post(deploying, {"environments": [{"name": "Default", "vhost": "no.example"}]}).status == 400
        assert rest(paul).post(deploying, {"environments": [{"vhost": "no.example"}]}).status == 400


def test_paul_chooses_the_host_on_the_page(default: Environment, paul: Person, chat: Api) -> None:
    page = at(chat, "deployments/")
    assert "partners.example.com" in Visit(paul).see(page).words
    field = f"vhost-{default.pk}"
    Visit(paul).do(page, do="deploy", number="1", environments="Default", **{field: "partners.example.com"})
    assert "ws://partners.example.com:9099/chat/1.0.0" in Visit(paul).see(page).words
    assert "ws://partners.example.com:9099/chat/1.0.0" in Visit(paul).see(f"/devportal/apis/{chat.pk}/").words
