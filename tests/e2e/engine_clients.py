"""Clients that transfer images through the engine, and send it the login."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.e2e import engine, programs
from tests.e2e.clients import Client, Library, digest_in, layer
from tests.e2e.home import Home


class Docker(Client):
    """One of the docker commands on PATH."""

    name = "docker"

    def __init__(self, path: str) -> None:
        self.path = path
        self.programs = (path, "dockerd")

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            home.run(self.path, "import", "-", reference, stdin=layer(reference))
            home.run(self.path, "push", reference)
            home.run(self.path, "image", "rm", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        answers = [home.run_silently(self.path, "pull", reference) for reference in references]
        return [digest_in(answer, "Digest: ") for answer in answers]


class DockerLogout(Docker):
    """Logs out before it pulls: the helper removes the token without an error, and fetches a new one."""

    name = "docker logout"
    calls_per_region = 2

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        for reference in references:
            home.run_silently(self.path, "logout", reference.partition("/")[0])
        return super().pull(home, references)


class ClassicBuild(Docker):
    """The engine's old builder: the command sends it all available logins in advance."""

    name = "docker build"
    environment: ClassVar = {"DOCKER_BUILDKIT": "0"}

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        self.build(home, references)
        digests = [engine.digest(reference) for reference in references]
        # Otherwise the next build would pull nothing.
        home.run(self.path, "image", "rm", "--force", *references)
        return digests

    def build(self, home: Home, references: Sequence[str]) -> str:
        """Build an image from all of ``references`` and return the output."""
        stages = [f"FROM {reference} AS stage{n}" for n, reference in enumerate(references)]
        copies = [f"COPY --from=stage{n} / /{n}/" for n in range(len(references) - 1)]
        context = home.write("context/Dockerfile", "\n".join([*stages, *copies])).parent
        built = home.run(self.path, "build", str(context), environment=self.environment)
        return built.stdout + built.stderr


class BuildKit(ClassicBuild):
    """The engine's new builder: it requests each login from the command when it needs it."""

    name = "docker BuildKit"
    environment: ClassVar = {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        progress = self.build(home, references)
        return [digest_in(progress, f"{reference}@") for reference in references]

    def missing(self) -> list[str]:
        return super().missing() or ([] if self.offered() else ["buildx"])

    def offered(self) -> bool:
        """Return whether this command has a BuildKit client: built in up to version 22, then as a plugin."""
        try:
            return int(self.version().partition(".")[0]) <= 22 or has_plugin(self.path, "buildx")
        except (OSError, programs.ProgramError):
            return False


class Buildx(BuildKit):
    """The plugin: it pushes what it builds, and inspects images in the registry without the engine."""

    name = "docker buildx"

    def missing(self) -> list[str]:
        return Client.missing(self) or ([] if has_plugin(self.path, "buildx") else [self.name])

    def version(self) -> str:
        return programs.version_in(programs.run([self.path, "buildx", "version"]).stdout)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            home.write("context/layer.tar", layer(reference))
            context = home.write("context/Dockerfile", "FROM scratch\nADD layer.tar /\n").parent
            home.run(self.path, "buildx", "build", "--push", f"--tag={reference}", str(context))
            home.run(self.path, "image", "rm", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        inspect = (self.path, "buildx", "imagetools", "inspect")
        shown = [" ".join(home.run(*inspect, reference).stdout.split()) for reference in references]
        seen = [digest_in(text, "Digest: ") for text in shown]
        built = super().pull(home, references)
        return built if built == seen else [f"{built}, but imagetools saw {seen}"]


class Compose(Client):
    """docker-compose, which pulls and pushes all services of its file at once: version 1 in Debian 12."""

    name = "docker-compose"
    programs = ("docker-compose", "dockerd")
    command: tuple[str, ...] = ("docker-compose",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        home.write("context/layer.tar", layer(home.folder.name))
        home.write("context/Dockerfile", "FROM scratch\nADD layer.tar /\n")
        services = {name.partition("/")[0]: {"build": "context", "image": name} for name in references}
        home.write("docker-compose.yml", json.dumps({"version": "3", "services": services}))
        for command in (["build"], ["push"], ["down", "--rmi=all"]):
            home.run(*self.command, *command)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        home.run(*self.command, "pull")
        return [engine.digest(reference) for reference in references]


class ComposePlugin(Compose):
    """Version 2, as a plugin of the docker command."""

    name = "docker compose"

    def __init__(self, docker: str) -> None:
        self.command = (docker, "compose")
        self.programs = (docker, "dockerd")

    def missing(self) -> list[str]:
        return super().missing() or ([] if has_plugin(self.command[0], "compose") else [self.name])

    def version(self) -> str:
        return programs.version_in(programs.run([*self.command, "version"]).stdout)


class DockerPy(Library):
    """The library with which Ansible, testcontainers and others call the engine."""

    name = "docker-py"
    programs = ("dockerd",)
    package = "docker"


class DockerPyBuild(DockerPy):
    """docker-py's ``build()``: like the classic build, it sends every login that it finds."""

    name = "docker-py build"

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._run(home, "build", reference) for reference in references]


def has_plugin(docker: str, plugin: str) -> bool:
    """Return whether a docker command has a plugin."""
    try:
        programs.run([docker, plugin, "version"])
    except (OSError, programs.ProgramError):
        return False
    return True


def docker_commands() -> list[str]:
    """Return all docker commands on PATH: old and new ones call their helpers differently."""
    places = (Path(folder, "docker") for folder in os.get_exec_path())
    found = dict.fromkeys(str(place.resolve()) for place in places if place.is_file())
    return list(found) or ["docker"]
