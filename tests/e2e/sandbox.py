"""Namespaces of their own: what happens inside cannot reach the machine, nor outlive the run.

Network: a loopback alone, which has the registries' addresses. Mounts: the hosts file is another, all that
is written goes to memory, and the root file system is read-only. Processes: when the first one ends, for
whatever reason, the kernel ends the others and drops the mounts and the network with them. So there is
nothing to clean up, not even after a SIGKILL. Only the engine's empty control groups remain (``docker``).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e import programs

ROOT = Path("/run/e2e")
"""The directory for all files. It is short, because the path of a socket has at most 107 bytes."""

_WRITABLE = ("/run", "/var/tmp", "/etc/docker")
"""Directories that dockerd and podman always use. Each run has its own empty ones."""

_NAMESPACES = ("unshare", "--net", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child")
_END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
_SECONDS_TO_LEAVE = 5.0


def obstacle() -> str | None:
    """Return why there can be no sandbox on this machine, or an empty string."""
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
    """Run ``python -m tests.e2e`` with ``arguments`` in the sandbox, and return its exit status."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    inside = subprocess.Popen(
        [*_END_WITH_PARENT, *_NAMESPACES, sys.executable, "-m", "tests.e2e", *arguments],
        stdin=subprocess.DEVNULL,
        # Only this process receives Ctrl-C, and no client has a terminal for prompts.
        start_new_session=True,
    )
    try:
        # The run has its own time limit. This one is for a run that hangs.
        return inside.wait(programs.TOTAL_SECONDS + 2 * programs.PROGRAM_SECONDS)
    finally:
        _end(inside)


def _end(inside: subprocess.Popen[bytes]) -> None:
    """Terminate the first process of the sandbox, which ends all others; kill it if it does not end."""
    if inside.poll() is None:
        os.killpg(inside.pid, signal.SIGTERM)
        try:
            inside.wait(_SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            inside.kill()
            inside.wait()


def furnish(addresses: Mapping[str, str]) -> None:
    """Set up the namespaces; ``addresses`` maps host names to addresses."""
    # The first process receives only signals that it handles. No cleanup is needed: rows are flushed when
    # they are printed, and the kernel ends the processes.
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
