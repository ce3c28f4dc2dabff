"""Pictures of APIs: what is taken, what becomes of it, and who gets to see it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from apis.errors import Forbidden, Invalid, Missing
from apis.models import Api, Person, Thumbnail
from apis.permissions import Actor
from apis.pictures import BYTES_LIMIT, SIDE
from apis.services import designs, thumbnails
from tests.apis.browsing import Visit, at, page_of
from tests.apis.world import everything, last_entry

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(kind: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def png() -> bytes:
    return picture("PNG")


def bomb() -> bytes:
    """A PNG of some hundred bytes that says that it is 30,000 x 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 90)) + chunk(b"IEND", b"")


BAD = {
    "a text that calls itself a picture": b"this is a text",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a drawing with a script": SVG,
    "the beginning of a picture": png()[:60],
    "a signature and nothing else": b"\x89PNG\r\n\x1a\n",
    "a kind that is not taken": picture("BMP"),
    "gigabytes in a nutshell": bomb(),
    "more pixels than bytes tell": picture("PNG", (4000, 3100)),
    "20 megabytes": b"\xff" * (20 << 20),
    "one byte too many": png() + b"\0" * (BYTES_LIMIT + 1 - len(png())),
    "nothing": b"",
}


def put(person: Person, api: Api, content: bytes) -> Thumbnail:
    return thumbnails.thumbnail_set(actor=Actor.of(person), api=api, content=content)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/png"), ("WEBP", "image/png")],
)
def test_a_picture_is_encoded_anew(paul: Person, chat: Api, kind: str, media_type: str) -> None:
    kept = put(paul, chat, picture(kind, (1600, 800)))
    assert (kept.media_type, kept.width, kept.height) == (media_type, SIDE, SIDE // 2)
    with Image.open(io.BytesIO(kept.content)) as image:
        assert (image.size, image.get_format_mimetype()) == ((SIDE, SIDE // 2), media_type)
    assert Api.objects.get(pk=chat.pk).picture == kept.digest


def test_nothing_else_of_the_file_is_kept(paul: Person, chat: Api) -> None:
    exif = Image.Exif()
    exif[0x010E] = "at 48.137N 11.575E"
    exif[0x0112] = 6  # turned by a quarter
    kept = put(paul, chat, picture("JPEG", (60, 40), exif=exif, comment=b"<script>alert(1)</script>") + b"<?php")
    assert (kept.width, kept.height) == (40, 60)
    for secret in (b"48.137", b"script", b"php", b"Exif"):
        assert secret not in bytes(kept.content)


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_picture_is_refused_and_the_old_one_stays(paul: Person, chat: Api, what: str) -> None:
    put(paul, chat, png())
    before = everything()
    with pytest.raises(Invalid) as refusal:
        put(paul, chat, BAD[what])
    assert list(refusal.value.fields) == ["thumbnail"]
    assert everything() == before


def test_a_picture_may_be_replaced_and_removed_and_the_history_says_so(paul: Person, chat: Api) -> None:
    put(paul, chat, png())
    assert last_entry().detail["before"] == "none"
    put(paul, chat, picture("JPEG"))
    assert Thumbnail.objects.count() == 1
    assert last_entry().detail["after"].startswith("image/jpeg, 60 x 40 pixels")
    thumbnails.thumbnail_remove(actor=Actor.of(paul), api=chat)
    assert (last_entry().action, last_entry().detail["after"]) == ("thumbnail", "none")
    with pytest.raises(Missing):
        thumbnails.thumbnail_remove(actor=Actor.of(paul), api=chat)


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_only_creators_choose_pictures(people: dict[str, Person], chat: Api, name: str) -> None:
    with pytest.raises(Forbidden):
        put(people[name], chat, png())
    with pytest.raises(Forbidden):
        thumbnails.thumbnail_remove(actor=Actor.of(people[name]), api=chat)


# In REST ----------------------------------------------------------------------------------------------------------


def send(caller: Any, api: Api, content: bytes, content_type: str = "image/png") -> Any:
    return caller.client.put(
        f"/api/v1/apis/{api.pk}/thumbnail", content, content_type=content_type, headers=caller.headers
    )


def test_rest_takes_a_picture_as_body_and_gives_it_to_everybody_who_sees_the_api(
    rest: Callable[..., Any], paul: Person, sam: Person, chat: Api
) -> None:
    assert rest(sam).get(f"/apis/{chat.pk}").ok()["thumbnail"] is None
    answer = send(rest(paul), chat, png())
    where = f"/api/v1/apis/{chat.pk}/thumbnail"
    assert (answer.status_code, answer.json()) == (
        200,
        {"url": where, "media_type": "image/png", "width": 60, "height": 40},
    )
    assert rest(sam).get(f"/apis/{chat.pk}").ok()["thumbnail"] == where
    caller = rest(sam)
    got = caller.client.get(where, headers={**caller.headers, "Accept": "image/*"})
    assert (got.status_code, got["Content-Type"], got["X-Content-Type-Options"]) == (200, "image/png", "nosniff")
    assert "sandbox" in got["Content-Security-Policy"]
    assert got.content == bytes(Thumbnail.objects.get().content)
    rest(paul).delete(f"/apis/{chat.pk}/thumbnail").ok(204)
    rest(sam).get(f"/apis/{chat.pk}/thumbnail").refused(404)


def test_rest_takes_a_form_and_judges_its_content(rest: Callable[..., Any], paul: Person, chat: Api) -> None:
    caller = rest(paul)

    def form(content: bytes) -> Any:
        from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

        body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("logo.png", content, "image/png")})
        return send(caller, chat, body, MULTIPART_CONTENT)

    assert form(picture("GIF")).json()["media_type"] == "image/png"
    refused = form(b"a renamed text")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/file")


@pytest.mark.parametrize("what", BAD)
def test_rest_refuses_what_is_no_picture(rest: Callable[..., Any], paul: Person, chat: Api, what: str) -> None:
    caller = rest(paul)
    before = everything()
    answer = send(caller, chat, BAD[what])
    assert answer.status_code == (413 if len(BAD[what]) > BYTES_LIMIT else 400)
    assert answer["Content-Type"] == "application/problem+json"
    assert everything() == before


def test_rest_takes_no_json_and_nothing_from_others(
    rest: Callable[..., Any], paul: Person, pia: Person, sam: Person, chat: Api
) -> None:
    assert send(rest(paul), chat, b"{}", "application/json").status_code == 415
    assert send(rest(pia), chat, png()).status_code == 403
    assert send(rest(sam), chat, png()).status_code == 403
    assert send(rest(), chat, png()).status_code == 401


# On pages ---------------------------------------------------------------------------------------------------------


def upload(person: Person, api: Api, content: bytes, name: str = "logo.png") -> Any:
    return Visit(person).send(at(api, "thumbnail/"), thumbnail=SimpleUploadedFile(name, content))


def test_a_creator_uploads_a_picture_and_developers_see_it(paul: Person, chat: Api) -> None:
    assert '<img class="picture' not in Visit().see("/devportal/").html
    assert upload(paul, chat, png()).status == 302
    shown = Visit().see(page_of(chat))
    address = shown.html.partition('<img class="picture picture-md" src="')[2].partition('"')[0]
    got = Visit().client.get(address)
    assert (got.status_code, got["Content-Type"], got["X-Content-Type-Options"]) == (200, "image/png", "nosniff")
    again = Visit().client.get(address, headers={"If-None-Match": got["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert address in Visit(paul).see(at(chat, "info/")).html
    Visit(paul).do(at(chat, "thumbnail/"), remove="yes")
    assert Visit().client.get(address).status_code == 404


@pytest.mark.parametrize("what", BAD)
def test_the_page_says_what_is_wrong_with_a_file(paul: Person, chat: Api, what: str) -> None:
    shown = upload(paul, chat, BAD[what], "logo.png")
    assert shown.status == 400
    assert shown.beside("thumbnail")
    assert not Thumbnail.objects.exists()


def test_a_form_without_a_file_is_told_so(paul: Person, chat: Api) -> None:
    shown = Visit(paul).send(at(chat, "thumbnail/"))
    assert (shown.status, shown.beside("thumbnail")) == (400, "Choose a file: PNG, JPEG, GIF or WebP.")


def test_who_does_not_design_uploads_nothing(pia: Person, sam: Person, chat: Api) -> None:
    assert upload(pia, chat, png()).status == 403
    assert upload(sam, chat, png()).status == 403
    assert not Thumbnail.objects.exists()


def test_a_picture_is_shown_to_those_who_see_the_api(
    paul: Person, carol: Person, sam: Person, chat: Api, draft: Api
) -> None:
    put(carol, draft, png())
    assert Visit(carol).see(page_of(draft, "thumbnail")).status == 200
    assert Visit(sam).see(page_of(draft, "thumbnail")).status == 404
    assert Visit().see(page_of(draft, "thumbnail")).status == 404
    put(paul, chat, png())
    assert Visit().see(page_of(chat, "thumbnail")).status == 200
    designs.api_update(actor=Actor.of(paul), api=chat, visible_roles=["administrator"])
    assert Visit().see(page_of(chat, "thumbnail")).status == 404
    assert Visit(sam).see(page_of(chat, "thumbnail")).status == 404
