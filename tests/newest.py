"""``make newest``: the test suite and the end-to-end rows with the Pythons and clients of a Debian suite.

It needs root, mmdebstrap and the package indexes, so it is part of neither the test suite nor ``.ci/run``.
"""

from __future__ import annotations

import re
import sys

from tests.chroot import Chroot, ChrootError, suite_chroot

TOOLS = (
    "python3", "python3-venv", "make", "git", "openssl", "iproute2", "apache2-utils", "curl", "fish",
    "man-db", "zsh", "docker-registry", "golang-docker-credential-helpers", "pass", "gnupg",
)  # fmt: skip
"""What the tests need, in addition to Pythons and clients."""

CLIENTS = (
    "docker.io", "docker-cli", "docker-buildx", "docker-compose", "podman", "buildah", "skopeo", "crane",
    "oras", "amazon-ecr-credential-helper",
)  # fmt: skip

_VENV = re.compile(r"python(3\.\d+)-venv")


def main(suite: str) -> int:
    """Run everything in a chroot of ``suite``; return the exit status."""
    try:
        with suite_chroot(suite, (*TOOLS, *CLIENTS)) as chroot:
            return _run(chroot)
    except ChrootError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(chroot: Chroot) -> int:
    """Run the tests with each Python, and the end-to-end rows with the default one; return the status."""
    results: dict[str, int] = {}
    versions = _pythons(chroot)
    chroot.install(
        package for version in versions for package in (f"python{version}", f"python{version}-venv")
    )
    for version in versions:
        results[f"tests, CPython {version}"] = _test(chroot, version)
    _announce(f"make e2e, CPython {versions[0]}")
    results[f"e2e, CPython {versions[0]}"] = _make(chroot, versions[0], "e2e")
    _announce(f"Debian {chroot.suite}")
    print(_clients(chroot))
    for name, status in results.items():
        print(f"{name}: {'FAILED' if status else 'passed'}")
    return int(any(results.values()))


def _test(chroot: Chroot, version: str) -> int:
    """Run the test suite, without a limit for coverage: it is for the versions that ``.ci/run`` uses."""
    venv = f".venv-{version}"
    _announce(f"make test, CPython {version}")
    if status := _make(chroot, version, f"{venv}/test"):
        return status
    return chroot.run(f"{venv}/bin/python", "-m", "pytest", "--numprocesses=auto", cwd="/project")


def _make(chroot: Chroot, version: str, target: str) -> int:
    variables = (f"PYTHON=python{version}", f"VENV=.venv-{version}")
    return chroot.run("make", "--no-print-directory", target, *variables, cwd="/project")


def _pythons(chroot: Chroot) -> list[str]:
    """Return the versions of the CPythons of the suite: its default one, then the newer ones."""
    default = chroot.output("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    names = chroot.output("apt-cache", "pkgnames", "python3.").split()
    found = [match[1] for name in names if (match := _VENV.fullmatch(name))]
    return sorted({default, *(one for one in found if _minor(one) > _minor(default))}, key=_minor)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _clients(chroot: Chroot) -> str:
    """Return the installed clients with the versions of their packages, one per line."""
    installed = chroot.output("dpkg-query", "--show", "--showformat=${Package} ${Version}\n").splitlines()
    return "\n".join(line for line in installed if line.partition(" ")[0] in CLIENTS)


def _announce(step: str) -> None:
    print(f"\n== {step}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
