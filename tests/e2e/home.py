"""A home directory, new for every case, and the files in it that configure clients to use the helper."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import engine, programs
from tests.e2e.certificates import CA
from tests.e2e.registries import ORDINARY, WEST, basic

HELPER = Path(sys.executable).with_name("docker-credential-ecr-py")
"""The installed helper, in the directory of this interpreter."""

AMAZONS = "docker-credential-ecr-login 0.8"
"""What is missing if Amazon's helper is older."""


class Home:
    """A home directory with AWS keys and nothing else: no login, no cache, no image."""

    def __init__(self, folder: Path, api: FakeECR) -> None:
        self.folder = folder
        self.api = api
        keys = f"aws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
        self.write(".aws/credentials", f"[default]\n{keys}")
        # For podman and buildah. Plain copies are slow for real work, but need no mounts.
        storage = f'driver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run/images"\n'
        self.write("storage.conf", f"[storage]\n{storage}")
        for name in ("tmp", "run"):
            (folder / name).mkdir(mode=0o700)
        self.environment = {
            "PATH": f"{folder / 'bin'}:{HELPER.parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            # podman 5 warns on machines with version 1, on the stream for errors.
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "true",
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "DOCKER_HOST": f"unix://{engine.SOCKET}",
            "SSL_CERT_FILE": str(CA),
            "REQUESTS_CA_BUNDLE": str(CA),
            "AWS_ENDPOINT_URL": api.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file in the home directory and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with this home directory, with more ``environment`` if given."""
        variables = {**self.environment, **(environment or {})}
        return programs.run(command, environment=variables, folder=self.folder, stdin=stdin)

    def run_silently(self, *command: str, stdin: bytes = b"") -> str:
        """Run a program that must not print an error, and return its output."""
        done = self.run(*command, stdin=stdin)
        if done.stderr:
            raise programs.ProgramError(f"$ {' '.join(command)}\n{done.stderr}(complained)")
        return done.stdout

    def lose_keys(self) -> None:
        """Make AWS unreachable: existing logins remain, but no new ones are possible."""
        (self.folder / ".aws/credentials").unlink()


@dataclass(frozen=True)
class Configuration:
    """One way to configure the helper: a file, and its content for some hosts."""

    name: str
    file: str
    content: Callable[[Iterable[str]], str]
    programs: tuple[str, ...] = ()
    """The programs that it needs on PATH, in addition to the helper."""

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for this configuration."""
        return programs.missing(self.programs)

    def write(self, home: Home, hosts: Iterable[str]) -> None:
        """Configure the clients of ``home`` to use the helper for ``hosts``."""
        home.write(self.file, self.content(hosts))

    def remove(self, home: Home) -> None:
        """Remove the helper from the configuration of the clients of ``home``."""
        (home.folder / self.file).unlink()


@dataclass(frozen=True)
class WithRegion(Configuration):
    """A configuration without hosts, in a home directory whose AWS profile has the region of ``WEST``."""

    def write(self, home: Home, hosts: Iterable[str]) -> None:
        super().write(home, hosts)
        home.write(".aws/config", f"[default]\nregion = {WEST.region}\n")


@dataclass(frozen=True)
class WithAmazons(Configuration):
    """A configuration with Amazon's helper, which calls the fake API from version 0.8 on."""

    programs: tuple[str, ...] = ("docker-credential-ecr-login",)

    def missing(self) -> list[str]:
        if absent := super().missing():
            return absent
        version = programs.version_in(programs.run([self.programs[0], "-v"]).stdout)
        return [] if [int(part) for part in version.split(".")] >= [0, 8] else [AMAZONS]


def _for_each(hosts: Iterable[str]) -> str:
    return json.dumps({"credHelpers": dict.fromkeys(hosts, "ecr-py")})


def _for_the_rest(hosts: Iterable[str]) -> str:
    """Return an entry of Amazon's helper for the first host: its account is that of the AWS keys."""
    first, *rest = hosts
    return json.dumps({"credHelpers": {first: "ecr-login", **dict.fromkeys(rest, "ecr-py")}})


def _for_the_rest_of_a_store(hosts: Iterable[str]) -> str:
    """Return a configuration with Amazon's helper for all hosts that have no entry: here the first one."""
    _, *rest = hosts
    return json.dumps({"credHelpers": dict.fromkeys(rest, "ecr-py"), "credsStore": "ecr-login"})


def _for_all(_: Iterable[str]) -> str:
    return json.dumps({"credsStore": "ecr-py"})


def _for_all_after_a_login(_: Iterable[str]) -> str:
    """Docker wrote the login before the first line was added, and ignores it since then."""
    auths = {ORDINARY.host: {"auth": basic(ORDINARY, ORDINARY.secret)}}
    return json.dumps({"credsStore": "ecr-py", "auths": auths})


def _for_all_and_named(hosts: Iterable[str]) -> str:
    """Return the entries that Docker writes after ``docker login``: the hosts, without logins."""
    return json.dumps({"auths": {host: {} for host in hosts}, "credsStore": "ecr-py"})


def _toml_for_all(_: Iterable[str]) -> str:
    return 'credential-helpers = ["ecr-py"]\n'


CRED_HELPERS = Configuration("config.json credHelpers", ".docker/config.json", _for_each)
BESIDE_AMAZONS = WithAmazons("Amazon's credHelpers", ".docker/config.json", _for_the_rest)
BESIDE_AMAZONS_STORE = WithAmazons("Amazon's credsStore", ".docker/config.json", _for_the_rest_of_a_store)
CREDS_STORE = Configuration("config.json credsStore", ".docker/config.json", _for_all)
CREDS_STORE_AND_AUTHS = Configuration("credsStore and auths", ".docker/config.json", _for_all_after_a_login)
CREDS_STORE_AND_HOSTS = Configuration("credsStore, empty auths", CREDS_STORE.file, _for_all_and_named)
CREDS_STORE_AND_REGION = WithRegion("credsStore, region", CREDS_STORE.file, CREDS_STORE.content)
AUTH_JSON = Configuration("auth.json credHelpers", "run/containers/auth.json", _for_each)
REGISTRIES_CONF = Configuration("registries.conf", ".config/containers/registries.conf", _toml_for_all)
