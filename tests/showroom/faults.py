"""What axe finds on a page: serious and critical faults, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

GRAVE: Final = ("serious", "critical")
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1280, "height": 900}
COLOURS: Final = ["color-contrast", "link-in-text-block"]
OTHERS: Final = ["#swagger-ui"]
"""What is not ours to mend: Swagger UI draws its colours and rows by itself, and both have grave faults (contrast; a
button within a button). The page around it is looked at, and leads to all of it as text (`/api/v1/schema`)."""
_RUN: Final = """async ([include, exclude, rules, without]) => {
  const options = {resultTypes: ["violations"], ...(rules ? {runOnly: {type: "rule", values: rules}} : {}),
                   rules: Object.fromEntries(without.map(name => [name, {enabled: false}]))};
  return (await axe.run({include: [[include]], exclude: exclude.map(one => [one])}, options)).violations;
}"""


@cache
def _engine() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def look(page: Page, include: str = "html") -> list[str]:
    """Look at the page that is open: in light and dark on a desk, and on a phone. The page is reloaded by nobody.

    The script of axe is evaluated by the debugger, which the page's content security policy does not bind.

    Args:
        include: CSS selector of what is looked at.

    Returns: "light: rule: selector: what is the matter" of each serious or critical fault.
    """
    page.evaluate(_engine())
    found = []
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    for theme, rules in (("light", None), ("dark", COLOURS)):
        _wear(page, theme)
        found += [f"{theme}: {line}" for line in _grave(page, include, rules)]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    _wear(page, "light")
    found += [f"phone: {line}" for line in _grave(page, include, None, without=COLOURS)]
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
        found.append(f"phone: the page is {wide} px wide and has to be moved sideways")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return list(dict.fromkeys(found))


def _wear(page: Page, theme: str) -> None:
    """Both ways of saying it: the portals' attribute and the administration's class."""
    page.evaluate(
        "theme => { const root = document.documentElement; root.dataset.bsTheme = theme;"
        " root.classList.toggle('dark', theme === 'dark');"
        " return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }",
        theme,
    )


def _grave(page: Page, include: str, rules: list[str] | None, without: Sequence[str] = ()) -> Iterator[str]:
    violations: list[dict[str, Any]] = page.evaluate(_RUN, [include, OTHERS, rules, list(without)])
    for fault in violations:
        if fault["impact"] in GRAVE:
            for node in fault["nodes"]:
                yield f"{fault['id']}: {' '.join(map(str, node['target']))}: {_why(node)}"


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return str(checks[0]["message"]) if checks else str(node["html"])
