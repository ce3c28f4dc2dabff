"""The API describes itself completely, to programs and to people, without asking who they are."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from apis.rest.urls import urlpatterns

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict:
    return Client().get("/api/v1/schema").json()


@pytest.fixture(scope="module")
def operations(schema) -> dict[str, dict]:
    return {f"{method} {path}": body for path, one in schema["paths"].items() for method, body in one.items()}


def test_the_schema_is_valid_and_generated_without_a_warning():
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_every_route_is_in_the_schema(schema):
    routes = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in urlpatterns if "$" not in str(one.pattern)}
    described = {path.removeprefix("/api/v1/") for path in schema["paths"]}
    assert routes - {"", "schema", "docs"} <= described


def test_every_operation_says_what_it_is_and_how_it_fails(operations):
    assert len(operations) > 50
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["tags"], name
        good = [code for code in operation["responses"] if code.startswith("2")]
        assert len([code for code in good if code != "202"] or good) == 1, name  # 202: an administrator decides first
        if operation.get("security") != [{}] and "security" in operation:
            assert "401" in operation["responses"], name
        for code, answer in operation["responses"].items():
            assert answer["description"], (name, code)
            kinds = list(answer.get("content", {}))
            assert kinds == (["application/problem+json"] if code >= "4" else kinds), (name, code)
        if "{" in name:
            assert "404" in operation["responses"], name


def test_bodies_are_described_with_examples_for_the_main_ones(operations):
    for name in ("post /api/v1/apis", "post /api/v1/tokens", "post /api/v1/subscriptions", "post /api/v1/people"):
        content = operations[name]["requestBody"]["content"]["application/json"]
        assert content["examples"], name
    for name, operation in operations.items():
        if name.split()[0] in {"put", "patch"} and not name.endswith("/connections/{connection_id}/token"):
            assert "requestBody" in operation, name


def test_the_ways_to_authenticate_are_described(schema, operations):
    assert schema["components"]["securitySchemes"].keys() == {"bearer", "session", "password", "api_key"}
    assert operations["get /api/v1/apis"]["security"] == [{"bearer": []}, {"session": []}]
    assert operations["post /api/v1/tokens"]["security"] == [{"password": []}]


def test_the_schema_also_comes_as_yaml_and_the_credential_does_not_matter():
    answer = Client().get("/api/v1/schema", headers={"Accept": "application/yaml", "Authorization": "Bearer nonsense"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"openapi: ")
    assert Client().get("/api/v1/schema?lang=xx").status_code == 200


def test_the_page_has_nothing_inline():
    answer = Client().get("/api/v1/docs", headers={"Authorization": "Bearer nonsense"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<style" not in page
    assert "style=" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    script = re.findall(r'<script src="([^"]+script[^"]*)"', page)[-1]
    assert Client().get(script.replace("&amp;", "&")).headers["Content-Type"].startswith("application/javascript")


def test_who_cannot_use_the_page_reads_all_of_it_as_text():
    page = Client().get("/api/v1/docs").content.decode()
    for link, kind in (("/api/v1/schema?format=yaml", "application/vnd.oai.openapi"),
                       ("/api/v1/schema?format=json", "application/json")):  # fmt: skip
        assert f'href="{link}"' in page
        answer = Client().get(link)
        assert answer.headers["Content-Type"].startswith(kind)
        assert "/api/v1/apis/{api_id}" in answer.content.decode()


def test_the_start_of_the_api_leads_to_the_page():
    assert Client().get("/api/v1/").headers["Location"] == "/api/v1/docs"
    assert Client().get("/api/v1/docs", headers={"Accept": "application/json"}).status_code == 406
