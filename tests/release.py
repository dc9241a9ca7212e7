"""``make release``: check the archives in ``dist``, and write the notes and the SBOM of their version.

The release workflow runs this between ``make dist`` and the publication. It sets ``TAG``, which must name the
version. Without ``TAG``, for example in ``.ci/run``, only this check is left out.
"""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message

ROOT = Path(__file__).parents[1]


class ReleaseError(Exception):
    """The archives cannot be published."""


def metadata(wheel: Path) -> Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def check_archives(dist: Path, tag: str | None) -> Path:
    """Return the wheel.

    Raise ReleaseError if other files would be published with it and its sdist, or if the tag does not fit.
    """
    wheels = list(dist.glob("*.whl"))
    if len(wheels) != 1:
        raise ReleaseError(f"{dist}: {len(wheels)} wheels instead of one; remove it and run make dist")
    wheel = wheels[0]
    package = metadata(wheel)
    name, version = package["Name"].replace("-", "_"), package["Version"]
    expected = {wheel.name, f"{name}-{version}.tar.gz"}
    if (found := {path.name for path in dist.iterdir()}) != expected:
        different = ", ".join(sorted(found ^ expected))
        raise ReleaseError(f"{dist}: missing or unexpected: {different}; remove it and run make dist")
    if tag is not None and tag != f"v{version}":
        raise ReleaseError(f"{tag}: the package has version {version}; tag the commit of that version")
    return wheel


def notes(changelog: str, version: str) -> str:
    """Return the section of a version in the changelog, without its heading."""
    sections = re.split(r"^## (.*)\n", changelog, flags=re.MULTILINE)[1:]
    for heading, content in zip(sections[::2], sections[1::2], strict=True):
        if heading.partition(" ")[0] == version:
            if content.strip():
                return f"{content.strip()}\n"
            break
    raise ReleaseError(f"CHANGELOG.md: nothing about version {version}; describe it below '## {version}'")


def with_absolute_links(text: str, repository: str, version: str) -> str:
    """Return a text whose links lead to the files of the version, so that they work everywhere."""
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({repository}/blob/v{version}/", text)


def write_sbom(wheel: Path, target: Path) -> None:
    """Write a CycloneDX SBOM of the wheel and of the dependencies that an installation gets today."""
    package = metadata(wheel)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # The environment has no pip, which would appear in the SBOM.
        venv.create(directory / "venv", with_pip=False)
        python = next(path for path in directory.glob("venv/*/python*") if path.stem == "python")
        _run("pip", "--python", python, "install", "--quiet", "--disable-pip-version-check", wheel)
        # In the project's own file, the version is dynamic.
        fields = {
            "name": package["Name"],
            "version": package["Version"],
            "license": package["License-Expression"],
            "dependencies": [one for one in package.get_all("Requires-Dist", ()) if "extra ==" not in one],
        }
        described = directory / "pyproject.toml"
        # A string or a list of strings is the same in JSON and in TOML.
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in fields.items()]
        described.write_text("".join(["[project]\n", *lines]), encoding="utf-8")
        _run("cyclonedx_py", "environment", "--pyproject", described, "--output-file", target, python)


def _run(module: str, *arguments: str | Path) -> None:
    """Run a module of this environment. Its own message explains a failure."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


def main(arguments: Sequence[str]) -> int:
    """Check the archives in the first directory, and write the notes and the SBOM to the second one."""
    dist, output = map(Path, arguments)
    try:
        wheel = check_archives(dist, os.environ.get("TAG"))
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        version = metadata(wheel)["Version"]
        text = notes(changelog, version)
        if repository := os.environ.get("GITHUB_REPOSITORY"):
            text = with_absolute_links(text, f"{os.environ['GITHUB_SERVER_URL']}/{repository}", version)
        _run("twine", "check", "--strict", *dist.iterdir())
        output.mkdir(parents=True, exist_ok=True)
        (output / "notes.md").write_text(text, encoding="utf-8")
        write_sbom(wheel, output / "sbom.cdx.json")
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"release: {error.cmd[2]} failed; see its message above", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
