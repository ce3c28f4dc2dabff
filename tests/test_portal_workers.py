"""Several portal processes on one port, restarted while people read; their certificate is renewed meanwhile."""

from __future__ import annotations

import secrets
import shutil
import signal
import ssl
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.starts import Start, eventually, free_offset, is_free
from wsportal.certificates import KeyPairFiles, self_signed
from wsportal.env import Ports

Serve = Callable[..., Start]


@pytest.fixture
def offset() -> int:
    return free_offset()


@pytest.fixture
def pair(tmp_path: Path) -> KeyPairFiles:
    (tmp_path / "old").mkdir()
    made = self_signed(tmp_path / "old")
    return KeyPairFiles(
        Path(shutil.copy(made.cert, tmp_path / "live.crt")), Path(shutil.copy(made.key, tmp_path / "live.key"))
    )


@pytest.fixture
def serve(tmp_path: Path, pair: KeyPairFiles, offset: int) -> Iterator[Serve]:
    """Starts `serve portal` on a migrated database."""
    facts = {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": f"sqlite:///{tmp_path}/production.sqlite3",
        "VAR_DIR": str(tmp_path),
        "PORTAL_TLS_CERT": str(pair.cert),
        "PORTAL_TLS_KEY": str(pair.key),
        "PORTAL_URL": f"http://localhost:{Ports.shifted(offset).portal}",
    }
    assert Start("migrate", "--verbosity", "0", **facts).ended() == 0
    started: list[Start] = []

    def begin(*options: str) -> Start:
        start = Start("serve", "portal", "--port-offset", str(offset), *options, **facts)
        started.append(start)
        start.until('"listening"')
        return start

    yield begin
    for start in started:
        if start.process.poll() is None:
            assert start.stop(signal.SIGTERM, 30) == 0
        start.kill()


def children(start: Start) -> set[int]:
    found = Path(f"/proc/{start.process.pid}/task/{start.process.pid}/children").read_text().split()
    return {int(pid) for pid in found}


class Reader(threading.Thread):
    """Somebody who opens a page again and again, each time by a new connection."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.enough = threading.Event()
        self.answers: Counter[object] = Counter()

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                with urllib.request.urlopen(self.url, timeout=30) as answer:
                    answer.read()
                    self.answers[answer.status] += 1
            except OSError as error:
                self.answers[repr(error)] += 1

    def stop(self) -> Counter[object]:
        self.enough.set()
        self.join(30)
        return self.answers


def test_portal_workers_are_restarted_one_by_one_and_nobody_is_turned_away(serve: Serve, offset: int) -> None:
    start = serve("--workers", "2")
    before = children(start)
    assert len(before) == 2
    reader = Reader(f"http://127.0.0.1:{Ports.shifted(offset).portal}/login")
    reader.start()
    eventually(lambda: reader.answers.total() > 3, "read", 30)
    start.process.send_signal(signal.SIGHUP)
    start.until("rolling_restart_done")
    eventually(lambda: not children(start) & before, "replaced", 60)
    seen = reader.answers.total()
    eventually(lambda: reader.answers.total() > seen + 3, "read on", 30)
    assert set(reader.stop()) == {200}
    assert start.stop(signal.SIGTERM, 30) == 0
    assert is_free(Ports.shifted(offset).portal)


def test_a_portal_takes_up_a_new_certificate_and_keeps_the_old_one_where_the_new_one_is_wrong(
    serve: Serve, pair: KeyPairFiles, tmp_path: Path, offset: int
) -> None:
    start = serve()
    port = Ports.shifted(offset).portal_tls

    def shown() -> bytes:
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=10))

    old = ssl.PEM_cert_to_DER_cert(pair.cert.read_text())
    assert shown() == old
    (tmp_path / "new").mkdir()
    new = self_signed(tmp_path / "new")
    shutil.copy(new.cert, pair.cert)  # without its key
    start.process.send_signal(signal.SIGHUP)
    start.until("certificate_kept")
    assert shown() == old
    shutil.copy(new.key, pair.key)
    start.process.send_signal(signal.SIGHUP)
    start.until("certificate_renewed")
    assert shown() == ssl.PEM_cert_to_DER_cert(new.cert.read_text())
