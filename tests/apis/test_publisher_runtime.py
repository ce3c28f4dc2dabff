"""The Runtime page of the publisher portal: what an API asks of every session."""

from __future__ import annotations

from apis.models import Api, Deployment, Person
from tests.apis.browsing import Visit, at

RUNTIME = {
    "max_message_bytes": "65536", "max_session_s": "", "idle_s": " 300", "keepalive_s": "0", "slow_consumer_s": "60",
    "max_sessions": "", "max_sessions_per_application": "", "max_sessions_per_ip": "10",
}  # fmt: skip


def test_runtime_limits_are_set_at_once_and_told_on_the_overview(carol: Person, pia: Person, chat: Api) -> None:
    page = at(chat, "runtime/")
    shown = Visit(carol).see(page)
    assert (shown.value("slow_consumer_s"), shown.value("max_sessions")) == ("60", "")
    assert "takes effect at once, also for live sessions" in shown.words
    assert "of silence" not in Visit(carol).see(at(chat)).words
    shown = Visit(carol).do(page, **RUNTIME)
    assert "The runtime limits are saved." in shown.words
    assert (shown.value("max_message_bytes"), shown.value("idle_s"), shown.value("max_session_s")) == (
        "65536",
        "300",
        "",
    )
    limits = Deployment.objects.get(api=chat).design["runtime"]
    assert (limits["idle_s"], limits["max_sessions"], limits["max_sessions_per_ip"]) == (300, None, 10)
    told = "Messages of at most 65,536 bytes Closed after 5 minutes of silence At most 10 at once from one address"
    assert told in Visit(carol).see(at(chat)).words
    assert "Closed after 5 minutes of silence" in Visit(pia).see(page).words
    assert "Save" not in Visit(pia).see(page).buttons
    assert Visit(pia).send(page, **RUNTIME).status == 403
    assert "Set the runtime limits" in Visit(pia).see(at(chat, "history/")).words


def test_each_bad_runtime_limit_is_told_beside_its_field(carol: Person, chat: Api) -> None:
    bad = {"max_message_bytes": "lots", "idle_s": "", "keepalive_s": "4", "max_sessions": "0"}
    shown = Visit(carol).send(at(chat, "runtime/"), **RUNTIME | bad)
    assert shown.status == 400
    for name, typed in bad.items():
        assert "whole number" in shown.beside(name), name
        assert shown.value(name) == typed
    assert shown.beside("max_sessions_per_ip") == ""
    chat.refresh_from_db()
    assert chat.runtime_terms == []
