"""The recipes of services are followed as they stand: a unit of systemd, and a function that a platform like AWS Lambda starts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import pytest

from tests.material.containers import Podman
from tests.material.debian import debian_root
from tests.material.environments import run
from tests.material.isolation import bare_root, namespace
from tests.material.pages import Place, follow
from tests.material.programs import need
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything
UP = "until systemctl is-system-running --wait 2>&1 | grep -qE 'running|degraded'; do :; done"
"""Ends when systemd has started what it starts by itself."""


@pytest.fixture
def machine(podman: Podman, desk: Desk, tmp_path: Path) -> Iterator[Place]:
    """A Debian 12 of which systemd is the first process, in a container that has the desk's folder and its /opt."""
    root = debian_root("bookworm", tmp_path / "root", ("systemd", "dbus"), "systemd")
    run(["tar", "cf", tmp_path / "root.tar", "-C", root, "."])
    shutil.rmtree(root)
    assert podman("import", "-q", tmp_path / "root.tar", "with-systemd").returncode == 0
    (tmp_path / "root.tar").unlink()
    name = "recipe-of-systemd"
    folders = ("-v", f"{desk.folder}:/desk:ro", "-v", f"{desk.opt}:/opt")
    done = podman.run(
        "with-systemd",
        "/lib/systemd/systemd",
        more=("-d", "--name", name, "--systemd=always", "--privileged", *folders),
    )
    try:
        booted = podman("exec", name, "timeout", "60", "sh", "-c", UP)
        if done.returncode != 0 or booted.returncode != 0:
            pytest.skip(f"systemd does not start in a container here: {done.stderr[-200:]}{booted.stderr[-200:]}")

        def shell(line: str) -> subprocess.CompletedProcess[str]:
            return podman("exec", "-w", "/desk", name, "sh", "-c", f"exec 2>&1; {line}")

        yield shell
    finally:
        podman("rm", "-f", "-t", "1", name)


def test_a_service_of_systemd(machine: Place, desk: Desk) -> None:
    need("systemd-analyze")
    assert follow("recipes/systemd.md", desk.folder, {"": desk.own(), "machine": machine}) >= 9


class RuntimeApi(BaseHTTPRequestHandler):
    """What a function asks for events, as AWS describes it: one event at a time, and answers that name it."""

    events: Queue[str]
    answers: Queue[str]

    def do_GET(self) -> None:
        """Wait for an event, and give it."""
        assert self.path == "/2018-06-01/runtime/invocation/next"
        body = self.events.get().encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take an answer, or an error."""
        assert self.path.startswith(("/2018-06-01/runtime/invocation/8476a536/", "/2018-06-01/runtime/init/error"))
        self.answers.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(202)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def runtime_api() -> Iterator[tuple[HTTPServer, type[RuntimeApi]]]:
    """A server on the loopback."""

    class Api(RuntimeApi):
        events: Queue[str] = Queue()
        answers: Queue[str] = Queue()

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server, Api
        server.shutdown()


def test_a_function(desk: Desk, tmp_path: Path) -> None:
    """In a root that nobody can write to but for /tmp, as a user without a name, with the variables that AWS sets and no others."""
    need("unzip")
    root = bare_root(tmp_path / "root")
    task = root / "var/task"
    with runtime_api() as (server, api):
        variables = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "_HANDLER": "function.handler",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
        }
        started: list[subprocess.Popen[bytes]] = []

        def invoke(line: str) -> subprocess.CompletedProcess[str]:
            """`invoke EVENT`: the platform unpacks and starts the function when the first event comes."""
            _, event = shlex.split(line)
            if not started:
                task.mkdir(parents=True)
                run(["unzip", "-q", desk.folder / "function.zip", "-d", task])
                started.append(start_in(root, variables))
            api.events.put(event)
            return subprocess.CompletedProcess(line, 0, api.answers.get(timeout=60), "")

        try:
            assert follow("recipes/lambda.md", desk.folder, {"": desk.own(), "lambda": invoke}) == 5
        finally:
            for process in started:
                process.kill()
                process.wait()


def start_in(root: Path, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """`/var/task/bootstrap` of a root, all of which but /tmp is read-only, as the user 993."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    script = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc" &&'
        ' mount -t tmpfs -o size=64m none "$1/tmp" || exit 99; exec "$2" --userspec=993:990 "$1" /var/task/bootstrap'
    )
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    return subprocess.Popen([*namespace(), "sh", "-c", script, "sh", root, chroot], env=variables)
