"""Where documents come from over REST: bodies of every kind and size, and addresses that may be asked or not."""

from __future__ import annotations

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apis.models import Api
from apis.services import defining
from apis.services.attempts import Attempts
from tests.apis.definitions import send
from tests.core.asyncapi_samples import LAMPS_2


def test_a_document_that_is_too_large_is_413(rest, carol):
    answer = send(rest(carol), "post", "/asyncapi/validate", b"a" * (1 << 20) + b"a")
    assert answer.status_code == 413
    assert send(rest(carol), "post", "/asyncapi/validate", b"").status_code == 400
    assert send(rest(carol), "post", "/asyncapi/validate", b"x", kind="image/png").status_code == 415


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just({"$ref": "#/components/x"}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
PARTS = ("info", "servers", "channels", "operations", "components", "tags")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["2.6.0", "3.0.0"]), st.dictionaries(st.sampled_from(PARTS), ANY, max_size=6))
def test_whatever_stands_in_a_document_is_judged_and_not_a_fault(rest, carol, version, parts):
    text = json.dumps({"asyncapi": version, **parts})
    caller = rest(carol)
    answer = send(caller, "post", "/asyncapi/validate", text, kind="application/json")
    assert answer.status_code == 200, answer.content
    made = send(caller, "post", "/apis/import-asyncapi?context=/x", text, kind="application/json")
    assert made.status_code in {201, 400, 409}


def test_an_address_is_asked_only_where_it_may_be(rest, carol, settings):
    settings.ALLOWED_UPSTREAM_NETWORKS = []
    caller = rest(carol)
    for url in ("http://127.0.0.1:1/a", "https://169.254.169.254/a", "file:///etc/passwd", "ftp://a.example/", ""):
        for path in ("/apis/import-asyncapi", "/asyncapi/validate"):
            assert caller.post(path, {"url": url}).refused(400).keys() == {"#/url"}
    caller.post("/asyncapi/validate", {"url": "https://a.example", "definition": "x"}).refused(400)
    caller.post("/asyncapi/validate", {}).refused(400)


class Shelf(BaseHTTPRequestHandler):
    """A web server that has a document, one that is too large, a way round, and something that is not there."""

    def do_GET(self) -> None:
        body, status = {
            "/lamps.yaml": (LAMPS_2.encode(), 200),
            "/large": (b"a" * ((1 << 20) + 1), 200),
            "/moved": (b"", 302),
        }.get(self.path, (b"", 404))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/lamps.yaml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who has had enough hangs up
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shelf():
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_document_is_fetched_from_an_address_that_an_operator_allows(rest, carol, shelf, settings):
    settings.ALLOWED_UPSTREAM_NETWORKS = [ip_network("127.0.0.0/8")]
    caller = rest(carol)
    assert caller.post("/asyncapi/validate", {"url": f"{shelf}/lamps.yaml"}).ok()["valid"] is True
    caller.post("/apis/import-asyncapi", {"url": f"{shelf}/lamps.yaml", "context": "/lamps"}).ok(201)
    assert Api.objects.get().definition == LAMPS_2
    for path, words in (("large", "larger"), ("moved", "leads elsewhere"), ("gone", "404")):
        errors = caller.post("/asyncapi/validate", {"url": f"{shelf}/{path}"}).refused(400)
        assert words in errors["#/url"]
    settings.ALLOWED_UPSTREAM_NETWORKS = []
    caller.post("/asyncapi/validate", {"url": f"{shelf}/lamps.yaml"}).refused(400)


def test_addresses_are_not_asked_without_end(rest, carol, shelf, settings, monkeypatch):
    settings.ALLOWED_UPSTREAM_NETWORKS = [ip_network("127.0.0.0/8")]
    monkeypatch.setattr(defining, "FETCHES", Attempts("few", limit=2, window_s=86_400))
    caller = rest(carol)
    for _ in range(2):
        caller.post("/asyncapi/validate", {"url": f"{shelf}/lamps.yaml"}).ok()
    refused = caller.post("/asyncapi/validate", {"url": f"{shelf}/lamps.yaml"})
    refused.refused(429)
    assert int(refused.headers["Retry-After"]) > 0
