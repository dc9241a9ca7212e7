"""How the helper was installed: without byte code, under which Python, and what an install itself takes."""

import shutil
from dataclasses import replace

from benchmarks import environments
from benchmarks.homes import PYTHON, Home
from benchmarks.processes import Command, WrongAnswerError, run
from benchmarks.report import Count, Section
from benchmarks.surroundings import Surroundings

NO_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def byte_code(surroundings: Surroundings) -> Section:
    """Compare two environments that differ in their byte code alone."""
    section = Section("Where Python cannot write byte code")
    section.note = (
        "The helper and its dependencies have no `.pyc` files, as in a read-only install by an installer "
        "that writes none; Python's own library has them. The other is the same install with byte code."
    )
    plain, compiled = (make(surroundings.directory) for make in (environments.plain, environments.compiled))
    if reason := environments.failure(plain) or environments.failure(compiled):
        section.skip("no byte code", reason)
        return section
    homes = surroundings.home(), surroundings.home()  # each with a cache of its own
    without, usual = (
        home.get(helper=environments.helper(place))
        for home, place in zip(homes, (plain, compiled), strict=True)
    )
    commands = replace(without, variables={**without.variables, **NO_BYTE_CODE}), usual
    beside = "the same with byte code"

    def forget() -> None:
        for home in homes:
            home.forget()

    for command in commands:
        run(command)
    with homes[0].nobody_asked():  # both have the same fakes
        section.add(surroundings.compare("warm get, no byte code", beside, commands, 60))
    section.add(surroundings.compare("cold get, no byte code", beside, commands, 12, forget))
    if any(plain.rglob("*.pyc")):
        raise WrongAnswerError(f"there is byte code in {plain}")
    return section


def pythons(surroundings: Surroundings) -> Section:
    """Compare a warm get with the start of each Python that is here."""
    section = Section("Warm get under each Python")
    for version in environments.VERSIONS:
        environment = environments.of_python(surroundings.directory, version)
        if reason := environments.failure(environment):
            section.skip(f"CPython {version}", reason)
            continue
        home = surroundings.home()
        run(home.get())  # the environment has no botocore
        get, bare = (
            home.get(helper=environments.helper(environment)),
            home.bare(str(environment / "bin/python")),
        )
        patch = run(home.command(bare.argv[0], "-c", "import platform; print(platform.python_version())"))
        with home.nobody_asked():
            name = f"CPython {patch.stdout.strip()}"
            section.add(surroundings.compare(name, "python -c pass", (get, bare), 60))
    if section.ratios:
        medians = [row.quartiles[1] for row in section.ratios]
        section.add(Count("warm get, all Pythons here", f"{min(medians):.2f} to {max(medians):.2f}"))
    return section


def install(surroundings: Surroundings) -> Section:
    """Compare a cold get with an install of the helper and its dependencies from wheels on the disk."""
    section = Section("Cold get beside an install of the wheels")
    section.note = (
        "Into a new environment, from a folder of wheels, without a network and without a cache: what a CI "
        "machine that installs the helper in every job pays before its first login."
    )
    environment = surroundings.directory / "installed"
    home = surroundings.home()

    def forget() -> None:
        home.forget()
        shutil.rmtree(environment, ignore_errors=True)
        run(home.command(environments.UV, "venv", "--quiet", "--python", PYTHON, str(environment)))

    if reason := environments.failure(environments.plain(surroundings.directory)):
        section.skip("an install", reason)
        return section
    for name, command, rounds in (
        ("uv", _uv(home, surroundings, str(environment)), 10),
        ("pip", _pip(home, surroundings, str(environment)), 5),
    ):
        commands = home.get(), command
        section.add(surroundings.compare("cold get", f"an install by {name}", commands, rounds, forget, 1))
        run(home.get(helper=environments.helper(environment)))
    return section


def _uv(home: Home, surroundings: Surroundings, environment: str) -> Command:
    words = ("pip", "install", "--offline", "--no-cache", "--python", environment)
    return home.command(environments.UV, *words, *_from_disk(surroundings))


def _pip(home: Home, surroundings: Surroundings, environment: str) -> Command:
    words = ("-m", "pip", "--python", environment, "install", "--no-cache-dir", "--disable-pip-version-check")
    return home.command(PYTHON, *words, *_from_disk(surroundings), says=environments.DISTRIBUTION)


def _from_disk(surroundings: Surroundings) -> tuple[str, ...]:
    folder = str(environments.wheels(surroundings.directory))
    return "--no-index", "--find-links", folder, environments.DISTRIBUTION
