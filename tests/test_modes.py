"""Which mode a process gets that nobody gave one, such as `daphne wsportal.asgi:application`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def mode_of(var_dir: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """What wsportal.env says in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in {"WSPORTAL_MODE", "DJANGO_SECRET_KEY"}}
    return subprocess.run(
        [sys.executable, "-c", "from wsportal import env; print(env.MODE)"],
        cwd=ROOT,
        env={**kept, "VAR_DIR": str(var_dir), **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_key_and_without_a_tried_out_folder_nothing_starts(tmp_path: Path) -> None:
    refused = mode_of(tmp_path)
    assert refused.returncode != 0
    assert "DJANGO_SECRET_KEY is not set" in refused.stderr


def test_where_up_was_tried_its_data_is_served_on(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("made at the first start, kept by its owner, long enough")
    assert mode_of(tmp_path).stdout.strip() == "up"


def test_an_operators_own_key_means_production_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("made at the first start, kept by its owner, long enough")
    assert (
        mode_of(tmp_path, DJANGO_SECRET_KEY="an operator's own key, which nobody else has: 0123456789").stdout.strip()
        == "serve"
    )


def test_a_key_for_stored_secrets_that_is_too_short_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("made at the first start, kept by its owner, long enough")
    refused = mode_of(tmp_path, ENCRYPTION_KEYS=f"{'n' * 32}, open sesame")
    assert refused.returncode != 0
    assert "ENCRYPTION_KEYS should be keys of at least 32 characters" in refused.stderr
    assert "sesame" not in refused.stderr
    assert mode_of(tmp_path, ENCRYPTION_KEYS=f"{'n' * 32}, {'o' * 40}").stdout.strip() == "up"
