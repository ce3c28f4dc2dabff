"""Live sessions on the pages: of an API, of an application, of everybody; looking at frames; closing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apis.models import Api, HistoryEntry, Person, Subscription
from gateway.models import Inspection, LiveSession, SeenFrame, SessionCommand
from tests.apis.browsing import Visit, at, page
from tests.apis.connected import live_session
from tests.apis.office import at as admin_at
from tests.apis.office import desk


@pytest.fixture
def connected(subscription: Subscription) -> LiveSession:
    """sam's phone is connected to Chat."""
    left = [{"limit": "events-per-minute", "amount": 1000, "left": 990, "resets_at": "2026-11-24T12:00:00+00:00"}]
    return live_session(subscription, events_in=7, events_out=3, bytes_in=70, bytes_out=30, credits=left)


def commands() -> list[dict[str, Any]]:
    return list(SessionCommand.objects.values_list("body", flat=True))


def test_a_publisher_sees_who_is_connected_and_what_is_left(pia: Person, chat: Api, connected: LiveSession) -> None:
    shown = Visit(pia).see(at(chat, "sessions/"))
    assert shown.status == 200
    for text in ("Phone", "sam", "192.0.2.7", "https://shop.example", "990 of 1,000 events per minute", "↑ 7", "↓ 3"):
        assert text in shown.words, text
    assert f'aria-current="page" href="{at(chat, "sessions/")}"' in shown.html


def test_the_list_is_filtered_by_its_address(pia: Person, chat: Api, connected: LiveSession) -> None:
    visit = Visit(pia)
    for query, there in {
        "client=192.0.2.7": True,
        "client=192.0.2.8": False,
        f"application={connected.application_id}": True,
        "key_type=sandbox": False,
        "application=nonsense&key_type=nonsense&page=x": True,
    }.items():
        shown = visit.see(at(chat, f"sessions/?{query}"))
        assert shown.status == 200
        assert (f'data-session="{connected.pk}"' in shown.html) == there, query


def test_a_creator_alone_is_told_that_this_is_for_publishers(carol: Person, chat: Api, connected: LiveSession) -> None:
    shown = Visit(carol).see(at(chat, "sessions/"))
    assert "publisher role" in shown.words
    assert "192.0.2.7" not in shown.words
    assert Visit(carol).see(at(chat, f"sessions/{connected.pk}/close/")).status == 404
    assert Visit(carol).see(at(chat, f"sessions/{connected.pk}/")).status == 404


def test_one_session_is_closed_with_a_code_and_a_reason(pia: Person, chat: Api, connected: LiveSession) -> None:
    path = at(chat, f"sessions/{connected.pk}/close/")
    visit = Visit(pia)
    assert "Close the session of sam from 192.0.2.7?" in visit.see(path).words
    assert not commands()
    answer = visit.client.post(path, {"code": "4100", "reason": "bye"})
    assert (answer.status_code, answer.headers["Location"]) == (302, at(chat, "sessions/"))
    [command] = commands()
    assert (command["code"], command["reason"], command["which"]) == (4100, "bye", {"session": connected.pk})
    assert HistoryEntry.objects.get(action="close_session").actor == pia


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"code": "1001"}, "1000, 1008, 1012"),
        ({"code": "abc"}, "whole number"),
        ({"code": "4000", "reason": "é" * 62}, "123 bytes"),
    ],
)
def test_what_cannot_be_sent_is_said_beside_its_field(
    pia: Person, chat: Api, connected: LiveSession, sent: dict[str, str], said: str
) -> None:
    answer = Visit(pia).client.post(at(chat, f"sessions/{connected.pk}/close/"), sent)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not commands()


def test_all_that_are_filtered_are_closed(pia: Person, chat: Api, connected: LiveSession) -> None:
    path = at(chat, "sessions/close/?client=192.0.2.7")
    assert "Close 1 session that you have filtered?" in Visit(pia).see(path).words
    assert Visit(pia).client.post(path, {"code": "1012"}).status_code == 302
    [command] = commands()
    assert command["which"]["client"] == "192.0.2.7"
    assert command["which"]["api"] == str(chat.pk)


def test_looking_at_frames_begins_once_and_is_written_down(pia: Person, chat: Api, connected: LiveSession) -> None:
    path = at(chat, f"sessions/{connected.pk}/")
    visit = Visit(pia)
    now = timezone.now()
    for number, payload in ((1, None), (2, "secret")):
        SeenFrame.objects.create(session_id=connected.pk, number=number, at=now, direction="in", kind="text",
                                 size_bytes=42, verdict="passed", payload=payload)  # fmt: skip
    shown = visit.see(path)
    assert shown.status == 200
    assert "42 B" in shown.words
    assert "secret" not in shown.html, "the API's security does not allow payloads"
    assert visit.see(f"{path}?look=on").status == 200
    assert visit.see(path).status == 200
    assert HistoryEntry.objects.filter(action="inspect_session").count() == 1
    Inspection.objects.update(ends_at=now - timedelta(seconds=1))
    assert "This look is over" in visit.see(f"{path}?look=on").words


def test_the_last_frames_are_seen_when_the_session_is_over(pia: Person, chat: Api, connected: LiveSession) -> None:
    path = at(chat, f"sessions/{connected.pk}/")
    visit = Visit(pia)
    visit.see(path)
    connected.delete()
    shown = visit.see(f"{path}?look=on")
    assert (shown.status, "This look is over" in shown.words) == (200, True)
    assert Visit(pia).see(path).status in {200, 404}


def test_sam_sees_and_closes_the_sessions_of_an_own_application(
    sam: Person, eve: Person, subscription: Subscription, connected: LiveSession
) -> None:
    application = subscription.application
    shown = Visit(sam).see(page(application, "sessions/"))
    assert "192.0.2.7" in shown.words
    path = page(application, f"sessions/close/{connected.pk}/")
    assert "192.0.2.7" in Visit(sam).see(path).words
    assert Visit(eve).see(page(application, "sessions/")).status == 404
    assert Visit(eve).client.post(path, {"code": "4000"}).status_code == 404
    assert not commands()
    assert Visit(sam).client.post(path, {"code": "5000"}).status_code == 400
    assert Visit(sam).client.post(path, {"code": "4000"}).status_code == 302
    assert [command["code"] for command in commands()] == [4000]


def test_adam_sees_everybody_and_closes_one(adam: Person, connected: LiveSession) -> None:
    office = desk(adam)
    assert b"192.0.2.7" in office.open(admin_at(LiveSession, "changelist")).content
    shown = office.open(admin_at(connected))
    assert b"990 of 1,000 events per minute" in shown.content
    office.done(office.press(admin_at(connected, "close"), code="4100", reason="bye"))
    assert [command["code"] for command in commands()] == [4100]
    assert set(office.refused(office.press(admin_at(connected, "close"), code="1001"))) == {"code"}


def test_nothing_of_it_is_shown_to_somebody_without_a_role(vic: Person, chat: Api, connected: LiveSession) -> None:
    assert Visit(vic).see(at(chat, "sessions/")).status == 403
    assert Visit(vic).see(at(chat, f"sessions/{connected.pk}/")).status == 403
