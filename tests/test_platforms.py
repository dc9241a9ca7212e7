"""The page of platforms, the classifiers, the README and CI name the same Pythons and systems."""

from __future__ import annotations

import re
import tomllib

import pytest

from benchmarks.environments import VERSIONS
from tests.pages import page, section, table

PROJECT = tomllib.loads(page("pyproject.toml"))["project"]
PAGE = page("docs/reference/platforms.md")
RUNS = table(section(PAGE, "## Python and systems"))
"""System, Python, what ran, command, result."""

CLASSIFIERS = {"Linux": "POSIX :: Linux", "Windows": "Microsoft :: Windows", "macOS": "MacOS"}
"""What follows ``Operating System ::`` for each system."""

SEAMS = [row for row in table(section(PAGE, "## macOS")) if row[-1].startswith("`tests/")]


def classifiers(kind: str) -> set[str]:
    prefix = f"{kind} :: "
    return {name.removeprefix(prefix) for name in PROJECT["classifiers"] if name.startswith(prefix)}


def has_run(row: list[str]) -> bool:
    return row[-1] != "not run"


def pythons() -> set[str]:
    """Return the versions that ran, without previews."""
    released = [row[1] for row in RUNS if has_run(row) and "preview" not in row[1]]
    return set(re.findall(r"\d\.\d+", " ".join(released)))


def test_the_classifiers_are_what_ran() -> None:
    assert classifiers("Programming Language :: Python") == {"3 :: Only", *pythons()}
    systems = {row[0].partition(" (")[0] for row in RUNS if has_run(row)}
    assert classifiers("Operating System") == {CLASSIFIERS[system] for system in systems}
    assert {row[0].partition(" (")[0] for row in RUNS} == set(CLASSIFIERS)


def test_ci_and_the_benchmarks_use_the_pythons_of_the_classifiers() -> None:
    (versions,) = re.findall(r"for version in ([\d. ]+);", page(".ci/run"))
    assert set(versions.split()) == set(VERSIONS) == pythons()


@pytest.mark.parametrize("name", ["README.md", "docs/install.md", "docs/reference/platforms.md"])
def test_the_documents_state_the_oldest_python(name: str) -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert oldest == min(pythons(), key=lambda version: int(version.partition(".")[2]))
    assert set(re.findall(r"needs? Python (\d\.\d+)", page(name))) == {oldest}


@pytest.mark.parametrize("name", ["README.md", "docs/install.md"])
def test_the_documents_state_the_systems_that_ran(name: str) -> None:
    text = " ".join(page(name).split())
    assert "on Linux or Windows (tested under Wine only); nothing has run on macOS yet" in text
    assert [row[0] for row in RUNS if not has_run(row)] == ["macOS"]


def test_each_run_has_a_command_that_exists() -> None:
    targets = re.findall(r"^([a-z0-9]+):", page("Makefile"), re.MULTILINE)
    commands = {command.strip("`") for *_, command, result in RUNS if "TODO" not in result}
    assert {command.split()[1] for command in commands - {".ci/run"}} <= set(targets)


@pytest.mark.parametrize(("what", "test"), SEAMS)
def test_what_differs_on_macos_has_its_test(what: str, test: str) -> None:
    file, _, name = test.strip("`").partition("::")
    assert f"def {name}(" in page(file), what


def test_every_row_of_macos_names_a_test() -> None:
    assert len(SEAMS) == len(table(section(PAGE, "## macOS"))) > 8
