"""AsyncAPI documents through REST: an API of one, its definition read and written, and everything wrong named."""

from __future__ import annotations

import json

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.asyncapi.reading import read
from apis.models import Api, Scope
from tests.apis.browsing import move
from tests.apis.definitions import YAML, imported, send
from tests.core.asyncapi_samples import LAMPS_2, ROOMS_3


def test_carol_imports_a_document_of_yaml(rest, carol):
    made = imported(rest(carol))
    assert (made["name"], made["context"], made["version"]) == ("Street lamps", "/lamps", "1.2.0")
    assert made["state"] == "created"
    assert made["endpoint"] == "wss://eu.lamps.example.com:443/v1"
    assert made["tags"] == ["city"]
    api = Api.objects.get(pk=made["id"])
    assert api.definition == LAMPS_2
    assert {topic.name: (topic.subscribe, topic.publish, topic.scopes) for topic in api.topics.all()} == {
        "/lamps/{lampID}/measured": (True, False, ["lamps:read"]),
        "/lamps/{lampID}/turn": (False, True, ["lamps:write"]),
    }
    assert [row.urls for row in api.endpoints.all()] == [
        ["wss://eu.lamps.example.com:443/v1"],
        ["wss://sandbox.lamps.example.com/v1"],
    ]
    assert Scope.objects.get(name="lamps:read").description == "Read what lamps say"
    assert api.business["business_owner"] == "The lamplighters"


@pytest.mark.parametrize("how", ["json", "wrapped", "form"])
def test_a_document_comes_as_json_as_a_text_or_as_a_file(rest, carol, how):
    caller = rest(carol)
    if how == "json":
        text = json.dumps(read(LAMPS_2).tree)
        imported(caller, text, kind="application/json")
        assert Api.objects.get().definition == text
        return
    values = {"context": "/lamps", "name": "Lamps"}
    if how == "wrapped":
        made = caller.post("/apis/import-asyncapi", {"definition": LAMPS_2, **values}).ok(201)
    else:
        values["file"] = SimpleUploadedFile("lamps.yaml", LAMPS_2.encode())
        sent = caller.client.post("/api/v1/apis/import-asyncapi", values, headers=caller.headers)
        assert sent.status_code == 201, sent.content
        made = sent.json()
    assert (made["name"], made["context"]) == ("Lamps", "/lamps")


def test_what_is_wrong_is_named_with_its_line_and_nothing_is_made(rest, carol):
    wrong = LAMPS_2.replace("lamps/{lampID}/turn:", "lamps/{lampID/turn:")
    answer = send(rest(carol), "post", "/apis/import-asyncapi?context=/lamps", wrong)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid")
    line = wrong.splitlines().index("  lamps/{lampID/turn:") + 1
    assert any(f"Line {line}, column 3:" in one["detail"] for one in body["errors"])
    assert body["errors"][0]["pointer"].startswith("#/channels/")
    assert not Api.objects.exists()
    assert not Scope.objects.exists()


def test_a_context_has_to_be_said_and_names_are_taken_once(rest, carol, chat):
    caller = rest(carol)
    answer = send(caller, "post", "/apis/import-asyncapi", LAMPS_2)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/context"]
    assert send(caller, "post", "/apis/import-asyncapi?context=/chat", LAMPS_2).status_code == 409
    imported(caller, LAMPS_2 + "x-context: /lights\n", query="?version=3")
    assert Api.objects.get(version="3").context == "/lights"


def test_a_scope_of_another_api_and_an_address_inside_are_refused(rest, carol, chat, settings):
    settings.ALLOWED_UPSTREAM_NETWORKS = []
    caller = rest(carol)
    caller.post(f"/apis/{chat.pk}/scopes", {"name": "lamps:read"}).ok(201)
    inside = LAMPS_2.replace("wss://sandbox.lamps.example.com", "wss://10.0.0.7")
    errors = send(caller, "post", "/apis/import-asyncapi?context=/lamps", inside).json()["errors"]
    said = " ".join(one["detail"] for one in errors)
    assert "belongs to another API" in said
    assert "not a public address" in said
    assert {one["pointer"] for one in errors} >= {"#/servers/sandbox"}


def test_a_generated_definition_is_read_as_yaml_and_json_with_one_tag(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    plain = caller.get(path)
    document = plain.ok()
    assert document["asyncapi"] == "3.0.0"
    assert document["channels"]["everything"]["address"] == "/*"
    text = caller.client.get(f"/api/v1{path}?format=yaml", headers=caller.headers)
    assert text["Content-Type"] == YAML
    assert yaml.safe_load(text.content) == document
    accepted = caller.get(path, Accept="text/yaml")
    assert accepted.headers["Content-Type"].startswith("text/yaml")
    assert plain.headers["ETag"] == text["ETag"] == accepted.headers["ETag"]
    caller.get(f"{path}?format=xml").refused(400)


def test_paul_writes_a_definition_and_topics_scopes_and_endpoints_follow(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    done = send(caller, "put", path, LAMPS_2).json()
    assert done["valid"] is True
    assert {one["level"] for one in done["problems"]} <= {"warning"}
    assert len(done["summary"]["topics"]) == 2
    chat.refresh_from_db()
    assert (chat.name, chat.version) == ("Chat", "1.0.0")
    assert chat.definition == LAMPS_2
    assert [topic.name for topic in chat.topics.all()] == ["/lamps/{lampID}/measured", "/lamps/{lampID}/turn"]
    assert chat.endpoints.get(key_type="production").urls == ["wss://eu.lamps.example.com:443/v1"]
    read_back = caller.client.get(f"/api/v1{path}?format=yaml", headers=caller.headers)
    assert read_back.content.decode() == LAMPS_2
    wrong = send(caller, "put", path, LAMPS_2.replace("subscribe:", "subscribe: 7 #"))
    assert wrong.status_code == 400
    chat.refresh_from_db()
    assert chat.definition == LAMPS_2


def test_a_definition_that_was_read_can_be_written_back_without_a_loop(rest, paul, chat):
    """The servers in it are the gateway; they must not become the endpoint of the API behind it."""
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    before = [row.config for row in chat.endpoints.all()]
    text = caller.client.get(f"/api/v1{path}?format=yaml", headers=caller.headers).content
    assert b"x-gateway: true" in text
    assert send(caller, "put", path, text).status_code == 200
    chat.refresh_from_db()
    assert [row.config for row in chat.endpoints.all()] == before
    assert [topic.name for topic in chat.topics.all()] == ["/*"]


def test_if_match_keeps_two_people_apart(rest, paul, carol, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    tag = caller.get(path).headers["ETag"]
    assert send(rest(carol), "put", path, ROOMS_3).status_code == 200
    late = send(caller, "put", path, LAMPS_2, **{"If-Match": tag})
    assert late.status_code == 412
    assert late.json()["changes"][0]["who"] == "carol"
    fresh = caller.get(path).headers["ETag"]
    assert send(caller, "put", path, LAMPS_2, **{"If-Match": fresh}).status_code == 200


def test_topics_that_are_edited_stand_in_the_kept_definition(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    send(caller, "put", path, LAMPS_2)
    topics = caller.get(f"/apis/{chat.pk}/topics").ok()["results"]
    caller.put(f"/apis/{chat.pk}/topics", {"topics": [*topics, {"name": "/news", "publish": False}]}).ok()
    text = Api.objects.get(pk=chat.pk).definition
    assert "/news:\n    subscribe: {}" in text
    assert "# What a lamp says" in text
    messages = read(text).channels[0].operations[0].messages
    assert [message.payload_pointer for message in messages] == ["/components/schemas/lumens"]
    caller.put(f"/apis/{chat.pk}/topics", {"topics": [topics[1]]}).ok()
    assert [channel.address for channel in read(Api.objects.get(pk=chat.pk).definition).channels] == [
        "/lamps/{lampID}/turn"
    ]


def test_what_borrows_from_a_topic_that_goes_keeps_a_copy(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    borrowing = LAMPS_2.replace(
        "message: {$ref: '#/components/messages/turn'}",
        "message: {$ref: '#/channels/lamps~1{lampID}~1measured/subscribe/message'}",
    )
    assert borrowing != LAMPS_2
    assert send(caller, "put", path, borrowing).status_code == 200
    topics = caller.get(f"/apis/{chat.pk}/topics").ok()["results"]
    caller.put(f"/apis/{chat.pk}/topics", {"topics": [topics[1]]}).ok()
    (channel,) = read(Api.objects.get(pk=chat.pk).definition).channels
    assert channel.operations[0].messages[0].title == "Measured"


def test_topics_cannot_leave_a_definition_behind_that_is_not_valid_any_more(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    Api.objects.filter(pk=chat.pk).update(definition="asyncapi: 2.6.0")
    refused = caller.put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/a"}]})
    refused.refused(409, "definition")
    assert "cannot be read any more" in refused.body["detail"]
    caller.delete(path).ok(204)
    caller.put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/a"}]}).ok()
    caller.delete(path).refused(409, "generated")


def test_revisions_freeze_the_definition_and_bring_it_back(rest, paul, chat):
    caller, path = rest(paul), f"/apis/{chat.pk}/asyncapi"
    send(caller, "put", path, LAMPS_2)
    number = caller.post(f"/apis/{chat.pk}/revisions", {}).ok(201)["number"]
    send(caller, "put", path, ROOMS_3)
    assert caller.get(f"{path}?revision={number}").ok()["asyncapi"] == "2.6.0"
    assert caller.get(path).ok()["asyncapi"] == "3.0.0"
    caller.post(f"/apis/{chat.pk}/revisions/{number}/restore", {}).ok()
    assert Api.objects.get(pk=chat.pk).definition == LAMPS_2
    caller.get(f"{path}?revision=99").refused(404)
    caller.get(f"{path}?revision=x").refused(400)


def test_sam_reads_what_is_deployed_and_nothing_of_the_backend(rest, sam, paul, chat):
    caller, path = rest(sam), f"/apis/{chat.pk}/asyncapi"
    send(rest(paul), "put", path, LAMPS_2.replace("publish:", "publish:\n      x-uri-mapping: /secret/path", 1))
    assert "everything" in caller.get(path).ok()["channels"]  # what is deployed is older
    number = rest(paul).post(f"/apis/{chat.pk}/revisions", {}).ok(201)["number"]
    rest(paul).post(f"/apis/{chat.pk}/revisions/{number}/deploy", {}).ok()
    document = caller.get(path).ok()
    text = json.dumps(document)
    assert "lamps.example.com" not in text
    assert "secret" not in text
    assert document["info"]["title"] == "Chat"
    assert {one["pathname"] for one in document["servers"].values()} == {"/chat/1.0.0"}
    assert document["components"]["schemas"]["lumens"]["type"] == "object"
    tokens = document["components"]["securitySchemes"]["oauth2-lamps-read"]
    assert tokens["flows"]["clientCredentials"]["tokenUrl"].endswith("/oauth2/token")
    assert tokens["scopes"] == ["lamps:read"]
    caller.get(f"{path}?revision=1").refused(403)
    assert send(caller, "put", path, LAMPS_2).status_code == 403


@pytest.mark.parametrize(("name", "status"), [("pia", 403), ("sam", 403), ("vic", 403), (None, 401)])
def test_definitions_are_the_creators(rest, people, draft, name, status):
    caller = rest(people[name]) if name else rest()
    for path in ("/apis/import-asyncapi?context=/x", "/asyncapi/validate"):
        assert send(caller, "post", path, LAMPS_2).status_code == status
    expected = {"pia": 403, None: 401}.get(name, 404)
    assert send(caller, "put", f"/apis/{draft.pk}/asyncapi", LAMPS_2).status_code == expected
    assert caller.get(f"/apis/{draft.pk}/asyncapi").status == (200 if name == "pia" else expected)


def test_validate_says_what_would_be_made_and_makes_nothing(rest, carol):
    caller = rest(carol)
    good = send(caller, "post", "/asyncapi/validate", LAMPS_2).json()
    assert (good["valid"], good["version"]) == (True, "2.6.0")
    assert good["summary"]["endpoints"]["production"] == ["wss://eu.lamps.example.com:443/v1"]
    assert any("no WebSocket" in one["text"] and one["line"] for one in good["problems"])
    bad = send(caller, "post", "/asyncapi/validate", "asyncapi: 2.6.0\n  nonsense: [").json()
    assert bad["valid"] is False
    assert bad["summary"] is None
    assert bad["problems"][0]["line"] == 2
    assert not Api.objects.exists()


def test_an_api_that_is_on_offer_is_described_to_developers_after_publishing(rest, sam, paul):
    made = imported(rest(paul), ROOMS_3, query="?context=/rooms")
    api = Api.objects.get(pk=made["id"])
    rest(sam).get(f"/apis/{api.pk}/asyncapi").refused(404)
    rest(paul).patch(f"/apis/{api.pk}", {"business_plans": ["Bronze"]}).ok()
    move(api, paul, "publish")
    document = rest(sam).get(f"/apis/{api.pk}/asyncapi").ok()
    assert document["operations"]["hear"]["action"] == "send"
    assert read(json.dumps(document)).is_valid
