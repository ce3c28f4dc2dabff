"""What is typed into a long form is kept for the person who typed it, and only for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apis.errors import Forbidden, Invalid, Missing
from apis.models import Api, FormDraft, HistoryEntry, Person
from apis.permissions import Actor
from apis.services import designs, drafts
from tests.apis.browsing import Visit, at

TYPED: dict[str, Any] = {
    "name": "Talk",
    "context": "/talk",
    "version": "",
    "endpoint": "",
    "business_plans": ["Bronze", "Gold"],
}
NEW = "/publisher/apis/new"
KEEP = "/publisher/drafts/new-api"


def keep(person: Person, form: str = "new-api", **values: list[str]) -> FormDraft | None:
    return drafts.draft_keep(actor=Actor.of(person), form=form, values=values)


def test_carol_closes_the_page_and_finds_what_she_typed(carol: Person) -> None:
    assert "Draft kept at" in Visit(carol).send(KEEP, script=True, **TYPED).words
    page = Visit(carol).see(NEW)
    assert page.value("name") == "Talk"
    assert page.value("context") == "/talk"
    assert page.is_checked("business_plans", "Gold")
    assert not page.is_checked("business_plans", "Silver")
    assert "This is what you typed on" in page.words
    assert "Draft of" in Visit(carol).see("/publisher/create/").words


def test_carol_discards_it_and_begins_with_an_empty_form(carol: Person) -> None:
    visit = Visit(carol)
    visit.send(KEEP, **TYPED)
    assert visit.do(f"{KEEP}/discard").value("name") == ""
    assert not FormDraft.objects.exists()


def test_what_became_an_api_is_no_draft_any_more(carol: Person) -> None:
    visit = Visit(carol)
    visit.send(KEEP, **TYPED)
    visit.do(NEW, do="create", name="Talk", context="/talk", version="1")
    assert not FormDraft.objects.exists()


def test_what_was_refused_is_still_kept(carol: Person) -> None:
    visit = Visit(carol)
    visit.send(KEEP, **TYPED)
    assert visit.send(NEW, do="create", **TYPED).status == 400
    assert Visit(carol).see(NEW).value("name") == "Talk"


def test_a_form_that_is_emptied_leaves_no_draft(carol: Person) -> None:
    keep(carol, name=["Talk"])
    assert Visit(carol).send(KEEP, name="", context="").words == ""
    assert not FormDraft.objects.exists()


def test_nobody_sees_the_draft_of_another_person(carol: Person, paul: Person) -> None:
    keep(carol, name=["Secret plan"])
    assert "Secret plan" not in Visit(paul).see(NEW).html
    Visit(paul).do(f"{KEEP}/discard")
    assert drafts.draft_of(Actor.of(carol), "new-api") is not None


def test_only_fields_of_the_form_are_kept_and_no_password_in_an_address(carol: Person) -> None:
    kept = keep(carol, name=["Talk"], password=["hush"], csrfmiddlewaretoken=["x"], endpoint=["ws://us:hush@a.example"])
    assert kept is not None
    assert kept.fields == {"name": "Talk"}


def test_a_draft_leaves_no_trace_in_the_history(carol: Person) -> None:
    before = HistoryEntry.objects.count()
    keep(carol, name=["Talk"])
    assert HistoryEntry.objects.count() == before


def test_after_thirty_days_it_is_gone(carol: Person, paul: Person) -> None:
    keep(carol, name=["Talk"])
    FormDraft.objects.update(updated_at=timezone.now() - timedelta(days=30, seconds=1))
    assert Visit(carol).see(NEW).value("name") == ""
    keep(paul, name=["Other"])  # whoever types next takes it out of the database
    assert [row.person for row in FormDraft.objects.all()] == [paul]


def test_the_oldest_of_very_many_drafts_leave(carol: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_LIMIT", 2)
    ids = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(3)]
    for one in ids:
        keep(carol, f"definition:{one}", definition=["asyncapi: 3.0.0"])
    assert {row.form for row in FormDraft.objects.all()} == {f"definition:{one}" for one in ids[1:]}


def test_what_is_too_long_is_refused_and_what_was_kept_before_stays(carol: Person) -> None:
    keep(carol, name=["Talk"])
    with pytest.raises(Invalid):
        keep(carol, name=["x" * (drafts.SIZE_LIMIT + 1)])
    assert Visit(carol).see(NEW).value("name") == "Talk"


@pytest.mark.parametrize("form", ["nothing", "new-api:1", "definition:x", "", "definition:" + "0" * 32])
def test_a_form_without_drafts_has_none(carol: Person, form: str) -> None:
    with pytest.raises(Missing):
        keep(carol, form, name=["Talk"])


def test_who_is_signed_out_is_told_so_and_not_sent_away(carol: Person) -> None:
    shown = Visit().send(KEEP, script=True, name="Talk")
    assert shown.status == 401
    assert "HX-Redirect" not in shown.response.headers


def test_who_sees_no_designs_keeps_no_drafts(sam: Person) -> None:
    with pytest.raises(Forbidden):
        keep(sam, name=["Talk"])
    assert Visit(sam).send(KEEP, name="Talk").status == 403
    assert Visit(sam).send(f"{KEEP}/discard").status == 403


def test_an_address_that_names_no_form_is_not_there(carol: Person) -> None:
    assert Visit(carol).send("/publisher/drafts/nothing", name="Talk").status == 404
    assert Visit(carol).send("/publisher/drafts/nothing/discard").status == 404
    assert Visit(carol).see(KEEP).status == 405


class TestFormsAboutAnApi:
    def test_a_description_comes_back_and_is_forgotten_once_it_is_saved(self, carol: Person, draft: Api) -> None:
        visit, page, key = Visit(carol), at(draft, "info/"), f"/publisher/drafts/info:{draft.pk}"
        sent: dict[str, Any] = {"display_name": "", "description": "Half a sent", "tags": "one, two"}
        assert "Draft kept" in visit.send(key, script=True, **sent).words
        shown = visit.see(page)
        assert "Half a sent" in shown.words
        assert shown.value("tags") == "one, two"
        assert "This is what you typed on" in shown.words
        visit.do(page, **{**sent, "description": "A whole sentence."})
        assert not FormDraft.objects.exists()

    def test_a_draft_is_as_old_as_the_page_it_was_typed_in(self, carol: Person, paul: Person, draft: Api) -> None:
        page = at(draft, "info/")
        seen = Visit(carol).see(page).value("seen")
        key = f"/publisher/drafts/info:{draft.pk}"
        Visit(carol).send(key, display_name="", description="Mine", tags="", seen=seen)
        designs.api_update(actor=Actor.of(paul), api=draft, description="Theirs")
        assert Visit(carol).see(page).value("seen") == seen
        told = Visit(carol).send(page, display_name="", description="Mine", tags="", seen=seen)
        assert told.status == 409
        draft.refresh_from_db()
        assert draft.description == "Theirs"

    def test_an_edition_that_is_none_is_not_kept(self, carol: Person, draft: Api) -> None:
        kept = keep(carol, f"info:{draft.pk}", description=["x"], seen=["<script>"])
        assert kept is not None
        assert kept.fields == {"description": "x"}

    def test_a_document_comes_back_too(self, carol: Person, draft: Api) -> None:
        visit, page = Visit(carol), at(draft, "documents/new")
        sent: dict[str, Any] = {
            "name": "First steps",
            "type": "howto",
            "visibility": "api",
            "source": "inline",
            "content": "# So",
        }
        visit.send(f"/publisher/drafts/document:{draft.pk}", **sent)
        shown = visit.see(page)
        assert shown.value("name") == "First steps"
        assert "# So" in shown.html
        visit.do(page, **sent)
        assert not FormDraft.objects.exists()

    def test_what_is_only_chosen_and_not_typed_is_no_draft(self, carol: Person, draft: Api) -> None:
        assert keep(carol, f"document:{draft.pk}", type=["howto"], visibility=["api"], source=["inline"]) is None

    def test_a_definition_comes_back_with_its_discard_button(self, carol: Person, draft: Api) -> None:
        visit, key = Visit(carol), f"/publisher/drafts/definition:{draft.pk}"
        visit.send(key, definition="asyncapi: 3.0.0 # half")
        assert "# half" in visit.see(at(draft, "definition/edit")).html
        assert "# half" not in visit.do(f"{key}/discard").html


# An import --------------------------------------------------------------------------------------------------------

IMPORT = "/publisher/create/import/"
KEEP_IMPORT = "/publisher/drafts/import"
TEXT = """asyncapi: 2.6.0
info: {title: Lamps, version: 1.0.0}
channels: {lamps: {subscribe: {message: {payload: {type: string}}}}}
"""


def test_a_pasted_definition_and_an_address_are_kept_and_a_file_is_not(carol: Person) -> None:
    assert (
        "Draft kept at" in Visit(carol).send(KEEP_IMPORT, script=True, url="https://a.example/x", definition=TEXT).words
    )
    page = Visit(carol).see(IMPORT)
    assert page.value("url") == "https://a.example/x"
    assert "title: Lamps" in page.html
    assert "This is what you typed on" in page.words
    assert "files are not" in page.words
    assert f'hx-post="{KEEP_IMPORT}"' in page.html
    assert "Draft of" in Visit(carol).see("/publisher/create/").words
    assert "title: Lamps" not in Visit(carol).do(f"{KEEP_IMPORT}/discard").html
    assert not FormDraft.objects.exists()


def test_what_was_typed_beside_a_definition_is_there_when_it_is_read_again(carol: Person) -> None:
    visit = Visit(carol)
    step = visit.send(IMPORT, do="read", definition=TEXT, url="")
    assert step.value("name") == "Lamps"
    assert f'hx-post="{KEEP_IMPORT}"' in step.html
    visit.send(KEEP_IMPORT, name="Street", context="/street", version="2", definition=TEXT.replace("\n", "\r\n"))
    assert visit.send(IMPORT, do="read", definition=TEXT, url="").value("name") == "Street"
    other = TEXT.replace("Lamps", "Bells")
    assert visit.send(IMPORT, do="read", definition=other, url="").value("name") == "Bells"


def test_an_import_that_was_made_is_no_draft_and_one_that_was_refused_is(carol: Person) -> None:
    visit = Visit(carol)
    typed = {"name": "Lamps", "context": "", "version": "1.0.0", "definition": TEXT}
    visit.send(KEEP_IMPORT, **typed)
    assert visit.send(IMPORT, do="create", **typed).status == 400
    assert FormDraft.objects.filter(form="import").exists()
    visit.do(IMPORT, do="create", **{**typed, "context": "/lamps"})
    assert not FormDraft.objects.exists()
    assert Api.objects.filter(version_set__context="/lamps").exists()


def test_an_address_with_a_password_is_not_kept(carol: Person) -> None:
    Visit(carol).send(KEEP_IMPORT, url="https://us:hush@a.example/x", definition=TEXT)
    assert "hush" not in str(FormDraft.objects.get().fields)
