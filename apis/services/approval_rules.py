"""What else needs approval in this installation; nothing does unless an administrator says so."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from apis.errors import Invalid
from apis.lifecycle import Action
from apis.models import Api, ApprovalRules
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.record import record
from apis.services.row_editions import mine_of
from apis.words import phrase

FLAGS: Final = ("applications", "production_keys", "sandbox_keys", "deployments")
RULES: Final = ("transitions", *FLAGS)
_DEPLOYING: Final = (Action.PUBLISH, Action.PRERELEASE)


def rules() -> ApprovalRules:
    """The rules as they are now."""
    return ApprovalRules.objects.first() or ApprovalRules()


def transition_waits(actor: Actor, action: str, api: Api) -> bool:
    """Whether a step of the lifecycle must be approved; administrators would only ask themselves.

    A step that would deploy a first revision waits where deployments do.
    """
    if actor.can(Capability.ADMINISTER):
        return False
    now = rules()
    return action in now.transitions or (now.deployments and action in _DEPLOYING and not api.deployments.exists())


def deployment_waits(actor: Actor) -> bool:
    """Whether a revision must be approved before this person deploys it."""
    return not actor.can(Capability.ADMINISTER) and rules().deployments


def keys_wait(actor: Actor, key_type: str) -> bool:
    """Whether the first credential of an application for this key type must be approved."""
    return not actor.can(Capability.ADMINISTER) and bool(getattr(rules(), f"{key_type}_keys"))


def application_waits(actor: Actor) -> bool:
    """Whether a new application of this person must be approved."""
    return not actor.can(Capability.ADMINISTER) and rules().applications


@transaction.atomic
def approval_rules_set(*, actor: Actor, seen: int | None = None, **values: Any) -> ApprovalRules:
    """Change the rules. What waits already goes on waiting.

    Args:
        seen: the edition of the rules that the values were made from (apis.services.row_editions).
        values: `transitions`, a list of actions of the lifecycle; each of FLAGS, true or false.

    Raises: Forbidden for anybody but administrators; Invalid, Stale.
    """
    actor.require(Capability.ADMINISTER)
    problems = dict.fromkeys(values.keys() - set(RULES), "This field is not known here.")
    if "transitions" in values:
        problems["transitions"] = _transitions_problem(values["transitions"])
    for name in FLAGS:
        if name in values and not isinstance(values[name], bool):
            problems[name] = "This should be true or false."
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    ApprovalRules.objects.get_or_create(pk=ApprovalRules.ONLY)
    row = ApprovalRules.objects.select_for_update().get(pk=ApprovalRules.ONLY)
    if "transitions" in values:
        values["transitions"] = [one.value for one in Action if one in values["transitions"]]
    values, before = mine_of(row, seen, values)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    record(actor, "update_approval_rules", row, before=before, after=values)
    return row


def _transitions_problem(typed: Any) -> str:
    if not isinstance(typed, list) or not all(isinstance(one, str) for one in typed):
        return "This should be a list of actions."
    unknown = [one for one in typed if one not in set(Action)]
    return (
        phrase("This should name some of: {action}.", action=", ".join(Action))
        if unknown or len(set(typed)) < len(typed)
        else ""
    )
