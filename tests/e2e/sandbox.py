"""Namespaces of their own: what happens inside cannot reach the machine, nor outlive the run.

Network: a loopback alone, which has the registries' addresses. Mounts: the hosts file is another, all that
is written goes to memory, and the root file system is read-only. Processes: when the first one ends, for
whatever reason, the kernel ends the others and drops the mounts and the network with them. So there is
nothing to clean up, not even after a SIGKILL.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e import programs

ROOT = Path("/run/e2e")
"""Where everything is written. Short, since a socket's path has at most 107 bytes."""

_WRITABLE = ("/run", "/var/tmp", "/etc/docker")
"""Places that dockerd and podman insist on; each run has its own, empty."""

_NAMESPACES = ("unshare", "--net", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child")
_END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
_SECONDS_TO_LEAVE = 5.0


def obstacle() -> str | None:
    """Return why this machine offers no sandbox, if so."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs root on Linux"
    if absent := programs.missing(("unshare", "setpriv", "ip", "mount")):
        return f"no {', '.join(absent)}"
    try:
        programs.run([*_NAMESPACES, "true"])
    except programs.ProgramError as error:
        return f"no namespaces: {' '.join(str(error).split())}"
    return None


def enter(arguments: Sequence[str]) -> int:
    """Run ``python -m tests.e2e`` with ``arguments`` inside, and return its exit status."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    inside = subprocess.Popen(
        [*_END_WITH_PARENT, *_NAMESPACES, sys.executable, "-m", "tests.e2e", *arguments],
        stdin=subprocess.DEVNULL,
        # Ctrl-C comes to this process alone, and no client finds a terminal to ask.
        start_new_session=True,
    )
    try:
        # The run keeps its own time; this is for one that cannot.
        return inside.wait(programs.TOTAL_SECONDS + 2 * programs.PROGRAM_SECONDS)
    finally:
        _end(inside)


def _end(inside: subprocess.Popen[bytes]) -> None:
    """Ask the first process in there to end, which ends all; insist when it does not."""
    if inside.poll() is None:
        os.killpg(inside.pid, signal.SIGTERM)
        try:
            inside.wait(_SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            inside.kill()
            inside.wait()


def furnish(addresses: Mapping[str, str]) -> None:
    """Make the namespaces fit to work in; ``addresses`` maps host names to theirs."""
    # The first process gets only the signals that it has a handler for. Nothing is left to finish here:
    # rows are flushed as they are printed, and the kernel does the rest.
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    for place in filter(os.path.isdir, _WRITABLE):
        programs.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", place])
    ROOT.mkdir()
    hosts = ROOT / "hosts"
    names = {"localhost": "127.0.0.1", **addresses}
    hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
    programs.run(["mount", "--bind", str(hosts), "/etc/hosts"])
    programs.run(["mount", "-o", "remount,bind,ro", "/"])
    programs.run(["ip", "link", "set", "lo", "up"])
    for address in addresses.values():
        programs.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
