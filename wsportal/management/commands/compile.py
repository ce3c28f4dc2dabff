"""`manage.py compile`: the corridor as machine code, an option for those who want its last third of speed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from wsportal import compiled, compiling


class Command(BaseCommand):
    help = "Compile the gateway's hot modules; needs a C compiler. The next start uses them. --remove goes back."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--remove", action="store_true", help="remove what was compiled: run from source again")
        parser.add_argument(
            "--into", type=Path, default=compiled.FOLDER, help="folder of builds (default: var/compiled)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["into"].absolute()
        if options["remove"]:
            there = compiling.remove(folder)
            self.stdout.write("Removed; the next start runs from source." if there else "There was nothing to remove.")
            return
        self.stdout.write(f"Compiling {len(compiled.MODULES)} modules (about half a minute) ...")
        self.stdout.flush()
        try:
            _, seconds = compiling.build(folder)
        except compiling.CompileError as error:
            sys.exit(f"wsportal: {error}")
        self.stdout.write(f"Compiled in {seconds:.0f} s; the next start of the gateway uses it.")
