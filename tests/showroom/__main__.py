"""Takes a picture of every page: `python3 manage.py screenshots` runs this in the development environment."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.showroom import pages
from tests.showroom.server import Showroom, showroom

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
)
HEIGHT: Final = 900


def main(arguments: list[str]) -> int:
    """Returns: the exit code."""
    options = _options(arguments)
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        sys.stderr.write(f"No browser found ({', '.join(BROWSERS)}). Debian and Ubuntu: apt-get install chromium\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with showroom(options.port) as room, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        for area in options.area or pages.AREAS:
            taken = _take(browser, room, area, options)
            sys.stdout.write(f"{area}: {taken} pictures in {options.out / area}\n")
        browser.close()
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/screenshots"), help="folder for the pictures")
    parser.add_argument("--lang", default="en", help="language of the pages, e.g. de")
    parser.add_argument("--dark", action="store_true", help="dark instead of light")
    parser.add_argument("--width", type=int, default=1280, help="of the window, in CSS pixels")
    parser.add_argument(
        "--port", type=int, default=0, help="where the pages are served meanwhile; any free one by default"
    )
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("area", nargs="*", help=f"of {', '.join(pages.AREAS)}; all by default")
    options = parser.parse_args(arguments)
    if unknown := set(options.area) - set(pages.AREAS):
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    return options


def window(browser: Browser, room: Showroom, options: argparse.Namespace) -> BrowserContext:
    """A browser session that looks as the options say."""
    context = browser.new_context(
        base_url=room.home,
        viewport={"width": options.width, "height": HEIGHT},
        locale=options.lang,
        color_scheme="dark" if options.dark else "light",
        reduced_motion="reduce",
    )
    return context


def _take(browser: Browser, room: Showroom, area: str, options: argparse.Namespace) -> int:
    context = window(browser, room, options)
    page = context.new_page()
    if who := pages.WHO[area]:
        pages.sign_in(page, who)
    folder = options.out / area
    folder.mkdir(exist_ok=True)
    taken = 0
    for seen in pages.pages(area, context, room):
        if options.only not in seen.name:
            continue
        page.goto(seen.path, wait_until="networkidle")
        page.screenshot(path=folder / f"{seen.name}.png", full_page=True)
        taken += 1
    context.close()
    return taken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
