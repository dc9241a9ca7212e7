"""Kinds of installs: without byte code, with each version of Python, and the time of the install itself."""

import shutil
from dataclasses import replace

from benchmarks import environments
from benchmarks.fixture import Fixture
from benchmarks.homes import PYTHON, Home
from benchmarks.processes import Command, WrongOutputError, run
from benchmarks.report import Count, Section

NO_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def byte_code(fixture: Fixture) -> Section:
    """Compare two environments that differ only in their byte code."""
    section = Section("Where Python cannot write byte code")
    section.note = (
        "The helper and its dependencies have no `.pyc` files, as in a read-only install by an installer "
        "that writes none; Python's own library has them. The other is the same install with byte code."
    )
    plain, compiled = (make(fixture.directory) for make in (environments.plain, environments.compiled))
    if reason := environments.failure(plain) or environments.failure(compiled):
        section.skip("no byte code", reason)
        return section
    homes = fixture.home(), fixture.home()  # with separate caches
    without, usual = (
        home.get(helper=environments.helper(place))
        for home, place in zip(homes, (plain, compiled), strict=True)
    )
    commands = replace(without, variables={**without.variables, **NO_BYTE_CODE}), usual
    baseline = "the same with byte code"

    def forget() -> None:
        for home in homes:
            home.forget()

    for command in commands:
        run(command)
    with homes[0].assert_no_calls():  # The fakes count the calls of both homes.
        section.add(fixture.compare("warm get, no byte code", baseline, commands, 60))
    section.add(fixture.compare("cold get, no byte code", baseline, commands, 12, forget))
    if any(plain.rglob("*.pyc")):
        raise WrongOutputError(f"there is byte code in {plain}")
    return section


def pythons(fixture: Fixture) -> Section:
    """Compare a warm get with the start of the interpreter, for each version of Python on this machine."""
    section = Section("Warm get under each Python")
    for version in environments.VERSIONS:
        environment = environments.of_python(fixture.directory, version)
        if reason := environments.failure(environment):
            section.skip(f"CPython {version}", reason)
            continue
        home = fixture.home()
        run(home.get())  # the environment has no botocore
        get, bare = (
            home.get(helper=environments.helper(environment)),
            home.bare(str(environment / "bin/python")),
        )
        patch = run(home.command(bare.argv[0], "-c", "import platform; print(platform.python_version())"))
        with home.assert_no_calls():
            name = f"CPython {patch.stdout.strip()}"
            section.add(fixture.compare(name, "python -c pass", (get, bare), 60))
    if section.ratios:
        medians = [row.quartiles[1] for row in section.ratios]
        section.add(Count("warm get, all Pythons here", f"{min(medians):.2f} to {max(medians):.2f}"))
    return section


def install(fixture: Fixture) -> Section:
    """Compare a cold get with an install of the helper and its dependencies from local wheels."""
    section = Section("Cold get compared with an install of the wheels")
    section.note = (
        "Into a new environment, from a directory of wheels, without a network and without a cache, as on a "
        "CI machine that installs the helper in every job before its first login."
    )
    environment = fixture.directory / "installed"
    home = fixture.home()

    def forget() -> None:
        home.forget()
        shutil.rmtree(environment, ignore_errors=True)
        run(home.command(environments.UV, "venv", "--quiet", "--python", PYTHON, str(environment)))

    if reason := environments.failure(environments.plain(fixture.directory)):
        section.skip("an install", reason)
        return section
    for name, command, rounds in (
        ("uv", _uv(home, fixture, str(environment)), 10),
        ("pip", _pip(home, fixture, str(environment)), 5),
    ):
        commands = home.get(), command
        section.add(fixture.compare("cold get", f"an install by {name}", commands, rounds, forget, 1))
        run(home.get(helper=environments.helper(environment)))
    return section


def _uv(home: Home, fixture: Fixture, environment: str) -> Command:
    words = ("pip", "install", "--offline", "--no-cache", "--python", environment)
    return home.command(environments.UV, *words, *_from_disk(fixture))


def _pip(home: Home, fixture: Fixture, environment: str) -> Command:
    words = ("-m", "pip", "--python", environment, "install", "--no-cache-dir", "--disable-pip-version-check")
    return home.command(PYTHON, *words, *_from_disk(fixture), expected=environments.DISTRIBUTION)


def _from_disk(fixture: Fixture) -> tuple[str, ...]:
    directory = str(environments.wheels(fixture.directory))
    return "--no-index", "--find-links", directory, environments.DISTRIBUTION
