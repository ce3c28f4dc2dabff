"""What is measured: nothing in between, nginx, and the gateway; each on one core, with its CPU time and memory."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TICK = os.sysconf("SC_CLK_TCK")
NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/nginx-{port}.pid; error_log {folder}/nginx.log;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {buffers}
    server {{
        listen 127.0.0.1:{port} backlog=4096{tls};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 9000
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend echo
backend echo
    server one 127.0.0.1:{upstream}
"""


def pinned(core: int, *command: str, **facts: Any) -> subprocess.Popen[str]:
    """Start a command on one core."""
    return subprocess.Popen(["taskset", "-c", str(core), *command], text=True, **facts)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Until somebody listens on the port."""
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nobody listens on port {port}")


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(stat[1]), []).append(int(name))
    found, rest = [], [pid]
    while rest:
        found.append(rest.pop())
        rest += children.get(found[-1], [])
    return found


@dataclass
class Proxy:
    """One thing between load generator and upstream. `measured` is the process whose CPU counts."""

    name: str
    port: int
    measured: subprocess.Popen[str]
    path: str = "/"
    headers: list[str] = field(default_factory=list)
    tls: bool = False

    @property
    def door(self) -> str:
        """The port, as the load generators want to be told."""
        return f"tls:{self.port}" if self.tls else str(self.port)

    def cpu_s(self) -> float:
        """User and system time of the process tree so far."""
        total = 0
        for pid in tree(self.measured.pid):
            stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(stat[11]) + int(stat[12])
        return total / TICK

    def memory_kib(self) -> dict[str, int]:
        """Rss and Pss of the process tree: user memory only, the kernel's socket buffers are not in it."""
        sums = {"Rss": 0, "Pss": 0}
        for pid in tree(self.measured.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name = line.split(":")[0]
                if name in sums:
                    sums[name] += int(line.split()[1])
        return sums

    def stop(self) -> None:
        """End it, politely."""
        self.measured.send_signal(signal.SIGTERM)
        try:
            self.measured.wait(10)
        except subprocess.TimeoutExpired:
            self.measured.kill()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost (P-256, the same for both that speak TLS), and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not cert.exists():
        kind = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ]
        files = ["-out", str(cert), "-keyout", str(key)]
        subprocess.run(["openssl", "req", "-x509", *kind, *files], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def nginx(
    name: str, port: int, upstream: int, core: int, folder: Path, buffers: str = "", *, tls: bool = False
) -> Proxy:
    """Debian's nginx as a WebSocket proxy."""
    config = folder / f"{name}.conf"
    if tls:
        cert, key = certificate(folder)
        buffers += f" ssl_certificate {cert}; ssl_certificate_key {key};"
    facts = {"folder": folder, "port": port, "upstream": upstream, "buffers": buffers, "tls": " ssl" * tls}
    config.write_text(NGINX.format(**facts))
    process = pinned(core, "nginx", "-c", str(config), "-p", str(folder), stderr=subprocess.DEVNULL)
    wait_for(port, process)
    return Proxy(name, port, process, tls=tls)


def haproxy(port: int, upstream: int, core: int, folder: Path) -> Proxy:
    """Debian's HAProxy, one thread."""
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, upstream=upstream))
    process = pinned(core, "haproxy", "-db", "-q", "-f", str(config), stderr=subprocess.DEVNULL)
    wait_for(port, process)
    return Proxy("HAProxy", port, process)


def gateway(name: str, port: int, upstream: int, core: int, folder: Path, builds: Path | None = None) -> Proxy:
    """`manage.py serve gateway` on a database of its own, with authentication and a plan that counts.

    Args:
        builds: the folder with its compiled form; None to run from source.
    """
    folder = folder / name.replace(" ", "-")
    folder.mkdir()
    environment = {
        **os.environ,
        "WSPORTAL_MODE": "serve",
        "VAR_DIR": str(folder / "var"),
        "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_UPSTREAM_NETWORKS": "loopback",
        "PORT_OFFSET": str(port - 9099),
        "WSPORTAL_COMPILED": str(builds or "off"),
        "GATEWAY_TLS_CERT": str(certificate(folder)[0]),
        "GATEWAY_TLS_KEY": str(certificate(folder)[1]),
    }
    seed = [sys.executable, str(HERE / "seed.py"), f"ws://localhost:{upstream}"]
    made = subprocess.run(seed, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    facts = json.loads(made.stdout.splitlines()[-1])
    log = (folder / "gateway.log").open("w")
    command = [sys.executable, "manage.py", "serve", "gateway"]
    process = pinned(core, *command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    wait_for(port, process)
    return Proxy(name, port, process, facts["path"], [f"Authorization: Bearer {facts['token']}"])
