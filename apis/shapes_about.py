"""What is said about an API beside its design: owners, properties, who sees it. Checks, no database.

Source: sections 1.6 and 4.2 of the reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apis.validators import text_problem
from apis.words import phrase

OWNERS: Final = {
    "business_owner": "Business owner",
    "business_owner_email": "E-mail of the business owner",
    "technical_owner": "Technical owner",
    "technical_owner_email": "E-mail of the technical owner",
}
OWNER_LIMIT: Final = 120
EMAIL_LIMIT: Final = 254  # RFC 5321 section 4.5.3.1
# RFC 5322 dot-atom before the @ (at most 64, RFC 5321 section 4.5.3.1.1), a name of a host behind it.
_EMAIL: Final = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
PROPERTIES_LIMIT: Final = 50
PROPERTY_NAME_LIMIT: Final = 80
PROPERTY_VALUE_LIMIT: Final = 900
PROPERTY_FIELDS: Final = ("name", "value", "show_in_devportal")


def no_owners() -> dict[str, str]:
    """Business information of an API about which nobody said anything."""
    return dict.fromkeys(OWNERS, "")


def business(value: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Check who stands behind an API.

    Args:
        value: any of OWNERS, each a text; what is left out is empty.

    Returns: the complete object, and what is wrong with it by name ("" for the whole).
    """
    if not isinstance(value, dict):
        return no_owners(), {"": "This should be an object."}
    problems = dict.fromkeys(value.keys() - OWNERS.keys(), "This field is not known here.")
    for name in value.keys() & OWNERS.keys():
        if problem := _owner_problem(name, value[name]):
            problems[name] = problem
    return no_owners() | {name: value[name] for name in OWNERS if name in value}, problems


def _owner_problem(name: str, text: Any) -> str:
    if not isinstance(text, str):
        return "This should be a text."
    if not name.endswith("_email"):
        return text_problem(text, OWNER_LIMIT, OWNERS[name]) or _line_problem(text)
    if not text:
        return ""
    if len(text) > EMAIL_LIMIT:
        return phrase("An e-mail address has at most {most} characters.", most=EMAIL_LIMIT)
    return "" if _EMAIL.fullmatch(text) else "This should be an e-mail address, such as jo@example.com."


def _line_problem(text: str) -> str:
    return "This should be a single line." if set(text) & set("\r\n\t") else ""


def properties(value: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Check an API's properties: a list of {"name", "value", "show_in_devportal"}.

    Returns: the list with every field, and what is wrong by `<position>/<field>` ("" for the whole).
    """
    if not isinstance(value, list):
        return [], {"": "This should be a list."}
    if len(value) > PROPERTIES_LIMIT:
        return [], {"": phrase("An API has at most {most} properties.", most=PROPERTIES_LIMIT)}
    rows: list[dict[str, Any]] = []
    problems: dict[str, str] = {}
    for position, item in enumerate(value):
        row, wrong = _property(item)
        if not wrong and any(row["name"].lower() == other["name"].lower() for other in rows):
            wrong = {"name": phrase("Property {name} is given twice.", name=row["name"])}
        rows.append(row)
        problems |= {f"{position}/{field}" if field else str(position): text for field, text in wrong.items()}
    return rows, problems


def _property(item: Any) -> tuple[dict[str, Any], dict[str, str]]:
    full: dict[str, Any] = {"name": "", "value": "", "show_in_devportal": False}
    if not isinstance(item, Mapping):
        return full, {"": "This should be an object with name, value and show_in_devportal."}
    full |= item
    problems = dict.fromkeys(full.keys() - set(PROPERTY_FIELDS), "This field is not known here.")
    name, text = full["name"], full["value"]
    if not isinstance(full["show_in_devportal"], bool):
        problems["show_in_devportal"] = "This should be true or false."
    if not isinstance(text, str):
        problems["value"] = "This should be a text."
    elif problem := text_problem(text, PROPERTY_VALUE_LIMIT, "Value"):
        problems["value"] = problem
    if not isinstance(name, str):
        problems["name"] = "This should be a text."
    elif problem := _property_name_problem(name):
        problems["name"] = problem
    return full, problems


def _property_name_problem(name: str) -> str:
    if not name or name != name.strip():
        return "A property needs a name without leading or trailing spaces."
    return text_problem(name, PROPERTY_NAME_LIMIT, "Name") or _line_problem(name)


def names_problem(value: Any, known: Sequence[str], one: str, many: str) -> str:
    """What is wrong with a list of names out of `known`, or "". Unknown names are named.

    Args:
        one, many: what they are, in words: "role", "roles".
    """
    if not isinstance(value, list) or any(not isinstance(name, str) for name in value):
        return phrase("This should be a list of names of {many}.", many=many)
    if unknown := [name for name in dict.fromkeys(value) if name not in known]:
        shown = ", ".join(name[:60] for name in unknown[:5])
        return phrase(
            "Unknown {many}: {shown}. Known are: {known}.",
            many=many if len(unknown) > 1 else one,
            shown=shown,
            known=", ".join(known) or "none",
        )
    return phrase("A {one} is named twice.", one=one) if len(set(value)) < len(value) else ""
