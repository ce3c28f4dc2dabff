"""Deny policies: administrators say who may not use the gateway. Live sessions end within a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from apis.errors import Invalid, Taken
from apis.models import Api, Application, DenyPolicy, Person
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.row_editions import mine_of, plain
from apis.validators import DESCRIPTION_LIMIT, text_problem

FIELDS: Final = (
    "api", "application", "person", "ip", "ip_range", "invert", "enabled", "expires_at", "description",
)  # fmt: skip
_ROWS: Final[dict[str, Any]] = {"api": Api, "application": Application, "person": Person}
_CONDITIONS: Final = ("api", "application", "person", "ip", "ip_from", "ip_to", "invert")
_RANGE_WORDS: Final = 'This should be {"from", "to"} with two addresses of one kind, or a network such as 10.0.0.0/8.'
Address = IPv4Address | IPv6Address


def _address(value: Any) -> Address | None:
    """An IP address; IPv4 in IPv6 is IPv4, as the gateway sees it. None for what is none."""
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        address = ip_address(value)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _range(value: Any) -> tuple[Address, Address] | None:
    """The first and last address of a range."""
    if isinstance(value, str):
        try:
            network = ip_network(value)
        except ValueError:
            return None
        return network[0], network[-1]
    if not isinstance(value, dict) or value.keys() != {"from", "to"}:
        return None
    first, last = _address(value["from"]), _address(value["to"])
    if first is None or last is None or first.version != last.version or int(first) > int(last):
        return None
    return first, last


def _one_address(value: Any) -> tuple[dict[str, Any], str]:
    address = _address(value) if value else None
    return {"ip": str(address) if address else None}, "This should be one IP address." if value and not address else ""


def _addresses(value: Any) -> tuple[dict[str, Any], str]:
    ends = _range(value) if value else None
    first, last = (str(ends[0]), str(ends[1])) if ends else (None, None)
    return {"ip_from": first, "ip_to": last}, _RANGE_WORDS if value and not ends else ""


def _row(name: str, value: Any) -> tuple[dict[str, Any], str]:
    there = value is None or isinstance(value, _ROWS[name])
    words = "API" if name == "api" else name
    return ({name: value}, "") if there else ({}, f"There is no such {words}.")


def _columns(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was asked for as columns, and the problems by field."""
    done: dict[str, Any] = {}
    problems = dict.fromkeys(values.keys() - set(FIELDS), "This field is not known here.")
    for name in FIELDS:
        if name in values:
            columns, problem = _CHECKS[name](values[name])
            done |= columns
            if problem:
                problems[name] = problem
    return done, problems


def _expiry_problem(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, datetime) or timezone.is_naive(value):
        return "This should be a date and time such as 2026-11-24T12:00:00Z, or null."
    return "This should be in the future." if value <= timezone.now() else ""


def _plain(name: str, problem: Callable[[Any], str]) -> Callable[[Any], tuple[dict[str, Any], str]]:
    return lambda value: ({name: value}, problem(value))


def _flag_problem(value: Any) -> str:
    return "" if isinstance(value, bool) else "This should be true or false."


_CHECKS: Final[dict[str, Callable[[Any], tuple[dict[str, Any], str]]]] = {
    **{name: partial(_row, name) for name in _ROWS},
    "ip": _one_address,
    "ip_range": _addresses,
    "invert": _plain("invert", _flag_problem),
    "enabled": _plain("enabled", _flag_problem),
    "expires_at": _plain("expires_at", _expiry_problem),
    "description": _plain("description", lambda text: text_problem(text, DESCRIPTION_LIMIT, "Description")),
}


def _fill(policy: DenyPolicy, values: Mapping[str, Any], seen: int | None = None) -> None:
    """Raises: Invalid, Taken, Stale."""
    done, problems = _columns(values)
    if not problems:
        done, _ = mine_of(policy, seen, done)
    for name, value in done.items():
        setattr(policy, name, value)
    if not problems:
        if policy.ip and policy.ip_from:
            problems["ip_range"] = "A policy has one address or a range, not both."
        if policy.invert and not (policy.ip or policy.ip_from):
            problems["invert"] = "Only a condition on the address can be turned round."
        if not any(getattr(policy, name) for name in ("api", "application", "person", "ip", "ip_from")):
            problems["api"] = "Set at least one condition: api, application, person, ip or ip_range."
    if problems:
        raise Invalid(problems)
    same = DenyPolicy.objects.exclude(pk=policy.pk).filter(
        **{f"{name}__isnull": True for name in _CONDITIONS if getattr(policy, name) is None},
        **{name: getattr(policy, name) for name in _CONDITIONS if getattr(policy, name) is not None},
    )
    if same.exists():
        raise Taken({_field(policy): "There is a policy with the same conditions already."})


def _field(policy: DenyPolicy) -> str:
    names = ("api", "application", "person", "ip")
    return next((name for name in names if getattr(policy, name)), "ip_range")


def as_facts(policy: DenyPolicy) -> dict[str, Any]:
    """A policy for the history."""
    names = (*_CONDITIONS, "enabled", "expires_at", "description")
    return {"policy": str(policy), **{name: plain(getattr(policy, name)) for name in names}}


@transaction.atomic
def deny_policy_create(*, actor: Actor, **values: Any) -> DenyPolicy:
    """Refuse whoever meets all of the given conditions (FIELDS; at least one condition).

    Args:
        api, application, person: rows.
        ip: one address; `ip_range`: {"from","to"} or a network; `invert`: everybody but these.
        expires_at: an aware moment, or None.

    Raises: Forbidden for anybody but administrators; Invalid, Taken.
    """
    actor.require(Capability.ADMINISTER)
    policy = DenyPolicy()
    _fill(policy, values)
    policy.save()
    record(actor, "create_deny_policy", policy, api=policy.api, after=as_facts(policy))
    announce("deny", policy.pk)
    return policy


@transaction.atomic
def deny_policy_update(*, actor: Actor, policy: DenyPolicy, seen: int | None = None, **values: Any) -> DenyPolicy:
    """Change a policy; what is left out stays.

    Args:
        seen: the edition of the policy that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Invalid, Taken, Missing, Stale.
    """
    actor.require(Capability.ADMINISTER)
    hold(policy)
    before = as_facts(policy)
    _fill(policy, values, seen)
    policy.save()
    record(actor, "update_deny_policy", policy, api=policy.api, before=before, after=as_facts(policy))
    announce("deny", policy.pk)
    return policy


@transaction.atomic
def deny_policy_delete(*, actor: Actor, policy: DenyPolicy) -> None:
    """Let in again whom it refused. Raises: Forbidden, Missing."""
    actor.require(Capability.ADMINISTER)
    hold(policy)
    key, api = policy.pk, policy.api
    record(actor, "delete_deny_policy", policy, api=api, before=as_facts(policy))
    policy.delete()
    announce("deny", key)
