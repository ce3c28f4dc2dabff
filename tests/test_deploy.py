"""What deploy/ holds can be used as it stands, and every environment variable is documented where operators look.

nginx.conf and haproxy.cfg are started for real, in front of a real gateway, by tests/gateway/test_proxies.py.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from wsportal import compiled
from wsportal.env import ROOT, Ports
from wsportal.management.commands.serve import Command

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OWN = {"WSPORTAL_MODE", "DEBUG"}  # a start sets the one itself; nobody should want the other in production
FOREIGN = {"POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "PYTHONUNBUFFERED", "TMPDIR"}


def variables() -> set[str]:
    """Every environment variable that wsportal reads, by the source that reads them."""
    source = (ROOT / "wsportal" / "env.py").read_text()
    found = set(re.findall(r"""_(?:value|parsed|file|server)\(\s*f?"([A-Z][A-Z_]+)\"""", source))
    for prefix in re.findall(r'_tls_pair\("([A-Z]+)"\)', source):
        found |= {f"{prefix}_TLS_CERT", f"{prefix}_TLS_KEY"}
    return found | {compiled.VARIABLE}


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def example() -> set[str]:
    """The variables that deploy/environment.example names, set or as a comment."""
    return set(re.findall(r"^#?([A-Z][A-Z_]+)=", (DEPLOY / "environment.example").read_text(), re.MULTILINE))


def starts(words: list[str]) -> str:
    """Parse `serve ...` as the command does. Returns: the plane."""
    serve, *arguments = words
    assert serve == "serve"
    options = Command().create_parser("manage.py", "serve").parse_args(arguments)
    assert options.host == "0.0.0.0", "a container or a proxy on another machine reaches it"
    plane: str = options.plane
    return plane


def test_the_source_is_understood() -> None:
    assert {"DATABASE_URL", "REDIS_URL", "PORTAL_TLS_KEY", "MAX_SESSIONS", "METRICS_HOST", "PORTAL_URL"} <= variables()


def test_every_environment_variable_is_in_the_table_of_the_readme() -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])}
    assert variables() - {"WSPORTAL_MODE"} <= documented
    assert documented <= variables(), "and it names nothing that does not exist"


def test_the_example_of_an_environment_names_all_of_them_and_nothing_else() -> None:
    assert example() == variables() - OWN


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_there_is(path: Path) -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
    python, manage, *words = shlex.split(command)
    assert (python, manage) == ("/usr/bin/python3", "manage.py")
    assert f"wsportal-{starts(words)}" == path.stem
    assert set(re.findall(r"^Environment=(\w+)=", path.read_text(), re.MULTILINE)) <= variables() | FOREIGN


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_has_nothing_against_a_unit(path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None or not Path("/usr/bin/python3").exists():
        pytest.skip("systemd-analyze or /usr/bin/python3 is not here: units are verified where systemd runs.")
    done = subprocess.run([analyze, "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if path.name in line]) == (0, [])


def test_the_compose_file_hangs_together() -> None:
    document = compose()
    services = document["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert volumes <= set(document["volumes"]), name
        assert set(service.get("environment", {})) <= variables() | FOREIGN, name
    used = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert used <= FOREIGN
    build = document["x-wsportal"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    assert document["x-wsportal"]["env_file"] == "environment", "a copy of deploy/environment.example"


def test_the_compose_file_starts_both_planes_after_the_migrations() -> None:
    services, ports = compose()["services"], Ports.shifted(0)
    for plane, port in (("portal", ports.portal), ("gateway", ports.gateway)):
        service = services[plane]
        assert starts(service["command"]) == plane
        assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert str(port) in service["healthcheck"]["test"][-1]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["command"] == ["migrate"]


def test_the_containerfile_copies_what_there_is_and_builds_the_environment_as_manage_py_does() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for sources in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())
    (script,) = re.findall(r'^RUN python3 -c "(.*)"$', text, re.MULTILINE)
    done = subprocess.run(
        [shutil.which("python3") or "python3", "-S", "-c", script.replace(".ensure()", "")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "var", ".git"} <= set(ignored), "no key and no database of this checkout gets into an image"


def test_every_metric_of_the_operations_page_exists() -> None:
    sources = "".join((ROOT / path).read_text() for path in ("gateway/meters.py", "wsportal/metrics.py"))
    known = set(re.findall(r'"(wsportal_[a-z_]+)"', sources))
    named = set(re.findall(r"wsportal_[a-z_]+", (ROOT / "docs" / "operations.md").read_text()))
    assert {name.removesuffix("_total").removesuffix("_bucket") for name in named} <= known
