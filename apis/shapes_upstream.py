"""How an upstream is reached besides its URLs: own headers, TLS, a proxy, and where a handshake may choose.

Pure rules over JSON-like data, like `apis.shapes`: each `(value, address_problem) -> (normal form, problems)`, with
paths such as "server_name".
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from apis.pem import certificates_problem
from apis.shapes import Problems, flag, pointer, section
from apis.shapes_upstream_security import (
    HEADER_NAME_LIMIT,
    TEXT_LIMIT,
    TOKEN,
    AddressProblem,
    Check,
    header_name_problem,
    header_value_problem,
    one_of,
    text,
    user_name,
)
from apis.validators import endpoint_problem, host_problem, url_problem
from apis.words import phrase

HEADERS_LIMIT: Final = 32
TARGETS_LIMIT: Final = 50
EXCEPTIONS_LIMIT: Final = 50
CHOSEN_BY: Final = ("none", "header", "claim")
DEFAULT_TLS: Final[dict[str, Any]] = {"verify": True, "ca": "", "server_name": ""}
DEFAULT_PROXY: Final[dict[str, Any]] = {"url": "", "username": "", "password": "", "except": []}
DEFAULT_DYNAMIC: Final[dict[str, Any]] = {"by": "none", "name": "", "targets": {}}


def upstream_headers(value: Any, address_problem: AddressProblem) -> tuple[dict[str, str], Problems]:
    """Check the API's own headers: {"X-Name": "value"}. They take the place of the client's of the same name."""
    if not isinstance(value, dict) or len(value) > HEADERS_LIMIT:
        return {}, {"": phrase("This should be an object of at most {most} names and values.", most=HEADERS_LIMIT)}
    problems: Problems = {}
    for name, content in value.items():
        if problem := header_name_problem(name) or _secret_header(name) or header_value_problem(content):
            problems[pointer(name)] = problem
    names = [name.lower() for name in value]
    twice = next((name for name in value if names.count(name.lower()) > 1), None)
    if twice is not None and not problems:
        problems[pointer(twice)] = "This header is named twice."
    return dict(value), problems


def _secret_header(name: str) -> str:
    if name.lower() == "authorization":  # headers are shown to whoever sees the design
        return "Authorization is set by the security of the endpoint, which keeps it secret."
    return ""


def _server_name(value: Any) -> str:
    return text(253)(value) or (host_problem(value) if value else "")


def upstream_tls(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    """Complete and check {"verify", "ca", "server_name"}: `ca` is PEM that is trusted in the place of the system's
    authorities, `server_name` what is asked for (SNI) and looked for in the certificate, "" for the URL's host."""
    checks: dict[str, Check] = {
        "verify": flag,
        "ca": lambda value: certificates_problem(value) if value != "" else "",
        "server_name": _server_name,
    }
    return section(value, DEFAULT_TLS, checks)


def _exception_problem(host: str) -> str:
    try:
        ipaddress.ip_network(host, strict=False)
    except ValueError:
        if re.search(r"[/:]|^\*[^.]", host) or host_problem(host.removeprefix("*").removeprefix(".")):
            return phrase("{host!r} is neither a host, a *.domain, an address nor a network.", host=host)
    return ""


def _exceptions(value: Any) -> str:
    if not isinstance(value, list) or len(value) > EXCEPTIONS_LIMIT or any(not isinstance(one, str) for one in value):
        return phrase("This should be a list of at most {most} hosts.", most=EXCEPTIONS_LIMIT)
    return next((problem for one in value if (problem := _exception_problem(one))), "")


def _proxy_url(value: Any) -> str:
    if not isinstance(value, str):
        return "This should be a text."
    if not value:
        return ""
    if problem := url_problem(value, ("http",), "Proxy", "proxy URL"):
        return problem
    bare = re.fullmatch(r"http://[^/?]+/?", value)
    return "" if bare else "Invalid proxy URL: http://host:port, without a path."


def upstream_proxy(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    """Complete and check {"url", "username", "password", "except"}: an HTTP CONNECT proxy, "" for none.

    `except` lists what is dialled directly: a host, `*.domain` or `.domain` for all below it, an address, a network.
    """
    checks: dict[str, Check] = {
        "url": _proxy_url,
        "username": lambda given: user_name(given) if given != "" else "",
        "password": text(),
        "except": _exceptions,
    }
    full, problems = section(value, DEFAULT_PROXY, checks)
    if not problems and full["url"] and (problem := address_problem(full["url"])):
        problems["url"] = problem
    if not problems and full["password"] and not full["username"]:
        problems["username"] = "A password needs a user name."
    return full, problems


def upstream_dynamic(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    """Complete and check {"by", "name", "targets"}: a header of the handshake, or a claim of the credential, chooses
    the upstream out of a table; what is not in it goes where the endpoint's URLs say."""
    checks: dict[str, Check] = {"by": one_of(CHOSEN_BY), "name": text(HEADER_NAME_LIMIT), "targets": lambda given: ""}
    full, problems = section(value, DEFAULT_DYNAMIC, checks)
    if problems:
        return full, problems
    targets = full["targets"]
    if not isinstance(targets, dict) or len(targets) > TARGETS_LIMIT:
        return full, {
            "targets": phrase("This should be an object of at most {most} values, each with a URL.", most=TARGETS_LIMIT)
        }
    for key, url in targets.items():
        if not isinstance(url, str) or (problem := _target_problem(key, url, address_problem)):
            problems[f"targets/{pointer(key)}"] = problem if isinstance(url, str) else "This should be a URL."
    if full["by"] == "none":
        return full, problems
    if not full["name"] or (full["by"] == "header" and not TOKEN.fullmatch(full["name"])):
        problems["name"] = phrase("This should be the name of a {by}.", by=full["by"])
    if not targets:
        problems["targets"] = "At least one value with a URL is needed."
    return full, problems


def _target_problem(key: str, url: str, address_problem: AddressProblem) -> str:
    problem = text(required=True)(key)
    if problem or key != key.strip():
        return phrase("A value to choose by is 1 to {most} characters without spaces around it.", most=TEXT_LIMIT)
    return endpoint_problem(url) or address_problem(url)
