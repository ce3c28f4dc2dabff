"""`manage.py install`: what a production database needs besides its tables."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apis.errors import ServiceError
from apis.models import Environment, Person
from apis.permissions import Actor
from apis.roles import Role
from apis.services import demo, people


class Command(BaseCommand):
    help = "Write the default plans, the Default gateway environment and a first administrator into an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--administrator", required=True, metavar="NAME", help="user name of the administrator")

    def handle(self, *args: Any, administrator: str, **options: Any) -> None:
        if Person.objects.exists() or Environment.objects.exists():
            raise CommandError("This database is installed already; nothing was changed.")
        password = self._password()
        try:
            self._install(administrator, password)
        except ServiceError as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        self.stdout.write(f"Installed. {administrator} can sign in and create people at /admin/.")

    def _password(self) -> str:
        """From the keyboard, or one line of standard input when that is not a terminal; never from the command line."""
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Password again: "):
            raise CommandError("The two passwords differ. Nothing was changed.")
        return password

    @transaction.atomic
    def _install(self, name: str, password: str) -> None:
        # Nobody is there to create the first person, so they create themselves.
        founder = Actor.of(Person(username=name, roles=[Role.ADMINISTRATOR.value]))
        problem = people.password_problem(password, founder.person)
        if problem:
            raise CommandError(f"{problem} Nothing was changed.")
        founder.person.set_password(password)
        founder.person.full_clean()
        founder.person.save()
        demo.seed_essentials(founder)
