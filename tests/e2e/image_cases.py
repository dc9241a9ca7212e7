"""The container image, used as its page says."""

import base64
import json
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import engine, image, pages
from tests.e2e.cases import Case, Try, cell, outcome, same
from tests.e2e.clients import layer
from tests.e2e.engine_clients import ClassicBuild, Docker, docker_commands
from tests.e2e.home import CRED_HELPERS, Home
from tests.e2e.registries import EUROPE, WEST
from tests.e2e.report import Row
from tests.fake_sts import FakeSTS

BY_NAME = ("-e", "AWS_ACCESS_KEY_ID", "-e", "AWS_SECRET_ACCESS_KEY")
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
"""The security context of a container in Kubernetes, as options of ``docker run``."""

PASSWORD = (image.PROGRAM, "password", WEST.host)
CACHE = "/home/ecr/.cache"


class ImageCase(ABC):
    """One use of the image by the first docker command."""

    use: str
    calls: int
    """The expected number of API calls."""

    def row(self) -> Row:
        """Return the row of this case before it has run."""
        return Row("docker run", "1 ECR", f"image: {self.use}")

    def client(self) -> Docker:
        """Return the docker command that is used."""
        return Docker(docker_commands()[0])

    def missing(self) -> list[str]:
        """Return what this machine lacks for this case."""
        return image.missing()

    def attempt(self, name: str, api: FakeECR) -> Row:  # noqa: ARG002 - all cases share one home directory
        """Use the image and return the row."""
        row = self.row()
        with outcome(row):
            row.version = self.client().version()
            home = self.home(api)
            asked_before = len(api.calls)
            self.check(row, home)
            calls = api.calls[asked_before:]
            with cell(row, "calls", str(len(calls))):
                expected = {WEST.region: self.calls} if self.calls else {}
                same("API calls", Counter(call.region for call in calls), expected)
        return row

    def home(self, api: FakeECR) -> Home:
        """Return a home directory in whose engine the image exists."""
        return image.home_with_image(api)

    @abstractmethod
    def check(self, row: Row, home: Home) -> None:
        """Use the image, and check the effects."""


class Build(ImageCase):
    """A builder, with a command of the page: the image has the program, and no file of the context."""

    calls = 0

    def __init__(self, builder: ClassicBuild, line: str, use: str) -> None:
        self.builder, self.line, self.use = builder, line, use

    def row(self) -> Row:
        return Row(self.builder.name, "-", f"image: {self.use}")

    def client(self) -> Docker:
        return self.builder

    def home(self, api: FakeECR) -> Home:
        return image.home_with_bases(api)

    def check(self, row: Row, home: Home) -> None:
        tag = f"{image.IMAGE}:{row.client.rpartition(' ')[2].lower()}"
        image.build(home, self.builder, self.line.replace(image.IMAGE, tag))
        same(
            "help",
            image.run(home, *HARDENED, tag).splitlines()[0],
            "Docker credential helper for Amazon ECR.",
        )
        same("user", image.run(home, tag, "id", "-u"), "65532\n")
        left = ("find", "/", "-xdev", "-name", "wheelhouse", "-o", "-name", ".git", "-o", "-path", "/src")
        same("files of the context", image.run(home, "--user=0", tag, *left), "")


@dataclass(frozen=True)
class HostScript(Case):
    """The script of the page is the helper of a docker command, with one source of AWS credentials."""

    source: str
    prepare: Callable[[Home], object]

    def row(self) -> Row:
        row = super().row()
        row.configuration = f"image: {self.source}"
        return row

    def missing(self) -> list[str]:
        return super().missing() + image.missing()

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        image.home_with_image(home.api)
        home.write(f"bin/{image.PROGRAM}", pages.host_script()).chmod(0o755)
        # The volume belongs to the user, and no token of the previous case must be in it.
        home.run(docker_commands()[0], "volume", "rm", "--force", f"ecr-py-{os.getuid()}")
        self.prepare(home)
        return super().transfer(row, home, references)


def _use_environment(home: Home) -> None:
    home.lose_keys()
    home.environment |= _keys(home.api)


def _keys(api: FakeECR) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": api.access_key, "AWS_SECRET_ACCESS_KEY": api.secret_key}


class Job(ImageCase):
    """The job of the page: a shell reads its script, and a docker command in the image calls the engine."""

    use = "CI job"
    calls = 1

    def check(self, row: Row, home: Home) -> None:
        dockerfile, *_ = pages.dockerfiles()
        image.build_from(home, dockerfile, "registry.example.test/ecr-job")
        home.write("job/layer.tar", layer("job"))
        home.write("job/Dockerfile", "FROM scratch\nADD layer.tar /\n")
        with FakeSTS(home.api.identities) as sts, cell(row, "push"):
            variables = {
                "AWS_TOKEN": "a-web-identity",
                "AWS_REGION": WEST.region,
                "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/build",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/tmp/aws-token",
                "AWS_ENDPOINT_URL_STS": sts.url,
            }
            by_name = [word for name in variables for word in ("-e", name)]
            group = f"--group-add={engine.SOCKET.stat().st_gid}"
            mounts = ("-v", f"{engine.SOCKET}:/var/run/docker.sock", "-v", f"{home.folder}/job:/builds")
            shell = ("-w", "/builds", "-i", group, "registry.example.test/ecr-job", "sh", "-e")
            script = pages.job_script().encode()
            output = image.run(home, *by_name, *mounts, *shell, environment=variables, stdin=script)
        same("passwords in the output", output.count(WEST.password(home.api)), 0)
        row.digest = WEST.digest(home.api, "shop", "1").removeprefix("sha256:")[:12]


class Hardened(ImageCase):
    """Commands with a read-only root, which can write only to a volume for the cache, if there is one."""

    use = "read-only root"
    calls = 3

    def check(self, row: Row, home: Home) -> None:
        volume = ("-v", f"cache:{CACHE}")
        # A user that the cluster chooses is in the group of root.
        for options in ((), ("--tmpfs", CACHE, "--user=1000770000:0"), volume, volume):
            command = (*HARDENED, *BY_NAME, *options, image.IMAGE)
            with cell(row, "pull"):
                password = image.run(home, *command, *PASSWORD, environment=_keys(home.api))
                same("status", WEST.status(password.strip()), HTTPStatus.OK)


class CronJob(ImageCase):
    """The init container of the page on pull secrets, which writes a secret to a volume for kubectl."""

    use = "CronJob"
    calls = 1

    def check(self, row: Row, home: Home) -> None:
        folder = home.write("secret/empty", "").parent
        folder.chmod(0o777)
        options = (*HARDENED, *BY_NAME, "--user=10001:10001", "-v", f"{folder}:/secret", image.IMAGE)
        with cell(row, "pull"):
            command = ("sh", "-c", pages.init_script())
            output = image.run(home, *options, *command, environment=_keys(home.api))
            secret = json.loads((folder / "secret.json").read_text())
            logins = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
            user_name, _, password = base64.b64decode(logins[WEST.host]["auth"]).decode().partition(":")
            same("user name", user_name, "AWS")
            same("status", WEST.status(password), HTTPStatus.OK)
        same("output", output, "")


class Copy(ImageCase):
    """A Dockerfile of the page that copies the program from the image."""

    calls = 1

    def __init__(self, number: int, use: str) -> None:
        self.number, self.use = number, use

    def check(self, row: Row, home: Home) -> None:
        tag = f"copy:{self.number}"
        image.build_from(
            home, f"{pages.dockerfiles()[self.number]}ENV AWS_ENDPOINT_URL={home.api.url}\n", tag
        )
        with cell(row, "pull"):
            url = f"AWS_ENDPOINT_URL={home.api.url}"
            password = image.run(home, *BY_NAME, "-e", url, tag, *PASSWORD, environment=_keys(home.api))
            same("status", WEST.status(password.strip()), HTTPStatus.OK)


def image_cases() -> list[Try]:
    """Return all cases of the image."""
    ordinary, offline = pages.image_builds()
    old, *new = image.builders()
    docker = Docker(docker_commands()[0])
    return [
        *(Build(builder, ordinary, "build") for builder in new),
        Build(old, offline, "build offline"),
        HostScript(docker, CRED_HELPERS, (WEST, EUROPE), "keys in a file", lambda _: None),
        HostScript(docker, CRED_HELPERS, (WEST,), "keys by name", _use_environment),
        HostScript(docker, CRED_HELPERS, (WEST,), "instance role", Home.lose_keys),
        Job(),
        Hardened(),
        CronJob(),
        Copy(1, "COPY --from"),
        Copy(2, "COPY with Python"),
    ]
