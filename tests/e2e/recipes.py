"""The recipes of the documents that talk to engine and registries: the very programs, as they stand there.

Each is run twice, in a fresh home: by a stranger, whom the registry must not let in, and by somebody with AWS
keys. What is pulled was pushed by another client, and what is pushed is looked at by a plain HTTPS request.
"""

import hashlib
import json
import sys
from abc import ABC, abstractmethod
from collections import Counter
from http import HTTPStatus
from typing import ClassVar

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import pages
from tests.e2e.cases import cell, outcome, same
from tests.e2e.clients import Client, Library
from tests.e2e.daemonless_clients import OrasPy
from tests.e2e.engine_clients import Docker, DockerPy, docker_commands
from tests.e2e.home import CRED_HELPERS, Home
from tests.e2e.paging import PAGED, TAGS_PER_PAGE
from tests.e2e.programs import ProgramError
from tests.e2e.registries import EUROPE, ORDINARY, WEST, PrivateECR, basic
from tests.e2e.report import Row
from tests.e2e.sandbox import ROOT


class Recipe(ABC):
    """One program of the page, with its registry and a separate repository."""

    name: ClassVar[str]
    heading: ClassVar[str]
    repository: ClassVar[str]
    registry: ClassVar[PrivateECR] = WEST
    client: Client

    def __init__(self) -> None:
        self.other = Docker(docker_commands()[0])  # It pushes the image that the program pulls.

    def row(self) -> Row:
        """Return the row of this recipe before it has run."""
        return Row(self.client.name, "1 ECR", f"recipe: {self.name}")

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for this recipe."""
        return sorted({*self.client.missing(), *self.other.missing()})

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Run the program and return the row; ``name`` is for directories."""
        row = self.row()
        with outcome(row):
            row.version = self.client.version()
            home, stranger, other = (Home(ROOT / f"homes/{name}{whose}", api) for whose in ("", "s", "o"))
            CRED_HELPERS.write(other, [WEST.host])
            self.prepare(home, other)
            with cell(row, "anonymous", "refused"):
                same("answer to nobody", self.registry.status(""), HTTPStatus.UNAUTHORIZED)
                self.be_refused(stranger)
            asked_before = len(api.calls)
            self.configure(home)
            output = self.run(home)
            self.prove(row, home, output)
            same("passwords in its output", output.count(self.registry.password(api)), 0)
            calls = api.calls[asked_before:]
            with cell(row, "calls", str(len(calls))):
                same("API calls", Counter(call.region for call in calls), {self.registry.region: 1})
        return row

    def run(self, home: Home) -> str:
        """Run the program of the page and return its output."""
        script = home.write("recipe.py", pages.programs()[self.heading])
        done = home.run(sys.executable, "-P", str(script))
        return done.stdout + done.stderr

    def be_refused(self, stranger: Home) -> None:
        """Check that the program fails without a login."""
        self.estrange(stranger)
        try:
            self.run(stranger)
        except ProgramError as error:
            if not Client.refusal.search(str(error)):
                raise
        else:
            raise ProgramError("came in without a login")

    def estrange(self, stranger: Home) -> None:
        """Remove the source of the program's login."""
        stranger.lose_keys()

    def configure(self, home: Home) -> None:  # noqa: B027 - most programs need nothing
        """Write the files that the program needs in addition to AWS keys."""

    @abstractmethod
    def prepare(self, home: Home, other: Home) -> None:
        """Prepare the images that the program expects; ``other`` is a home that is allowed to push."""

    @abstractmethod
    def prove(self, row: Row, home: Home, output: str) -> None:
        """Check the effects of the program without using the program."""

    def reference(self, tag: str) -> str:
        return f"{self.registry.host}/{self.repository}:{tag}"

    def tags(self, api: FakeECR) -> list[str]:
        """Return the tags that are in the registry."""
        answer = self.registry.get(f"{self.repository}/tags/list", self.registry.password(api))
        return sorted(json.loads(answer)["tags"])


class WithAuthConfig(Recipe):
    """docker-py pulls an image and pushes it under another tag, with a login in its arguments."""

    name = "auth_config"
    heading = "docker-py, with auth_config"
    repository = "worker"
    client = DockerPy()

    def prepare(self, home: Home, other: Home) -> None:
        self.other.push(other, [self.reference("1")])
        same("tags before", self.tags(home.api), ["1"])

    def prove(self, row: Row, home: Home, output: str) -> None:
        with cell(row, "push"):
            same("tags", self.tags(home.api), ["1", "2"])
        first, second = (self.registry.digest(home.api, self.repository, tag) for tag in "12")
        with cell(row, "pull"), cell(row, "digest", first.removeprefix("sha256:")[:12]):
            same("digest of what was pushed", second, first)
        same("output", output, "")
        self.look_for_traces(home)

    def look_for_traces(self, home: Home) -> None:
        """Check that docker-py has written nothing."""
        same("folder .docker", (home.folder / ".docker").exists(), False)  # noqa: FBT003 - a comparison


class WithConfigJson(WithAuthConfig):
    """The same with a login from the helper. Without its configuration, it must fail."""

    name = "config.json"
    heading = "docker-py, through config.json"
    repository = "web"

    def estrange(self, stranger: Home) -> None:
        """Keep the keys: without a helper they do not log in."""

    def configure(self, home: Home) -> None:
        CRED_HELPERS.write(home, [self.registry.host])

    def look_for_traces(self, home: Home) -> None:
        """Check that the file has only the name of the helper, and no login."""
        content = json.loads((home.folder / CRED_HELPERS.file).read_text())
        same("config.json", list(content), ["credHelpers"])


class WithOras(Recipe):
    """oras-py pushes a file and pulls it."""

    name = "oras-py"
    heading = "oras-py"
    repository = "reports"
    registry = EUROPE
    client = OrasPy()

    report = b"All is well.\n"

    def prepare(self, home: Home, other: Home) -> None:  # noqa: ARG002 - it pulls the file that it has pushed
        home.write("report.txt", self.report)

    def estrange(self, stranger: Home) -> None:
        super().estrange(stranger)
        stranger.write("report.txt", "A stranger's.\n")

    def prove(self, row: Row, home: Home, output: str) -> None:
        with cell(row, "push"):
            same("tags", self.tags(home.api), ["1"])
            manifest = self.registry.get(f"{self.repository}/manifests/1", self.registry.password(home.api))
            layers = [layer["digest"] for layer in json.loads(manifest)["layers"]]
            same("layers", layers, [f"sha256:{hashlib.sha256(self.report).hexdigest()}"])
        with cell(row, "pull"), cell(row, "digest", hashlib.sha256(manifest).hexdigest()[:12]):
            same("last line of the output", output.splitlines()[-1], str(home.folder / "pulled/report.txt"))
            same("what was pulled", (home.folder / "pulled/report.txt").read_bytes(), self.report)
        same("folder .docker", (home.folder / ".docker").exists(), False)  # noqa: FBT003 - a comparison


class _Requests(Library):
    name = "requests"
    programs = ()
    package = "requests"


class WithRequests(Recipe):
    """requests lists the tags of a repository, of which there are several pages."""

    name = "HTTP API"
    heading = "The registry's HTTP API, with requests"
    repository = "app"
    registry = PAGED
    client = _Requests()

    all_tags: ClassVar = [str(number) for number in range(1, 2 * TAGS_PER_PAGE + 2)]

    def prepare(self, home: Home, other: Home) -> None:  # noqa: ARG002 - needs nothing there
        self.other.push(other, [f"{WEST.host}/{self.repository}:{tag}" for tag in self.all_tags])

    def prove(self, row: Row, home: Home, output: str) -> None:
        same("tags of one page", self.tags(home.api), self.all_tags[:TAGS_PER_PAGE])
        with cell(row, "pull"):
            same("output", output.split(), self.all_tags)


class DockerLogin(Recipe):
    """A subprocess logs docker in, so that docker can pull."""

    name = "docker login"
    heading = "docker login"
    repository = "batch"

    auths: ClassVar = {"auths": {ORDINARY.host: {"auth": basic(ORDINARY, ORDINARY.secret)}}}

    def __init__(self) -> None:
        super().__init__()
        self.client = self.other

    @classmethod
    def content(cls) -> str:
        """Return a configuration in which docker stores its logins."""
        return json.dumps(cls.auths)

    def configure(self, home: Home) -> None:
        """Write a login. With one in its file, docker does not search for a store of the system."""
        home.write(".docker/config.json", self.content())

    def prepare(self, home: Home, other: Home) -> None:
        self.other.push(other, [self.reference("1")])
        try:
            self.client.pull(home, [self.reference("1")])
        except ProgramError as error:
            if not Client.refusal.search(str(error)):
                raise
        else:
            raise ProgramError("pulled before the login")

    def prove(self, row: Row, home: Home, output: str) -> None:
        same("success", "Login Succeeded" in output, True)  # noqa: FBT003 - a comparison
        with cell(row, "kept", "config.json"):
            content = json.loads((home.folder / ".docker/config.json").read_text())
            same("logins in config.json", {*content["auths"]}, {*self.auths["auths"], self.registry.host})
        (pulled,) = self.client.pull(home, [self.reference("1")])
        with cell(row, "pull"), cell(row, "digest", pulled.removeprefix("sha256:")[:12]):
            same("digest", pulled, self.registry.digest(home.api, self.repository, "1"))


def recipes() -> list[Recipe]:
    """Return the recipes that need more than the library."""
    return [WithConfigJson(), WithAuthConfig(), WithOras(), WithRequests(), DockerLogin()]
