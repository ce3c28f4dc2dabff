"""What a stranger types and uploads, to have it run, written or opened by somebody else."""

from __future__ import annotations

import pytest

from apis.cells import harmless
from apis.models import Api, Person, Subscription
from apis.permissions import Actor
from apis.services import designs
from tests.apis.browsing import Visit, at, page_of

pytestmark = pytest.mark.django_db


def test_an_address_that_is_more_than_an_address_adds_nobody_to_a_mail(chat: Api, paul: Person) -> None:
    business = {"business_owner_email": "ann?bcc=eve@example.com", "technical_owner_email": "a&body=x%0d@example.com"}
    designs.api_update(actor=Actor.of(paul), api=chat, business=business)
    shown = Visit(None).see(page_of(chat)).html
    assert 'href="mailto:ann%3Fbcc%3Deve@example.com"' in shown
    assert 'href="mailto:a%26body%3Dx%250d@example.com"' in shown


def test_a_table_of_an_api_with_letters_of_any_alphabet_has_a_name_that_browsers_read(
    subscription: Subscription, paul: Person, adam: Person
) -> None:
    api = designs.api_create(actor=Actor.of(paul), name="Gespräch über 世界", context="/talk", version="1.0.0")
    answer = Visit(paul).client.get(at(api, "subscriptions/"), {"format": "csv"})
    b"".join(answer)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''subscriptions-Gespr%C3%A4ch")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert [harmless(value) for value in (None, "a=1", -1, "")] == ["", "a=1", -1, ""]
