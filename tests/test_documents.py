"""What README, ARCHITECTURE, CONTRIBUTING and docs/ name is there: a link, a file, a folder, a command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE = ("var/", ".venv")  # while it runs
OUR_OWN = {"up", "test", "serve", "compile"}  # what manage.py itself knows
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@every_page
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@every_page
def test_every_file_and_folder_it_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`([A-Za-z_.][\w./-]*(?:/|\.(?:py|md|toml|html|css|js|in|txt)))`", page.read_text()))
    missing = [name for name in named if not name.startswith(MADE) and not _found(name)]
    assert missing == []


def _found(name: str) -> bool:
    """From the top, or, where the page is about one part, somewhere below it."""
    places = ("docs", "gateway", "apis", "wsportal", "tests", "benchmarks", "templates", "static")
    return (ROOT / name).exists() or any(
        found.as_posix().endswith(f"/{name.rstrip('/')}")
        for place in places
        for found in (ROOT / place).rglob(Path(name).name)
    )


@every_page
def test_every_command_of_manage_py_that_it_names_exists(page: Path) -> None:
    named = set(re.findall(r"manage\.py\s+([a-z_]+)", page.read_text()))
    assert named - OUR_OWN - get_commands().keys() == set()


def test_the_quick_start_is_ten_lines_and_the_first_thing_after_what_it_is() -> None:
    text = (ROOT / "README.md").read_text()
    title, quick, *_ = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.startswith("# wsportal\n")
    assert quick.startswith("Quick start\n")
    assert len(quick.partition("```sh")[2].partition("```")[0].strip().splitlines()) <= 10
    assert "known" in text.lower()
