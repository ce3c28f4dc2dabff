#!/usr/bin/env python3
"""The one entry point: `python3 manage.py up`, `test`, `serve portal|gateway`, `compile`, and every command of Django.

It needs nothing but Python: outside the project's own environment it builds that first.
"""

import sys

# Nothing above or on this line may need a new Python: an old one must get as far as this sentence.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("wsportal needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2])  # noqa: UP031

from wsportal import bootstrap, compiled, compiling


def main() -> None:
    bootstrap.enter_environment(sys.argv)
    if sys.argv[1:2] == ["compile"]:
        sys.exit(compiling.main(sys.argv[2:]))
    bootstrap.pass_on_options(sys.argv)
    if sys.argv[1:2] in (["up"], ["serve"]):
        compiled.activate()
    from django.conf import settings  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        settings.INSTALLED_APPS  # noqa: B018 - loads the settings here, so that a wrong variable is one line
    except ImproperlyConfigured as error:
        sys.exit(f"wsportal: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
