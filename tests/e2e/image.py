"""The container image, built once by the commands of its page, on bases that are made from this machine."""

import functools
import shlex
from pathlib import Path

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import pages, programs, rootfs
from tests.e2e.engine_clients import BuildKit, ClassicBuild, docker_commands
from tests.e2e.home import Home
from tests.e2e.sandbox import ROOT

PROGRAM = "docker-credential-ecr-py"
IMAGE = "ecr-py"

PROJECT = Path(__file__).parents[2]
WHEELS = PROJECT / "wheelhouse"

PYTHON = "python:3.13-slim"
DEBIAN = "debian:trixie-slim"
CLIENT = "docker:cli"
"""Images that the page takes from a public registry. Those of this machine take their names."""


def missing() -> list[str]:
    """Return what this machine lacks for building the image."""
    wheels = [] if any(WHEELS.glob("*.whl")) else [f"{WHEELS.name}/*.whl"]
    return programs.missing(("dockerd", "ldd", "ldconfig", "tar", *rootfs.SHELL)) + wheels


def builders() -> list[ClassicBuild]:
    """Return the builders of the engine: the old one, and the new one if a command has a client for it."""
    commands = docker_commands()
    return [ClassicBuild(commands[0]), *[kit for kit in map(BuildKit, commands) if kit.offered()][:1]]


@functools.cache
def home_with_bases(api: FakeECR) -> Home:
    """Make the images that the page takes from registries, and return the home directory for building."""
    home = Home(ROOT / "homes/image", api)
    docker = docker_commands()[0]
    root, client = home.folder / "root", home.folder / "client"
    rootfs.add_shell(root)
    rootfs.import_as(home, docker, root, DEBIAN)
    rootfs.add_python(root)
    rootfs.import_as(home, docker, root, PYTHON)
    home.run(docker, "tag", PYTHON, f"registry.example.test/{PYTHON}")
    rootfs.add_program(client, docker, "docker")
    rootfs.import_as(home, docker, client, CLIENT)
    return home


def build(home: Home, builder: ClassicBuild, line: str) -> None:
    """Run a build command of the page in the project's directory."""
    _, *command, _ = shlex.split(line)
    # The engine has no bridge, so no step can have a network, whether the page forbids it or not.
    home.run(builder.path, *command, "--network=none", str(PROJECT), environment=builder.environment)


@functools.cache
def home_with_image(api: FakeECR) -> Home:
    """Build the image with the first command of the page, and let it call the fake API."""
    home = home_with_bases(api)
    build(home, builders()[-1], pages.image_builds()[0])
    build_from(home, f"FROM {IMAGE}\nENV AWS_ENDPOINT_URL={api.url}\n", IMAGE)
    return home


def build_from(home: Home, dockerfile: str, tag: str) -> None:
    """Build an image from another one, without files."""
    context = home.write("context/Dockerfile", dockerfile).parent
    builder = builders()[0]
    home.run(builder.path, "build", "--tag", tag, str(context), environment=builder.environment)


def run(home: Home, *arguments: str, environment: dict[str, str] | None = None, stdin: bytes = b"") -> str:
    """Run a container that can reach the fake API, and return its output."""
    command = (docker_commands()[0], "run", "--rm", "--pull=never", "--network=host")
    return home.run(*command, *arguments, environment=environment, stdin=stdin).stdout
