"""The engine: a dockerd that shares nothing with that of the machine, called through its socket."""

import http.client
import json
import os
import socket
import time
from contextlib import closing

from tests.e2e import programs
from tests.e2e.certificates import CA
from tests.e2e.sandbox import ROOT

SOCKET = ROOT / "docker.sock"

_START_SECONDS = 30.0


def start() -> None:
    """Start dockerd and wait until it responds. If overlay mounts are forbidden, use plain copies."""
    try:
        _start("overlay2")
    except programs.ProgramError:
        _start("vfs")


def _start(storage: str) -> None:
    folder = ROOT / f"dockerd-{storage}"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    log = folder / "log"
    command = [
        "dockerd",
        f"--config-file={folder / 'config.json'}",
        f"--host=unix://{SOCKET}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--storage-driver={storage}",
        # Containers use the network of the sandbox (--network=host), so none needs a bridge.
        *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
    ]
    places = dict.fromkeys(("HOME", "TMPDIR"), str(folder))
    environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(CA), **places}
    server = programs.start(command, log=log, environment=environment)
    give_up = time.monotonic() + _START_SECONDS
    # The socket exists before the engine is ready, so call it until it responds.
    while not _answers():
        if server.poll() is not None or time.monotonic() > give_up:
            server.kill()
            raise programs.ProgramError(f"dockerd did not start:\n…{log.read_text()[-2000:]}")
        time.sleep(0.05)  # The engine does not report that it is ready.


def digest(reference: str) -> str:
    """Return the digest under which the engine pulled ``reference``."""
    status, body = _get(f"/images/{reference}/json")
    if status != http.client.OK:
        raise programs.ProgramError(f"the engine has no {reference}: {body}")
    digests = dict(name.split("@") for name in json.loads(body)["RepoDigests"])
    return str(digests.get(reference.rpartition(":")[0], "none"))


def _answers() -> bool:
    try:
        return _get("/_ping")[0] == http.client.OK
    except OSError:
        return False


def _get(path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("engine")) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(str(SOCKET))
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
