"""The environment of this process, read once, typed and checked. Nothing else reads `os.environ`.

Settings and commands take their values from here, so a wrong value is one sentence at start
(`ConfigurationError`) and never a surprise later. An empty variable counts as unset. The variables
themselves are CONTRACT sections 2 and 8; the table is in README.md.

What a mode means:

* `up`: one person trying wsportal on one machine; everything missing is made and kept in `VAR_DIR`.
* `test`: the test suite; like `up`, but nothing is kept.
* `serve`: production; nothing is made up, and what is missing is refused. This is also what a process
  gets that nobody gave a mode (`daphne wsportal.asgi:application`), since it is the strict one; only where
  `up` has left its own key in `VAR_DIR` and no other is given, such a process goes on with that data.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from gateway.core.proxies import FORWARDED, X_FORWARDED_FOR
from wsportal.engines import postgresql, sqlite
from wsportal.env_values import base_url, boolean, networks, one_of, whole_number

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parent.parent
MODES: Final = ("up", "serve", "test")
SECRET_KEY_LENGTH: Final = 50  # what Django's own check security.W009 asks for


def for_children(**changes: str) -> dict[str, str]:
    """This process's environment for one that it starts, with some variables changed."""
    return {**os.environ, **changes}


class ConfigurationError(ImproperlyConfigured):
    """A variable is missing or wrong; the message is one sentence for the person who starts wsportal."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Every TCP port of CONTRACT section 2, `PORT_OFFSET` already added."""

    portal_tls: int
    portal: int
    gateway: int
    gateway_tls: int
    demo: int

    @classmethod
    def shifted(cls, offset: int) -> Ports:
        """The ports of the contract, each `offset` higher."""
        return cls(9443 + offset, 9763 + offset, 9099 + offset, 8099 + offset, 9998 + offset)


_environ = environ.Env()


def _value(name: str, default: str = "") -> str:
    """The variable without surrounding space; unset and empty are the same."""
    return str(_environ.str(name, default="")).strip() or default


def _parsed(name: str, default: str, parse: Callable[[str], T], expected: str) -> T:
    value = _value(name, default)
    try:
        return parse(value)
    except ValueError:
        raise ConfigurationError(f"{name} is {value!r}; expected {expected}.") from None


def _mode(value: str) -> str:
    if value == "manage":  # any other command of manage.py: it works on whatever is set up here
        return "serve" if _value("DJANGO_SECRET_KEY") else "up"
    if value not in MODES:
        raise ValueError(value)
    return value


def _file(name: str) -> Path | None:
    value = _value(name)
    if not value:
        return None
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ConfigurationError(f"{name} names {value}, which is not a readable file.")
    return path


def _tls_pair(prefix: str) -> tuple[Path | None, Path | None]:
    cert, key = _file(f"{prefix}_TLS_CERT"), _file(f"{prefix}_TLS_KEY")
    if (cert is None) != (key is None):
        raise ConfigurationError(f"{prefix}_TLS_CERT and {prefix}_TLS_KEY belong together; only one of them is set.")
    return cert, key


def writable_var_dir() -> Path:
    """`VAR_DIR`, made if it is missing.

    Raises: ConfigurationError when it cannot be made or written.
    """
    try:
        VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=VAR_DIR):
            return VAR_DIR
    except OSError as error:
        raise ConfigurationError(
            f"{VAR_DIR} cannot be written ({error.strerror}); wsportal keeps its data there. "
            "Make it writable or name another folder in VAR_DIR."
        ) from None


def _kept_secret(path: Path) -> str:
    """The secret in `path`, made at the first start, readable by its owner only.

    It is written apart and linked into place, so of two processes starting at once both read one secret.
    """
    if not path.exists():
        descriptor, name = tempfile.mkstemp(dir=writable_var_dir())  # mkstemp gives mode 0600
        with os.fdopen(descriptor, "w", encoding="ascii") as draft:
            draft.write(secrets.token_urlsafe(SECRET_KEY_LENGTH))
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(name)
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from None


def _secret_key() -> str:
    given = _value("DJANGO_SECRET_KEY")
    if MODE == "serve":
        hint = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
        if not given:
            raise ConfigurationError(f"DJANGO_SECRET_KEY is not set; production needs its own. {hint}")
        if len(given) < SECRET_KEY_LENGTH or len(set(given)) < 5 or given.startswith("django-insecure"):
            raise ConfigurationError(
                f"DJANGO_SECRET_KEY is a default or too weak (at least {SECRET_KEY_LENGTH} characters). {hint}"
            )
    if given:
        return given
    return secrets.token_urlsafe(SECRET_KEY_LENGTH) if MODE == "test" else _kept_secret(VAR_DIR / "secret_key")


def _encryption_keys() -> tuple[str, ...]:
    keys = tuple(word.strip() for word in _value("ENCRYPTION_KEYS").split(",") if word.strip())
    if all(len(key) >= 32 for key in keys):
        return keys
    raise ConfigurationError("ENCRYPTION_KEYS should be keys of at least 32 characters each, the newest first.")


def _sqlite(database: dict[str, Any]) -> dict[str, Any]:
    sqlite(database, durable=MODE != "test")
    if MODE == "test":
        # A file, not memory: server threads and processes of a test see the same rows. The process id
        # keeps parallel runs apart.
        database["TEST"] = {"NAME": str(writable_var_dir() / f"test-{os.getpid()}.sqlite3")}
    elif database["NAME"] == str(VAR_DIR / "wsportal.sqlite3"):
        writable_var_dir()
    return database


def _server(name: str, *schemes: str) -> str:
    url = _value(name)
    if url and urlsplit(url).scheme not in schemes:  # it may hold a password, so it is not repeated
        raise ConfigurationError(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return url


def _database() -> dict[str, Any]:
    url = _server("DATABASE_URL", "postgresql", "postgres", "sqlite")
    if not url:
        return _sqlite({"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "wsportal.sqlite3")})
    try:
        database = cast(dict[str, Any], environ.Env.db_url_config(url))
    except ValueError:
        raise ConfigurationError("DATABASE_URL is not a valid URL.") from None
    if database["ENGINE"].endswith("sqlite3"):
        return _sqlite(database)
    commanded = _value("WSPORTAL_MODE") == "manage" or "migrate" in sys.argv[1:2]
    return postgresql(database, serves=MODE == "serve" and not commanded)


def _default_mode() -> str:
    # A bare `pytest` or `mypy` sets no mode, and both load the settings before any file of ours could set one.
    if {"pytest", "mypy"} & set(sys.modules):
        return "test"
    tried_out = (Path(_value("VAR_DIR", str(ROOT / "var"))) / "secret_key").is_file()
    return "up" if tried_out and not _value("DJANGO_SECRET_KEY") else "serve"


MODE: Final = _parsed("WSPORTAL_MODE", _default_mode(), _mode, "up, serve or test")
VAR_DIR: Final = Path(_value("VAR_DIR", str(ROOT / "var" / "test" if MODE == "test" else ROOT / "var"))).absolute()
DEBUG: Final = _parsed("DEBUG", "false", boolean, "true or false")
SECRET_KEY: Final = _secret_key()
ENCRYPTION_KEYS: Final = _encryption_keys()
DATABASE: Final = _database()
REDIS_URL: Final = _server("REDIS_URL", "redis", "rediss", "unix") or None
LOCAL_CREDIT_PERCENT: Final = _parsed("LOCAL_CREDIT_PERCENT", "10", whole_number(0, 100), "percent from 0 to 100")
# Two months are the least: statements of the last month and the simulator read minutes.
USAGE_MINUTES_DAYS: Final = _parsed("USAGE_MINUTES_DAYS", "90", whole_number(62, 36_500), "days from 62 to 36500")
USAGE_HOURS_DAYS: Final = _parsed(
    "USAGE_HOURS_DAYS", str(max(1_096, USAGE_MINUTES_DAYS)), whole_number(USAGE_MINUTES_DAYS, 36_500),
    f"days from {USAGE_MINUTES_DAYS} (USAGE_MINUTES_DAYS) to 36500",
)  # fmt: skip

HOST: Final = _value("WSPORTAL_HOST", "127.0.0.1")  # the address to listen on; `--host` sets it
PORT_OFFSET: Final = _parsed("PORT_OFFSET", "0", whole_number(-8000, 55537), "a whole number from -8000 to 55537")
PORTS: Final = Ports.shifted(PORT_OFFSET)
PORTAL_URL: Final = _parsed(
    "PORTAL_URL", f"https://localhost:{PORTS.portal_tls}", base_url("https", "http"), "an http(s):// URL"
)
GATEWAY_URL: Final = _parsed(
    "GATEWAY_URL", f"wss://localhost:{PORTS.gateway_tls}", base_url("wss", "ws"), "a ws:// or wss:// URL"
)
PORTAL_TLS_CERT, PORTAL_TLS_KEY = _tls_pair("PORTAL")
GATEWAY_TLS_CERT, GATEWAY_TLS_KEY = _tls_pair("GATEWAY")

METRICS_PORT: Final = _parsed("METRICS_PORT", "0", whole_number(0, 65535), "a port") or None
METRICS_HOST: Final = _value("METRICS_HOST", "127.0.0.1")
TRUSTED_PROXIES: Final = _parsed("TRUSTED_PROXIES", "", networks, "addresses or networks with commas between them")
PROXY_HEADER: Final = _parsed(
    "PROXY_HEADER", X_FORWARDED_FOR, one_of(X_FORWARDED_FOR, FORWARDED), "x-forwarded-for or forwarded"
)
PROXY_PROTOCOL: Final = _parsed("PROXY_PROTOCOL", "false", boolean, "true or false")
# Networks an endpoint may point to besides public addresses.
ALLOWED_UPSTREAM_NETWORKS: Final = _parsed(
    "ALLOWED_UPSTREAM_NETWORKS",
    "" if MODE == "serve" else "private,loopback",
    networks,
    "networks with commas between them, or the words private, loopback",
)
MAX_SESSIONS: Final = _parsed(
    "MAX_SESSIONS", "0", whole_number(0, 10_000_000), "a whole number; 0 for what memory allows"
)
DRAIN_SECONDS: Final = _parsed(
    "DRAIN_SECONDS", "30" if MODE == "serve" else "0", whole_number(0, 3600), "seconds from 0 to 3600"
)
