"""Bodies that nobody asked for: refused before they fill a disk, by a portal as production starts it."""

from __future__ import annotations

import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.starts import Start, free_offset
from wsportal.bodies import BODY_LIMIT
from wsportal.env import Ports


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    offset = free_offset()
    port = Ports.shifted(offset).portal
    facts = {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": f"sqlite:///{tmp_path}/production.sqlite3",
        "VAR_DIR": str(tmp_path),
        "PORTAL_URL": f"http://localhost:{port}",
    }
    assert Start("migrate", "--verbosity", "0", **facts).ended() == 0
    start = Start("serve", "portal", "--port-offset", str(offset), **facts)
    start.until('"listening"')
    yield port
    assert start.stop(signal.SIGTERM, 30) == 0


def answer(port: int, headers: str, *pieces: bytes) -> tuple[int, int]:
    """The status of a POST to the sign-in page, and how many bytes of body could be sent."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall(f"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n\r\n".encode())
        with suppress(ConnectionError):
            for piece in pieces:
                link.sendall(piece)
                sent += len(piece)
        said = b""
        with suppress(ConnectionError):
            while b"\r\n\r\n" not in said and (more := link.recv(65536)):
                said += more
    return int(said.split(b" ", 2)[1]) if said else 0, sent


def test_a_body_is_refused_by_what_it_says_and_by_what_comes(port: int) -> None:
    plain = "Content-Type: application/x-www-form-urlencoded\r\n"
    assert answer(port, f"{plain}Content-Length: {10 << 30}") == (413, 0)
    assert answer(port, f"{plain}Content-Length: {BODY_LIMIT + 1}")[0] == 413
    assert answer(port, f"{plain}Content-Length: 3", b"a=b")[0] == 403  # without the token of a form
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    status, sent = answer(port, f"{plain}Transfer-Encoding: chunked", *[chunk] * 200)
    assert status in {0, 413}  # 0: what was still under way made the kernel forget the answer
    assert sent < len(chunk) * 200
    assert answer(port, f"{plain}Content-Length: 3", b"a=b")[0] == 403


@pytest.mark.parametrize(
    ("accept", "kind", "says"),
    [
        ("text/html,application/xhtml+xml", b"text/html", b"This is too large"),
        ("text/html\r\nAccept-Language: de-DE,de;q=0.9", b"text/html", "Das ist zu groß".encode()),
        ("text/html\r\nAccept-Language: de\r\nCookie: wsportal_language=en", b"text/html", b"This is too large"),
        ("*/*\r\nAccept-Language: de", b"application/problem+json", b'"code":"too_large"'),
    ],
    ids=["browser", "German browser", "German browser of who chose English", "program"],
)
def test_a_browser_is_told_on_a_page_in_its_language_and_a_program_in_a_problem_document(
    port: int, accept: str, kind: bytes, says: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        head = f"POST /api/v1/apis HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n"
        link.sendall(f"{head}Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode())
        said = b""
        while more := link.recv(65536):
            said += more
    head_of_answer, _, body = said.partition(b"\r\n\r\n")
    assert head_of_answer.startswith(b"HTTP/1.1 413 ")
    assert kind in head_of_answer
    assert f"Content-Length: {len(body)}".encode() in head_of_answer
    assert says in body
