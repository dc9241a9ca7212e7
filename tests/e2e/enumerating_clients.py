"""Clients that enumerate logins: they send the engine all the logins that the helper lists.

They are tried with the fake engine, which records what they send.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ecr_credhelper.testing.fake_ecr import Fault
from tests.e2e import programs
from tests.e2e.cases import same
from tests.e2e.engine_clients import docker_commands
from tests.e2e.fake_engine import NO_CONTAINERS, FakeEngine
from tests.e2e.home import HELPER, Home
from tests.e2e.registries import WEST
from tests.fake_sts import FakeSTS

_NODE = HELPER.with_name("node")
"""Node.js from PyPI: Debian 12 has a version that testcontainers 12 does not support."""

_MODULES = Path(sys.prefix, "node/node_modules")
"""Where ``make e2e`` installs the packages of ``node/package.json``."""

_SAM = Path(sys.prefix, "sam/bin/sam")
"""A separate environment, because the SAM CLI pins the versions of boto3 and others."""

_PUBLISHING_ROLE = "arn:aws:iam::111122223333:role/cdk-publishing"


class EnumeratingClient(ABC):
    """A client that transfers images through an engine, which it sends the logins."""

    name: str
    program: str
    """The name or path of the program that runs the client."""

    operations: tuple[str, ...] = ("build", "pull")
    """The operations that it requests: one build from all images, and the others for each image."""

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for this client."""
        return programs.missing((self.program,))

    def version(self) -> str:
        """Return the version of the client."""
        return programs.version_in(programs.run([self.program, "--version"]).stdout)

    @abstractmethod
    def transfer(self, home: Home, engine: FakeEngine, images: Sequence[str]) -> None:
        """Run the client, which does each of its operations with all of ``images``."""


class Sam(EnumeratingClient):
    """The AWS SAM CLI: ``sam build`` of a function that is an image."""

    name = "SAM CLI"
    program = str(_SAM)
    operations = ("build",)

    def transfer(self, home: Home, engine: FakeEngine, images: Sequence[str]) -> None:
        _write_dockerfile(home, images)
        function = {
            "Type": "AWS::Serverless::Function",
            "Properties": {"PackageType": "Image"},
            "Metadata": {"Dockerfile": "Dockerfile", "DockerContext": "context"},
        }
        template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Function": function}}
        home.write("template.json", json.dumps(template))
        environment = {"DOCKER_HOST": engine.url, "SAM_CLI_TELEMETRY": "0"}
        home.run(self.program, "build", "--template", "template.json", environment=environment)


class TestcontainersPython(EnumeratingClient):
    """testcontainers for Python, which uses docker-py."""

    name = "testcontainers"
    program = sys.executable

    def missing(self) -> list[str]:
        return [] if find_spec("testcontainers") else ["PyPI testcontainers"]

    def version(self) -> str:
        return version("testcontainers")

    def transfer(self, home: Home, engine: FakeEngine, images: Sequence[str]) -> None:
        directory = _write_dockerfile(home, images)
        script = str(Path(__file__).with_name("with_testcontainers.py"))
        environment = {"DOCKER_HOST": engine.url, "TESTCONTAINERS_RYUK_DISABLED": "true"}
        command = (sys.executable, "-P", script, directory, NO_CONTAINERS, *images)
        home.run(*command, environment=environment)


class NodePackage(EnumeratingClient):
    """A package of ``node/package.json``."""

    program = str(_NODE)
    package: str

    @property
    def _folder(self) -> Path:
        return _MODULES / self.package

    def missing(self) -> list[str]:
        return super().missing() + ([] if self._folder.is_dir() else [f"npm {self.package}"])

    def version(self) -> str:
        return str(json.loads((self._folder / "package.json").read_text())["version"])


class TestcontainersNode(NodePackage):
    """testcontainers for Node.js. Up to version 11.6, it calls ``list`` before every ``get``."""

    def __init__(self, major: int) -> None:
        self.name = "testcontainers.js"
        self.package = f"testcontainers-{major}"

    def transfer(self, home: Home, engine: FakeEngine, images: Sequence[str]) -> None:
        directory = _write_dockerfile(home, images)
        script = str(Path(__file__).with_name("node") / "with_testcontainers.js")
        environment = {
            "DOCKER_HOST": engine.url,
            "NODE_PATH": str(_MODULES),
            # In a container, it asks the engine for its network otherwise.
            "TESTCONTAINERS_HOST_OVERRIDE": "localhost",
            "TESTCONTAINERS_RYUK_DISABLED": "true",
        }
        home.run(
            self.program, script, self.package, directory, NO_CONTAINERS, *images, environment=environment
        )


class CdkAssets(NodePackage):
    """cdk-assets: ``docker login`` with the login of a publishing role, then a build and a push.

    Here, cdk-assets has AWS keys in a profile that the helper does not use. So the login in every header is
    the one that ``docker login`` gave the helper to store.
    """

    name = "cdk-assets"
    package = "cdk-assets"
    operations = ("login", "build", "push")

    def __init__(self) -> None:
        self._docker = docker_commands()[0]

    def missing(self) -> list[str]:
        return super().missing() + programs.missing((self._docker,))

    def transfer(self, home: Home, engine: FakeEngine, images: Sequence[str]) -> None:
        (image,) = images
        repository, _, tag = image.partition("/")[2].partition(":")
        _write_dockerfile(home, images)
        destination = {
            "region": WEST.region,
            "repositoryName": repository,
            "imageTag": tag,
            "assumeRoleArn": _PUBLISHING_ROLE,
        }
        asset = {"source": {"directory": "context"}, "destinations": {"ecr": destination}}
        assets = home.write("assets.json", json.dumps({"version": "36.0.0", "dockerImages": {"app": asset}}))
        keys = home.folder / ".aws/credentials"
        keys.write_text(keys.read_text().replace("[default]", "[deploy]"))
        repositories = {"repositories": [{"repositoryUri": f"{WEST.host}/{repository}"}]}
        home.api.operations["DescribeRepositories"] = Fault(HTTPStatus.OK, json.dumps(repositories).encode())
        home.api.operations["DescribeImages"] = Fault.aws("ImageNotFoundException")
        with FakeSTS(home.api.identities) as sts:
            environment = {
                "DOCKER_HOST": engine.url,
                "DOCKER_BUILDKIT": "0",
                "CDK_DOCKER": self._docker,
                # By default, it is in the home directory of the password database.
                "CDK_DOCKER_CREDS_FILE": str(home.folder / "none"),
                **sts.environment,
            }
            program = str(self._folder / "bin/cdk-assets")
            publish = ("publish", "--path", str(assets), "--profile", "deploy")
            home.run(self.program, program, *publish, environment=environment)
            same("roles", {call.parameters["RoleArn"] for call in sts.calls}, {_PUBLISHING_ROLE})


def enumerating_clients() -> list[EnumeratingClient]:
    """Return the clients that need nothing but a Dockerfile and images."""
    return [Sam(), TestcontainersPython(), TestcontainersNode(9), TestcontainersNode(12)]


def _write_dockerfile(home: Home, images: Sequence[str]) -> str:
    """Write a Dockerfile that needs all of ``images``, and return its directory."""
    stages = "".join(f"FROM {image} AS stage{number}\n" for number, image in enumerate(images))
    return str(home.write("context/Dockerfile", stages).parent)
