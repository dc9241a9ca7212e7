"""``make release``: only the archives of the tagged version are published, with their notes and an SBOM."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

from tests import release
from tests.release import ReleaseError, check_archives, main, notes

CHANGELOG = """\
# Changelog

## Unreleased

## 1.10.0 (2030-02-03)

### Added
- A thing.

## 1.1.0 (2030-01-02)
## 1.0.0 (not yet released)
- The first one.
"""

METADATA = """\
Metadata-Version: 2.4
Name: docker-credential-ecr-py
Version: 1.10.0
License-Expression: Apache-2.0
"""


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a directory with a wheel that needs no other package, and with an sdist."""
    folder = tmp_path / "dist"
    folder.mkdir()
    info = "docker_credential_ecr_py-1.10.0.dist-info"
    with zipfile.ZipFile(folder / "docker_credential_ecr_py-1.10.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    (folder / "docker_credential_ecr_py-1.10.0.tar.gz").write_text("")
    return folder


def test_the_notes_are_the_section_of_exactly_that_version() -> None:
    assert notes(CHANGELOG, "1.10.0") == "### Added\n- A thing.\n"
    assert notes(CHANGELOG, "1.0.0") == "- The first one.\n"


def test_links_in_the_notes_lead_to_the_files_of_the_version() -> None:
    text = "See [a](docs/a.md#b), [c](https://c.example) and [d](#d)."
    assert release.with_absolute_links(text, "https://host.example/me/it", "1.0.0") == (
        "See [a](https://host.example/me/it/blob/v1.0.0/docs/a.md#b), [c](https://c.example) and [d](#d)."
    )


@pytest.mark.parametrize("version", ["1.1.0", "1.1", "1.10.1", "Unreleased", ""])
def test_a_release_without_notes_is_an_error(version: str) -> None:
    with pytest.raises(ReleaseError, match="describe it below"):
        notes(CHANGELOG, version)


@pytest.mark.parametrize("tag", [None, "v1.10.0"])
def test_the_tag_is_that_of_the_wheel(tag: str | None, dist: Path) -> None:
    assert check_archives(dist, tag).name == "docker_credential_ecr_py-1.10.0-py3-none-any.whl"


@pytest.mark.parametrize("tag", ["v1.10", "v1.1.0", "1.10.0", "v1.10.0-rc1", ""])
def test_another_tag_publishes_nothing(tag: str, dist: Path) -> None:
    with pytest.raises(ReleaseError, match=r"the package has version 1\.10\.0"):
        check_archives(dist, tag)


@pytest.mark.parametrize("name", ["docker_credential_ecr_py-1.10.0.tar.gz", "notes.txt", "other-1.0.whl"])
def test_nothing_else_is_published(name: str, dist: Path) -> None:
    if (dist / name).exists():
        (dist / name).unlink()
    else:
        (dist / name).write_text("")
    with pytest.raises(ReleaseError, match="remove it and run make dist"):
        check_archives(dist, None)


def test_a_problem_is_one_line(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAG", "v2")
    assert main([str(dist), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == (
        "release: v2: the package has version 1.10.0; tag the commit of that version\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not importlib.util.find_spec("cyclonedx_py"), reason="make release installs the tools")
def test_the_sbom_describes_the_wheel_and_not_the_tools(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    release.write_sbom(wheel, tmp_path / "sbom.json")
    sbom = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert sbom["bomFormat"] == "CycloneDX"
    described = sbom["metadata"]["component"]
    assert (described["name"], described["version"]) == ("docker-credential-ecr-py", "1.10.0")
    assert sbom.get("components", []) == []


@pytest.mark.skipif(not importlib.util.find_spec("twine"), reason="make release installs the tools")
def test_a_damaged_archive_is_not_published(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    assert main([str(dist), str(tmp_path / "out")]) == 1
    assert "release: twine failed; see its message above\n" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
