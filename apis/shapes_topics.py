"""A topic of an API, checked and completed in one place. Pure rules over JSON-like data, as in `apis.shapes`.

A topic is a path below the API at the handshake, never something in a message: literal segments, `{parameters}`, and
`/*` at the end for everything below. Source: CONTRACT section 4, section 2.1 of the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from apis.words import phrase

Problems = dict[str, str]

SECURITIES: Final = ("oauth", "none")
NAME_LIMIT: Final = 200
MAPPING_LIMIT: Final = 500
TOPICS_LIMIT: Final = 100
SCOPES_LIMIT: Final = 20  # in one list of one topic
SCOPE_FIELDS: Final = ("scopes", "subscribe_scopes", "publish_scopes")

# What a topic is where a design does not say; the name has no default.
TOPIC_DEFAULTS: Final[dict[str, Any]] = {
    "subscribe": True,
    "publish": True,
    "url_mapping": "",
    "scopes": [],
    "subscribe_scopes": [],
    "publish_scopes": [],
    "security": "oauth",
    "api_plan": "",
}
TOPIC_FIELDS: Final = ("name", *TOPIC_DEFAULTS)

_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,49})\}")
# A literal segment is compared with what a client's means once it is decoded, so nothing in it is encoded.
_SEGMENT_BANNED: Final = re.compile(r"""[\s%?#\\{}*<>"^`|\[\]\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]""")
_VARIABLE: Final = re.compile(r"\{uri\.var\.([^{}]*)\}")
# RFC 3986 sections 3.3 and 3.4: what a path and a query may hold as it travels.
_PATH: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_QUERY: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_DOTS: Final = re.compile(r"(?:^|/)(?:\.|%2[Ee]){1,2}(?=$|[/;])")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3, scope-token
SCOPE_NAME_LIMIT: Final = 60


def topic_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A topic of a design with every field; a revision made before a field existed has its default."""
    return deepcopy({"name": row["name"], **{key: row.get(key, usual) for key, usual in TOPIC_DEFAULTS.items()}})


def topic_line(topic: Mapping[str, Any]) -> str:
    """A complete topic in one line, for the history: "/news (receive; mapped to /feed; scopes news:read)"."""
    words = [" and ".join(word for word, field in (("receive", "subscribe"), ("send", "publish")) if topic[field])]
    words += [phrase("mapped to {url_mapping}", url_mapping=topic["url_mapping"])] if topic["url_mapping"] else []
    words += ["open to anybody"] if topic["security"] == "none" else []
    words += [phrase("API plan {api_plan}", api_plan=topic["api_plan"])] if topic["api_plan"] else []
    for field, what in (("scopes", "scopes"), ("subscribe_scopes", "to receive"), ("publish_scopes", "to send")):
        words += [f"{what} {' '.join(topic[field])}"] if topic[field] else []
    return f"{topic['name']} ({'; '.join(words)})"


def scopes_named(topics: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every scope that these topics name."""
    return {name for topic in topics for field in SCOPE_FIELDS for name in topic.get(field, ())}


def scope_name_problem(name: str) -> str:
    """The first thing wrong with a scope's name (RFC 6749 section 3.3), or ""."""
    if not name:
        return "Name should not be empty."
    if len(name) > SCOPE_NAME_LIMIT:
        return phrase("Name has exceeded the maximum number of {most} characters.", most=SCOPE_NAME_LIMIT)
    if not _SCOPE.fullmatch(name):
        return 'Name should hold ASCII letters, digits and punctuation only; no spaces, " or \\.'
    return ""


def parameters_of(name: str) -> list[str]:
    """The parameters in a topic's name, in their order."""
    return _PARAMETER.findall(name)


def pattern_of(name: str) -> str:
    """What a topic's name matches, whatever its parameters are called: two topics of one pattern are the same."""
    return _PARAMETER.sub("{}", name)


def normal_path(text: str) -> str:
    """A name or a mapping with its leading slash; nothing else is mended."""
    return text if not text or text.startswith("/") else "/" + text


def topic_name_problem(name: str) -> str:
    """The first thing wrong with a topic's name such as "/rooms/{roomID}", or ""."""
    if not name:
        return "Name should not be empty."
    if len(name) > NAME_LIMIT:
        return phrase("Name has exceeded the maximum number of {most} characters.", most=NAME_LIMIT)
    if name == "/":
        return ""
    *first, last = name.split("/")[1:]
    for segment in [*first, *([] if last == "*" else [last])]:
        if problem := _segment_problem(segment):
            return problem
    given = parameters_of(name)
    return "A parameter is named twice." if len(set(given)) < len(given) else ""


def _segment_problem(segment: str) -> str:
    if not segment:
        return "Name should not have empty segments (//), nor end in a slash."
    if _PARAMETER.fullmatch(segment):
        return ""
    if "{" in segment or "}" in segment:
        return "A parameter is a whole segment: {name}, of letters, digits and _."
    if "*" in segment:
        return "* stands for everything below, so it can only be the whole last segment: /rooms/*"
    if _SEGMENT_BANNED.search(segment):
        return 'Name should not contain spaces, control characters, nor any of % ? # \\ < > " ^ ` | [ ].'
    if _DOTS.search(segment):
        return "Name should not have dot segments."
    return ""


def mapping_problem(mapping: str, name: str) -> str:
    """The first thing wrong with the URL mapping of the topic `name`, such as "/rooms?room={uri.var.roomID}", or "".

    It stands behind the endpoint's own path. `/*` at the end of its path takes what the topic's own `/*` matched.
    """
    if not mapping:
        return ""
    if len(mapping) > MAPPING_LIMIT:
        return phrase("URL mapping has exceeded the maximum number of {most} characters.", most=MAPPING_LIMIT)
    known = parameters_of(name)
    for variable in _VARIABLE.findall(mapping):
        if variable not in known:
            return phrase(
                "{{uri.var.{variable}}} is no parameter of this topic{one_of}.",
                variable=variable,
                one_of=_one_of(known),
            )
    path, _, query = _VARIABLE.sub("x", mapping).partition("?")
    if "{" in path + query or "}" in path + query:
        return "A parameter of the topic is written {uri.var.name} here."
    path, below, _ = path.rpartition("/*") if path.endswith("/*") else (path, "", "")
    if below and not name.endswith("/*"):
        return "/* at the end needs a topic that ends in /*, too."
    if "*" in path or not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return "URL mapping should be a path, maybe with a query, without spaces, # and special characters."
    if "//" in path or _DOTS.search(path):
        return "URL mapping should have neither empty segments (//) nor dot segments."
    return ""


def _one_of(known: Sequence[str]) -> str:
    return f"; it has {', '.join(known)}" if known else ""


def topics(value: Any, scopes: Iterable[str], api_plans: Iterable[str] = ()) -> tuple[list[dict[str, Any]], Problems]:
    """Complete and check all topics of an API.

    Args:
        value: a list of topics; only the name must be given, see TOPIC_DEFAULTS for the rest.
        scopes: the names of scopes that the API's topics may name.
        api_plans: the names of the API plans that there are.

    Returns:
        The topics with every key present, in the order given, and the problems (empty when they are valid).
    """
    if not isinstance(value, list) or not 1 <= len(value) <= TOPICS_LIMIT:
        return [], {"": phrase("This should be a list of 1 to {most} topics.", most=TOPICS_LIMIT)}
    known, plans, problems = set(scopes), set(api_plans), {}
    done: list[dict[str, Any]] = []
    taken: dict[str, str] = {}
    for index, item in enumerate(value):
        topic, wrong = _topic(item, known, plans)
        problems.update({f"{index}/{field}" if field else f"{index}": text for field, text in wrong.items()})
        if topic is None or "name" in wrong:
            continue
        done.append(topic)
        pattern = pattern_of(topic["name"])
        if pattern in taken:
            problems[f"{index}/name"] = phrase("This takes the same paths as {taken}.", taken=taken[pattern])
        taken.setdefault(pattern, topic["name"])
    return done, problems


def _topic(item: Any, known: set[str], plans: set[str]) -> tuple[dict[str, Any] | None, Problems]:
    if not isinstance(item, dict):
        return None, {"": "This should be an object."}
    problems = {
        str(name): phrase("This field is not known here; known are {known}.", known=", ".join(TOPIC_FIELDS))
        for name in item.keys() - set(TOPIC_FIELDS)
    }
    if not isinstance(item.get("name"), str):
        return None, {**problems, "name": "This should be a text."}
    topic = topic_of(item)
    topic["name"] = normal_path(topic["name"])
    problems |= {"name": topic_name_problem(topic["name"]), **_directions_problems(topic)}
    if isinstance(topic["url_mapping"], str):
        topic["url_mapping"] = normal_path(topic["url_mapping"])
        problems["url_mapping"] = "" if problems["name"] else mapping_problem(topic["url_mapping"], topic["name"])
    else:
        problems["url_mapping"] = "This should be a text."
    problems |= _security_problems(topic, known)
    plan = topic["api_plan"]
    if not isinstance(plan, str) or (plan and plan not in plans):
        problems["api_plan"] = phrase("There is no API plan named {plan}.", plan=str(plan)[:50])
    return topic, {field: text for field, text in problems.items() if text}


def _directions_problems(topic: Mapping[str, Any]) -> Problems:
    flags = ("subscribe", "publish")
    problems = {field: "" if isinstance(topic[field], bool) else "This should be true or false." for field in flags}
    if topic["subscribe"] is topic["publish"] is False:
        problems["subscribe"] = "Clients should be able to receive (subscribe), to send (publish), or both."
    return problems


def _security_problems(topic: Mapping[str, Any], known: set[str]) -> Problems:
    problems = {field: _scopes_problem(topic[field], known) for field in SCOPE_FIELDS}
    if not isinstance(topic["security"], str) or topic["security"] not in SECURITIES:
        problems["security"] = phrase("This should be one of: {known}.", known=", ".join(SECURITIES))
    elif topic["security"] == "none":
        for field in SCOPE_FIELDS:
            if topic[field] and not problems[field]:
                problems[field] = "A topic without security asks nobody for scopes."
    return problems


def _scopes_problem(value: Any, known: set[str]) -> str:
    if not isinstance(value, list) or any(not isinstance(name, str) for name in value):
        return "This should be a list of names of scopes."
    if len(value) > SCOPES_LIMIT or len(set(value)) < len(value):
        return phrase("This should be a list of at most {most} different scopes.", most=SCOPES_LIMIT)
    unknown = next((name for name in value if name not in known), None)
    return (
        ""
        if unknown is None
        else phrase("There is no scope named {unknown} for this API.", unknown=unknown[:SCOPE_NAME_LIMIT])
    )
