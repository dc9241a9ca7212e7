"""Run in separate namespaces, in which the fakes have the host names of AWS and a trusted certificate.

Amazon's helper has no setting for another endpoint. Therefore, the namespaces have only a loopback network, a
hosts file and a store of CA certificates in private mounts, and processes that end with the first one. The
machine is not changed, no process can reach the network, and nothing remains, however the run ends.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import botocore

from tests.commands import checked

PROGRAMS = ("unshare", "setpriv", "mount", "ip", "openssl")
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
HTTPS = 443
SYSTEM_STORE = Path("/etc/ssl/certs")
"""The CA certificates of a Debian system, as files under OpenSSL's hashed names and all in ``BUNDLE``."""
BUNDLE = "ca-certificates.crt"
CHUNK = 64 * 1024
"""Bytes to forward at once: a whole response of the fakes, because old Go clients expect one TLS record."""


def problem(amazon: str) -> str:
    """Return why there can be no sandbox, or an empty string; ``amazon`` is the path of Amazon's helper."""
    if not amazon:
        return "docker-credential-ecr-login is not installed"
    if not (SYSTEM_STORE / BUNDLE).exists():
        return f"no CA certificates in {SYSTEM_STORE / BUNDLE}"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"not installed: {', '.join(missing)}"
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "its API host can only be faked in a namespace, which needs root on Linux"
    done = subprocess.run([*NAMESPACES, "true"], check=False, capture_output=True)
    return f"no namespaces: {done.stderr.decode().strip()}" if done.returncode else ""


def enter(arguments: Sequence[str]) -> int:
    """Run ``python -m benchmarks`` with ``arguments`` in the sandbox, and return its exit status."""
    return subprocess.call([*END_WITH_PARENT, *NAMESPACES, sys.executable, "-m", "benchmarks", *arguments])


def serve_as_aws(ports: Mapping[str, int], directory: Path) -> str:
    """Serve local ports over TLS under host names; return a CA bundle with botocore's CAs and our own."""
    certificate, key, hosts = (directory / name for name in ("certificate.pem", "key.pem", "hosts"))
    names = ",".join(f"DNS:{name}" for name in ports)
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-days", "1", "-subj", "/CN=benchmarks", "-addext", f"subjectAltName={names}"),
        *("-out", str(certificate), "-keyout", str(key)),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    lines = ["127.0.0.1 localhost"]
    _run("ip", "link", "set", "lo", "up")
    for number, (name, port) in enumerate(ports.items(), 2):
        lines.append(f"127.0.0.{number} {name}")
        listener = socket.create_server((f"127.0.0.{number}", HTTPS), backlog=128)
        _start(_accept, listener, context, port)
    hosts.write_text("".join(f"{line}\n" for line in lines))
    _run("mount", "--bind", str(hosts), "/etc/hosts")
    _trust(certificate, directory / "certs")
    bundle = directory / "cacert.pem"
    bundle.write_text(Path(botocore.__file__).with_name("cacert.pem").read_text() + certificate.read_text())
    return str(bundle)


def _trust(certificate: Path, store: Path) -> None:
    """Replace the system's CA certificates by a copy with one more certificate."""
    shutil.copytree(SYSTEM_STORE, store, symlinks=True)
    hashed = checked(("openssl", "x509", "-hash", "-noout", "-in", str(certificate))).stdout.strip()
    shutil.copy(certificate, store / f"{hashed}.0")
    everything = (store / BUNDLE).read_text() + certificate.read_text()
    (store / BUNDLE).unlink()  # it can be a link to the system's
    (store / BUNDLE).write_text(everything)
    _run("mount", "--bind", str(store), str(SYSTEM_STORE))


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        client, _ = listener.accept()
        _start(_serve, client, context, port)


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """Forward one TLS connection to a local port without TLS, in both directions."""
    with (
        suppress(OSError),
        context.wrap_socket(client, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", port)) as inside,
    ):
        for connection in (outside, inside):
            connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )  # Otherwise each request takes 40 ms more.
        _start(_forward, inside, outside)
        _forward(outside, inside)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def _start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def _run(*command: str) -> None:
    checked(command)
