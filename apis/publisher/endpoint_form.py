"""The configuration behind a cogwheel as form fields and rows. What is valid, the service says.

Secrets are never put into a page: their fields are empty, and an empty one keeps what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict

from apis.errors import Invalid, ServiceError
from apis.publisher.form_rows import Row, Rows
from apis.publisher.forms import ServiceForm, Text, decimal, number
from apis.shapes_endpoint import STRATEGIES, SUSPENSION_ERRORS, TIMEOUT_ACTIONS, complete, secrets_in, shown
from apis.shapes_upstream import CHOSEN_BY
from apis.shapes_upstream_security import PLACES, SECRETS, SECURITY_TYPES

# Type of security -> member -> field. Basic and Digest share theirs: what was typed for one is there for the other.
SECURITY_FIELDS: Final[dict[str, dict[str, str]]] = {
    "none": {},
    "basic": {"username": "login_username", "password": "login_password"},
    "digest": {"username": "login_username", "password": "login_password"},
    "bearer": {"token": "bearer_token"},
    "oauth2": {
        "grant": "oauth2_grant",
        "token_url": "oauth2_token_url",
        "client_id": "oauth2_client_id",
        "client_secret": "oauth2_client_secret",
        "username": "oauth2_username",
        "password": "oauth2_password",
        "scopes": "oauth2_scopes",
    },
    "api_key": {"in": "api_key_in", "name": "api_key_name", "value": "api_key_value"},
    "mtls": {"certificate": "mtls_certificate", "key": "mtls_key"},
}
GRANT_LABELS: Final = {"client_credentials": "Client credentials", "password": "Resource owner password"}
CHOOSER_LABELS: Final = {"none": "Nothing: the addresses above", "header": "A header", "claim": "A claim of the token"}
_NUMBERS: Final = ("connect_ms", "handshake_ms", "idle_s")
_SUSPENSION: Final = ("initial_ms", "max_ms", "retries", "retry_delay_ms")
_LISTS: Final = ("oauth2_scopes", "proxy_except")
# Where a section's members are fields of the same name behind a prefix.
_PREFIXES: Final = {"tls": ("ca", "server_name"), "proxy": ("url", "username", "password", "except"),
                    "dynamic": ("by", "name")}  # fmt: skip


class EndpointForm(ServiceForm):
    """One endpoint with everything that the cogwheel holds. URLs, headers and targets are rows beside the fields."""

    FIELD_OF: Mapping[str, str] = {
        **{f"timeouts/{name}": name for name in (*_NUMBERS, "action")},
        **{f"suspension/{name}": name for name in (*_SUSPENSION, "factor")},
        "suspension/errors": "failures",
        "security/type": "security_type",
        "tls/verify": "tls_unverified",
        **{f"{section}/{name}": f"{section}_{name}" for section, names in _PREFIXES.items() for name in names},
    }

    strategy = forms.ChoiceField(required=False, choices=[(name, name) for name in STRATEGIES])
    connect_ms = Text(label="Connect")
    handshake_ms = Text(label="Handshake")
    idle_s = Text(label="Idle")
    action = forms.ChoiceField(label="On a timeout", required=False, choices=list(TIMEOUT_ACTIONS.items()))
    failures = forms.MultipleChoiceField(
        label="What counts as a failure", required=False, choices=list(SUSPENSION_ERRORS.items())
    )
    initial_ms = Text(label="First suspension")
    max_ms = Text(label="Longest suspension")
    factor = Text(label="Factor")
    retries = Text(label="Retries")
    retry_delay_ms = Text(label="Delay between retries")
    security_type = forms.ChoiceField(label="Type", required=False, choices=list(SECURITY_TYPES.items()))
    login_username = Text(label="User name")
    login_password = Text(label="Password")
    bearer_token = Text(label="Token")
    oauth2_grant = forms.ChoiceField(label="Grant", required=False, choices=list(GRANT_LABELS.items()))
    oauth2_token_url = Text(label="Token URL")
    oauth2_client_id = Text(label="Client id")
    oauth2_client_secret = Text(label="Client secret")
    oauth2_username = Text(label="User name")
    oauth2_password = Text(label="Password")
    oauth2_scopes = Text(label="Scopes")
    api_key_in = forms.ChoiceField(label="Sent in", required=False, choices=[(name, name) for name in PLACES])
    api_key_name = Text(label="Name")
    api_key_value = Text(label="Key")
    mtls_certificate = Text(label="Certificate")
    mtls_key = Text(label="Private key")
    # The other way round: what is left out must not mean that nobody looks at certificates.
    tls_unverified = forms.BooleanField(label="Do not verify the certificate", required=False)
    tls_ca = Text(label="Authorities")
    tls_server_name = Text(label="Server name")
    proxy_url = Text(label="Proxy")
    proxy_username = Text(label="User name")
    proxy_password = Text(label="Password")
    proxy_except = Text(label="Not for")
    dynamic_by = forms.ChoiceField(label="Chosen by", required=False, choices=list(CHOOSER_LABELS.items()))
    dynamic_name = Text(label="Name")
    subprotocols = Text(label="Subprotocols to offer in a test")  # not part of the configuration
    clear = forms.MultipleChoiceField(required=False, choices=[])

    def __init__(self, data: QueryDict | None = None, *, stored: Mapping[str, Any] | None = None) -> None:
        """Args: stored: the config that is there now, shown while `data` is None; None for none yet."""
        seen = shown(stored or {})
        super().__init__(data, initial=_initial(seen))
        self.secrets_set: list[str] = seen["secrets_set"]
        self.stored_type: str = seen["security"]["type"]
        self.comes_back = False  # with values that were typed, in the place of the form that held secrets too
        clear = self.fields["clear"]
        assert isinstance(clear, forms.MultipleChoiceField)  # noqa: S101  (for the type checker)
        clear.choices = [(path, path) for path in self.secrets_set]
        if data is None:
            self.urls = Rows([Row(one["url"], one["weight"]) for one in seen["urls"]])
            self.headers = Rows([Row(*pair) for pair in seen["headers"].items()])
            self.targets = Rows([Row(*pair) for pair in seen["dynamic"]["targets"].items()])
        else:
            self.urls = Rows.typed(data, "url", "weight", "1")
            self.headers = Rows.typed(data, "header_name", "header_value")
            self.targets = Rows.typed(data, "target_value", "target_url")
        self.urls.rows = self.urls.rows or [Row("", 1)]

    def clean(self) -> dict[str, Any]:
        """Raises: ValidationError for a name that stands in two rows, which an object could not hold."""
        if self.headers.doubles(ignoring_case=True) | self.targets.doubles(ignoring_case=False):
            raise forms.ValidationError("Something is named twice.")
        return self.cleaned_data

    def config(self) -> dict[str, Any]:
        """What was sent, in the shape of `apis.shapes_endpoint.endpoint_config`; what is not a number stays text, and
        a secret that was left empty is null, unless it shall be cleared."""
        typed = self.cleaned_data
        return {
            "urls": [{"url": row.name, "weight": number(str(row.value))} for row in self.urls.rows],
            "strategy": typed["strategy"],
            "timeouts": {
                **{name: number(typed[name]) for name in _NUMBERS},
                "action": typed["action"] or next(iter(TIMEOUT_ACTIONS)),
            },
            "suspension": {
                "errors": typed["failures"],
                "factor": decimal(typed["factor"]),
                **{name: number(typed[name]) for name in _SUSPENSION},
            },
            "security": self._security(),
            "headers": {row.name: row.value for row in self.headers.rows},
            "tls": {"verify": not typed["tls_unverified"], **self._section("tls")},
            "proxy": self._section("proxy"),
            "dynamic": {
                **self._section("dynamic"),
                "by": typed["dynamic_by"] or CHOSEN_BY[0],
                "targets": {row.name: row.value for row in self.targets.rows},
            },
        }  # fmt: skip

    def _section(self, section: str) -> dict[str, Any]:
        return {name: self._value(section, name, f"{section}_{name}") for name in _PREFIXES[section]}

    def _security(self) -> dict[str, Any]:
        kind = self.cleaned_data["security_type"] or "none"
        names = SECURITY_FIELDS[kind]
        if kind == "oauth2" and self.cleaned_data["oauth2_grant"] != "password":  # these two are not shown then
            names = {member: name for member, name in names.items() if member not in {"username", "password"}}
        return {"type": kind, **{member: self._value("security", member, name) for member, name in names.items()}}

    def _value(self, section: str, member: str, name: str) -> Any:
        value = self.cleaned_data[name]
        if isinstance(value, str):
            value = value.replace("\r\n", "\n")
        if name in _LISTS:
            return value.replace(",", " ").split()
        path = f"{section}/{member}"
        if value == "" and (member in SECRETS.get(self.cleaned_data["security_type"], ()) or path == "proxy/password"):
            return "" if path in self.cleaned_data["clear"] else None
        return value

    def take(self, refusal: ServiceError) -> int:
        if not isinstance(refusal, Invalid):
            return super().take(refusal)
        rest: dict[str, list[str]] = {}
        fields = SECURITY_FIELDS.get(self.cleaned_data.get("security_type") or "none", {})
        for path, texts in refusal.fields.items():
            section, _, member = path.partition("/")
            if not self._row_takes(section, member, " ".join(texts)):
                rest[fields.get(member, path) if section == "security" else path] = texts
        return super().take(Invalid(rest)) if rest else refusal.status

    def _row_takes(self, section: str, member: str, text: str) -> bool:
        """Put a problem beside the row it is about, or below its list. Returns: whether it was about a list."""
        if section == "urls":
            index = member.partition("/")[0]
            row = self.urls.rows[int(index)] if index.isdigit() and int(index) < len(self.urls.rows) else None
            rows = self.urls
        elif section == "headers":
            rows, row = self.headers, self.headers.of_name(member)
        elif section == "dynamic" and member.partition("/")[0] == "targets":
            rows, row = self.targets, self.targets.of_name(member.partition("/")[2])
        else:
            return False
        if row is not None:
            row.problem = f"{row.problem} {text}".strip()
        else:
            rows.problem = text
        return True

    def anew(self, config: Mapping[str, Any], stored: Mapping[str, Any] | None) -> EndpointForm:
        """The form with a config as it is shown in the place of what was typed; secrets that are stored stay known."""
        full, kept = complete(config), complete(stored or {})
        for name, member in secrets_in(kept):
            if name == "proxy" or full[name]["type"] == kept[name]["type"]:
                full[name][member] = kept[name][member]
        form = EndpointForm(stored=full)
        form.comes_back = self.lost_secrets
        return form

    # For the template ----------------------------------------------------------------------------------------------

    @property
    def kept(self) -> list[str]:
        """The fields of secrets that are set and stay so while they are left empty."""
        names = SECURITY_FIELDS[self.stored_type]
        found = [path.partition("/") for path in self.secrets_set]
        return [names[member] if section == "security" else f"{section}_{member}" for section, _, member in found]

    @property
    def lost_secrets(self) -> bool:
        """Whether a secret was typed that this page does not show again."""
        names = {
            name for fields in SECURITY_FIELDS.values() for member, name in fields.items() if member in _ALL_SECRETS
        }
        return self.comes_back or (self.is_bound and any(self.data.get(name) for name in (*names, "proxy_password")))

    @property
    def open_groups(self) -> set[str]:
        """The groups that hold a problem, or something that most endpoints do not have."""
        used = {
            "urls": self.urls.has_problem,
            "security": self["security_type"].value() not in {None, "", "none"},
            "headers": bool(self.headers.rows),
            "tls": any(self[name].value() for name in ("tls_ca", "tls_server_name", "tls_unverified")),
            "proxy": bool(self["proxy_url"].value()),
            "dynamic": self["dynamic_by"].value() not in {None, "", "none"} or self.targets.has_problem,
        }
        return {group for group, is_used in used.items() if is_used} | {_group_of(name) for name in self.errors}


_ALL_SECRETS: Final = frozenset(member for members in SECRETS.values() for member in members)


def _group_of(name: str) -> str:
    """The group of the dialog that holds a field."""
    if name in (*_NUMBERS, "action"):
        return "timeouts"
    if name in (*_SUSPENSION, "factor", "failures"):
        return "suspension"
    prefix = name.partition("_")[0]
    if prefix in {"tls", "proxy", "dynamic"}:
        return prefix
    return {"strategy": "urls", NON_FIELD_ERRORS: "urls", "subprotocols": "test"}.get(name, "security")


def _initial(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Fields for a config as it is shown: secrets are null and stay out."""
    full = complete(seen)
    initial = {
        "strategy": full["strategy"],
        **full["timeouts"],
        **{name: value for name, value in full["suspension"].items() if name != "errors"},
        "failures": full["suspension"]["errors"],
        "security_type": full["security"]["type"],
        **{name: full["security"][member] for member, name in SECURITY_FIELDS[full["security"]["type"]].items()},
        **{f"{section}_{name}": full[section][name] for section, names in _PREFIXES.items() for name in names},
        "tls_unverified": not full["tls"]["verify"],
    }
    return {name: " ".join(value) if name in _LISTS else value for name, value in initial.items()}
