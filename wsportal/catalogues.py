"""Catalogues of translations: what texts there are, and one .po and .mo file for each language. For developers only.

Nothing here needs GNU gettext. Templates are made into Python by Django's `templatize`, which Babel then reads. Rules,
tables and services are pure Python and mark nothing: there, a literal that reads like a sentence is one (`_plain`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from wsportal.catalogues_forms import labels_of_forms
from wsportal.env import ROOT

LOCALE_DIR: Final = ROOT / "locale"
KEYWORDS: Final[dict[str, tuple[int | tuple[int, str], ...] | None]] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "phrase": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Whose unmarked sentences pages show. What only REST or the gateway's own answers say is not here.
PLAIN: Final = (
    "apis/*.py", "apis/checking/*.py", "apis/asyncapi/*.py", "apis/models/*.py", "apis/oauth/*.py",
    "apis/services/*.py", "apis/publisher/*.py", "apis/devportal/*.py", "apis/admin/*.py", "gateway/admin.py",
    "gateway/screens*.py", "gateway/trial*.py", "gateway/live.py", "gateway/subscribers.py", "gateway/statements.py",
    "gateway/simulating.py", "gateway/observing.py", "gateway/commands.py", "gateway/renewal.py",
    "gateway/health_report.py", "gateway/inspecting.py", "wsportal/views.py", "wsportal/settings.py",
)  # fmt: skip
SKIPPED: Final = (
    "apis/services/demo.py", "apis/services/samples.py", "apis/colouring.py", "apis/foreign_tokens.py",
    "apis/key_rings.py", "apis/shapes_key_managers.py", "apis/services/trying_key_managers.py",
    "apis/services/key_managers.py", "apis/services/mapping.py", "apis/services/denying.py",
    "apis/selectors_key_managers.py", "apis/selectors_denying.py",
    "apis/services/sealed.py", "apis/sealing.py", "apis/models/lookups.py", "apis/asyncapi/writing.py",
)  # fmt: skip
# Labels are words, not sentences; they stand in tables with such names, or in calls of these.
_TABLE: Final = re.compile(r"(LABELS|WORDS|TITLES|NAMES_OF|KINDS|MENU|HEADINGS|RULES|STEPS|PARTS|NOTES)$")
_LABELLED: Final = {
    "MenuItem", "Question", "Text", "TextChoices", "_text", "_choice", "Rule", "Line", "HttpResponse", "CharField",
    "ChoiceField", "MultipleChoiceField", "BooleanField", "FileField", "IntegerField", "Kind", "Column", "Page",
}  # fmt: skip
_LABEL_ARGUMENTS: Final = {"label", "title", "text", "button", "heading", "detail", "name"}
_SENTENCE: Final = re.compile(r"[A-Z{][^\n]*[a-z}][^\n]* [^\n]*", re.S)
_LABEL: Final = re.compile(r"[A-Z][\w’'()/ ,.:&-]*[a-z)…?]|[a-z]+(?: [a-z]+)+")
# Words that stand in sentences of others, where no rule above would find them.
_WORDS: Final = (
    "production", "sandbox", "event", "events", "bytes", "seconds of connection time", " sent", " received", "second",
    "minute", "hour", "day", "week", "month", "year", "seconds", "minutes", "hours", "days", "unlimited",
    "Creator", "Publisher", "Subscriber", "Administrator", "handshakes", "seconds of connection",
    # What django-unfold says, and columns of the administration that show a column of the database as it is.
    "Go back", "Type to search", "Light", "Dark", "System", "Choose file to upload", "Select record", "Select action",
    "Select all rows", "Select action to run", "Run", "Choose", "scrollable content", "no role", "every API",
    "what it is about, in words", "what it was done to, in words", "by which way, e.g. a token's name", "Dashboard",
    "Confidential", "Public", "Authorization code", "Introspection", "commercial", "free", "Authorization grant type",
    "needs approval", "Develop", "creator", "publisher", "subscriber", "administrator",
    "when it is spent, the connection is closed with code 4429",
    "when it is spent, messages wait until there is room again",
    "when it is spent, messages are dropped until there is room again",
    "going over a limit is counted but not stopped",
    "needs no subscription",
    "needs approval: an administrator says yes to each subscription first",
)  # fmt: skip
_NOT_FOR_PEOPLE: Final = re.compile(r"^(SELECT|UPDATE|DELETE|INSERT|WITH|BEGIN|SET|CREATE) |[<>]|^[\w.]+$|^[A-Z]+ /")


def languages() -> set[str]:
    """The codes of the languages that have a catalogue."""
    return {path.parent.parent.name for path in LOCALE_DIR.glob("*/LC_MESSAGES/django.po")}


def collected() -> Catalog:
    """Every text that a page may show, with the files where it stands; without translations."""
    catalog = Catalog(charset="utf-8", project="wsportal", fuzzy=False)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if path.relative_to(ROOT / "templates").parts[0] != "rest":
            python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            _add(catalog, path, re.sub(r"^[ \t]+", "", python, flags=re.M))  # indented as HTML is, Python is not
    for folder in ("apis", "gateway", "wsportal"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            _add(catalog, path, path.read_text(encoding="utf-8"))
    for word in _WORDS:
        catalog.add(word, locations=[("apis/models/api.py", 0)])
    for path in _plain_files():
        module = ast.parse(path.read_text(encoding="utf-8"))
        for text in sorted({*plain(module), *(labels_of_forms(module) if _forms_of(path) else ())}):
            if text not in catalog:
                catalog.add(text, locations=[(_name(path), 0)])
    return catalog


def _add(catalog: Catalog, path: Path, source: str) -> None:
    """Put what is marked in one Python source into the catalogue."""
    options = {"encoding": "utf-8"}
    for _, message, comments, context in extract(
        "python", BytesIO(source.encode()), KEYWORDS, ["Translators:"], options
    ):
        known = catalog.get(message[0] if isinstance(message, tuple) else message, context)
        if known and isinstance(message, str) and isinstance(known.id, tuple):
            continue  # its plural stands elsewhere
        catalog.add(message, locations=[(_name(path), 0)], auto_comments=comments, context=context)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _plain_files() -> list[Path]:
    found = {path for pattern in PLAIN for path in ROOT.glob(pattern)}
    return sorted(path for path in found if _name(path) not in SKIPPED)


def _forms_of(path: Path) -> bool:
    return path.is_relative_to(ROOT / "apis/admin") or path == ROOT / "gateway/admin.py"


def plain(module: ast.Module) -> Iterator[str]:
    """Literals of a module that are sentences, or labels in tables; no docstrings, no parts of f-strings."""
    left_out = {id(part) for node in ast.walk(module) for part in _never(node)}
    labels = {id(part) for node in ast.walk(module) for part in _labels(node)}
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in left_out:
            continue
        text = node.value
        if _NOT_FOR_PEOPLE.search(text) and not (id(node) in labels and text.isalpha()):
            continue
        if _SENTENCE.fullmatch(text) or (id(node) in labels and _LABEL.fullmatch(text)):
            yield text


def _never(node: ast.AST) -> Iterator[ast.AST]:
    """What of a node is never said: docstrings, pieces of f-strings, what is marked already, what programs compare."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from ast.walk(node)
    elif isinstance(node, ast.Call) and _called(node) in {
        *KEYWORDS,
        "compile",
        "get_logger",
        "debug",
        "info",
        "warning",
    }:
        yield from node.args[:2]


def _labels(node: ast.AST) -> Iterator[ast.AST]:
    """Constants that are labels: values of tables, members of choices, arguments of what makes fields and questions."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.AST):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and _TABLE.search(target.id) for target in targets):
            yield from _values(node.value)
    elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Tuple):
                yield from statement.value.elts[1:]
    elif isinstance(node, ast.Call) and _called(node) in _LABELLED:
        yield from node.args
    if isinstance(node, ast.Call):
        yield from (one.value for one in node.keywords if one.arg in _LABEL_ARGUMENTS)


def _values(node: ast.AST) -> Iterable[ast.AST]:
    """All constants below a node, but not the keys of its tables."""
    keys = {id(part) for one in ast.walk(node) if isinstance(one, ast.Dict) for part in one.keys}
    return [part for part in ast.walk(node) if isinstance(part, ast.Constant) and id(part) not in keys]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


# Files ------------------------------------------------------------------------------------------------------------


def folder(code: str) -> Path:
    return LOCALE_DIR / code / "LC_MESSAGES"


def merged(code: str, found: Catalog) -> Catalog:
    """A language's catalogue with exactly the texts of `found`: new ones are empty, what nobody says any more is gone.

    Raises:
        ValueError: there is no such language.
    """
    path = folder(code) / "django.po"
    try:
        locale = Locale.parse(code)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"{code} is no language.") from error
    catalog = Catalog(locale=locale, charset="utf-8", project="wsportal", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=locale, charset="utf-8")
    catalog.update(found, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def missing(catalog: Catalog) -> list[Message]:
    """Texts without a translation, or with one that nobody has confirmed."""
    return [one for one in catalog if one.id and (one.fuzzy or not all(_strings(one)))]


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def write(code: str, catalog: Catalog) -> None:
    """Write .po and .mo; equal catalogues make equal bytes, so no dates are in them."""
    folder(code).mkdir(parents=True, exist_ok=True)
    (folder(code) / "django.po").write_bytes(po_bytes(catalog))
    (folder(code) / "django.mo").write_bytes(mo_bytes(catalog))


def po_bytes(catalog: Catalog) -> bytes:
    """The catalogue as people edit it."""
    buffer = BytesIO()
    write_po(buffer, catalog, width=120, sort_output=True, omit_header=False, include_lineno=False)
    return re.sub(
        rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To):.*\n',
        b"",
        buffer.getvalue(),
        flags=re.M,
    )


def mo_bytes(catalog: Catalog) -> bytes:
    """The catalogue as Django reads it."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()
