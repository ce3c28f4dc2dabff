"""docs/rest.md: every command works as it stands against a running `up`."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOUR = (ROOT / "docs" / "rest.md").read_text()
PORTS = (9763, 9998, 9099)


@pytest.fixture(scope="module")
def output(wsportal) -> str:
    """What the commands print, run in order in one shell that stops at the first failure."""
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", TOUR, re.S | re.M))
    for port in PORTS:
        script = re.sub(rf"\b{port}\b", str(port + wsportal.offset), script)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tour_gets_an_echo_and_counts_it(output):
    assert {"hello", "hello by ticket"} <= set(output.splitlines())
    assert '"api_key":"wst_' in output
    total = json.loads(re.search(r'"total":\s*(\{.*?\})', output)[1])
    assert (total["sessions"], total["events_in"], total["events_out"]) == (2, 2, 2)  # by token and by ticket


def test_only_the_mistake_that_it_shows_is_refused(output):
    refused = re.findall(r'"title":\s*"[^"]*",\s*"status":\s*(\d+)', output)
    assert refused == ["400"]
    assert {"#/name", "#/context", "#/version"} <= set(re.findall(r'"pointer":\s*"([^"]+)"', output))


def test_it_blocks_and_leaves_nothing_behind(output, wsportal):
    assert '"state":"blocked"' in output
    token = wsportal.rest("/tokens", {"name": "look"})["token"]
    for listed in ("apis?search=tour", "applications?search=tourist"):
        request = urllib.request.Request(f"{wsportal.portal}/api/v1/{listed}")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["count"] == 0
