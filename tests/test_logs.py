"""What eve the stranger could learn from a log, and what an operator needs from it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from wsportal.logs import REDACTED, redact, redact_text

SECRET = "s3cr3t-aBcDeF0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"GET /echo/1.0.0?access_token={SECRET}&x=1",
        f"GET /echo?x=1&apikey={SECRET}",
        f"?ticket={SECRET}",
        f"/callback?code={SECRET}&state=1",
        f"client_secret={SECRET}&grant_type=client_credentials",
        f'{{"password": "{SECRET}"}}',
        f"sec-websocket-protocol: chat, base64url.bearer.authorization.{SECRET}",
        f"postgresql://wsportal:{SECRET}@db.example/wsportal",
        f"Cookie: wsportal_session={SECRET}; theme=dark",
        f"the token eyJhbGciOi.{SECRET}.sig was refused",
    ],
)
def test_eve_finds_no_credential_in_a_text(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize(
    "text", ["closed with code=4429", "GET /echo/1.0.0 101", "tokenless API", "ws://localhost:9998/a"]
)
def test_a_text_without_credentials_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "fields",
    [
        {"access_token": SECRET},
        {"headers": [(b"authorization", f"Bearer {SECRET}".encode())]},
        {"headers": {"Cookie": SECRET}},
        {"headers": [("Sec-WebSocket-Protocol", SECRET)]},
        {"detail": {"client": {"client_secret": SECRET}}},
        {"api_key": SECRET.encode()},
        {"error": ValueError(f"password={SECRET}")},
    ],
)
def test_eve_finds_no_credential_in_a_field(fields: dict[str, Any]) -> None:
    assert SECRET not in repr(redact(None, "info", {"event": "handshake", **fields}))


def test_numbers_and_plain_fields_stay() -> None:
    event = {"event": "session closed", "code": 4429, "key_type": "production", "token_type": "Bearer", "tokens": 3}
    assert redact(None, "info", event) == event


SPEAK = """
import logging, logging.config, structlog, sys
from wsportal import logs
logging.config.dictConfig(logs.configure(sys.argv[1]))
structlog.get_logger("gateway").info("refused", path="/a\\nforged: line", access_token="hush-hush")
logging.getLogger("django.request").error("%s broke: token=%s", "carol", "hush-hush")
try:
    raise ValueError("password=hush-hush\\nforged: line")
except ValueError:
    logging.getLogger("gateway").exception("bang")
"""


def spoken(mode: str) -> list[str]:
    result = subprocess.run([sys.executable, "-c", SPEAK, mode], check=True, capture_output=True, text=True)
    assert result.stdout == ""
    assert "hush-hush" not in result.stderr
    return result.stderr.splitlines()


def test_in_production_every_event_is_one_json_object_in_one_line() -> None:
    events = [json.loads(line) for line in spoken("serve")]
    assert [event["event"] for event in events] == ["refused", f"carol broke: token={REDACTED}", "bang"]
    assert events[0]["path"] == "/a\nforged: line"
    assert events[0]["logger"] == "gateway"
    assert "ValueError" in events[2]["exception"]
    assert all(event["timestamp"].endswith("Z") for event in events)


def test_in_up_a_value_cannot_forge_a_line() -> None:
    lines = spoken("up")
    assert len([line for line in lines if not line.startswith("    ")]) == 3
    assert not any(line.startswith("forged") for line in lines)
