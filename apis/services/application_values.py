"""What the fields of applications may hold, and how they are saved."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apis.errors import Invalid, Taken
from apis.models import Application, ApplicationPlan
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem
from apis.words import phrase


def facts_of(application: Application) -> dict[str, Any]:
    """What people may change of an application, as the history keeps it."""
    return {"name": application.name, "plan": application.plan.name, "description": application.description}


def application_values(values: dict[str, Any]) -> dict[str, Any]:
    """The given fields, checked, the plan as a row. Raises: Invalid."""
    problems = {}
    done = dict(values)
    if "name" in values:
        problems["name"] = name_problem(values["name"])
    if "description" in values:
        problems["description"] = text_problem(values["description"], DESCRIPTION_LIMIT, "Description")
    if "plan" in values:
        done["plan"] = ApplicationPlan.objects.filter(name=values["plan"]).first()
        if not done["plan"]:
            problems["plan"] = phrase("There is no application plan named {plan}.", plan=values["plan"])
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    return done


def application_save(application: Application) -> None:
    """Raises: Taken."""
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError:
        text = phrase("You already have an application named {application}.", application=application.name)
        raise Taken({"name": text}) from None
