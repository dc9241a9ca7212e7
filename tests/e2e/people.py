"""After one command of ours, a client works; after another one, everything is as it was before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e import pages
from tests.e2e.cases import Case, cell, same
from tests.e2e.clients import Client
from tests.e2e.home import Configuration, Home
from tests.e2e.recipes import DockerLogin, Recipe
from tests.e2e.registries import ORDINARY, basic
from tests.e2e.report import Row

PROGRAM = "docker-credential-ecr-py"
BEFORE = '{\n\t"detachKeys": "ctrl-e,e",\n\t"auths": {}\n}\n'
"""A configuration of Docker as a user could have written it, with another indentation than ours."""


@dataclass(frozen=True)
class LoginCommandCase(Case):
    """``login`` instead of a script: the helper is not in any configuration file."""

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        hosts = [registry.host for registry in self.registries]
        tool = self.client.programs[0].rpartition("/")[2]
        # Docker stores this login in its file. Otherwise it would search for a store of the system.
        home.write(".docker/config.json", DockerLogin.content())
        with cell(row, "kept", tool):
            home.run(PROGRAM, "login", *hosts, "--tool", tool)
        with cell(row, "push"):
            self.client.push(home, references)
        for host in hosts:
            home.run(tool, "logout", host)
        self.be_refused(row, home, references)
        home.run(PROGRAM, "login", *hosts, "--tool", tool)
        home.lose_keys()
        with cell(row, "pull"):
            return self.client.pull(home, references)


ENGINES = ("docker", "podman")
"""Clients that keep pulled images."""


@dataclass(frozen=True)
class ConfigureCase(Case):
    """After ``configure`` a client works and ``doctor`` finds no problem; ``unconfigure`` restores all."""

    options: tuple[str, ...] = ()

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        file = home.write(self.configuration.file, BEFORE)
        home.run(PROGRAM, "configure", "--yes", *self.options, *references)
        with cell(row, "push"):
            self.client.push(home, references)
        for reference in references:
            home.run_silently(PROGRAM, "doctor", reference)
        with cell(row, "pull"):
            pulled = self.client.pull(home, references)
        self.be_discovered(home)
        home.run(PROGRAM, "unconfigure", "--yes")
        same("the configuration afterwards", file.read_text(), BEFORE)
        self.be_refused(row, home, references)
        return pulled

    def be_discovered(self, home: Home) -> None:
        """Check that the registries are found by the images that were pulled from them."""
        tool = self.client.programs[0].rpartition("/")[2]
        if tool in ENGINES:
            missing = {one.host for one in self.registries}
            for _ in range(2):  # an engine that a busy machine keeps from answering in time names none
                told = home.run(PROGRAM, "configure", "--discover", "--all", "--dry-run").stdout
                lines = [line for line in told.splitlines() if f"{tool} images" in line]
                missing -= {word for line in lines for word in line.split()}
            same("registries of the images", missing, set())


@dataclass(frozen=True)
class SwitchCase(Case):
    """``configure`` replaces Amazon's helper, a client works, and ``unconfigure`` restores that helper."""

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        hosts = [registry.host for registry in self.registries]
        stale = {hosts[0]: {"auth": basic(ORDINARY, "expired")}}
        helpers = dict.fromkeys(hosts, "ecr-login")
        before = json.dumps({"auths": stale, "credHelpers": helpers, "credsStore": "ecr-login"}, indent=2)
        file = home.write(self.configuration.file, before)
        options = ("--creds-store", "--match", "*.dkr.ecr.*.amazonaws.com", "--fetch", "--yes")
        home.run_silently(PROGRAM, "configure", *options)
        same("settings files", [*home.folder.glob(".config/ecr-credhelper/*")], [])
        with cell(row, "push"):
            self.client.push(home, references)
        with cell(row, "pull"):
            pulled = self.client.pull(home, references)
        home.run(PROGRAM, "unconfigure", "--yes")
        same("the configuration afterwards", file.read_text(), before)
        file.unlink()
        self.be_refused(row, home, references)
        return pulled


class _Curl(Client):
    """Calls the registry's HTTP API, and neither pushes nor pulls."""

    name = "curl"
    programs = ("curl", "bash")

    def push(self, home: Home, references: Sequence[str]) -> None:
        raise NotImplementedError

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        raise NotImplementedError


class WithCurl(Recipe):
    """The lines of the page: with ``header``, curl can call the registry's HTTP API."""

    name = "curl, with header"
    repository = "api"
    client = _Curl()

    def run(self, home: Home) -> str:
        done = home.run("bash", "-c", f"set -o pipefail\n{pages.script()}")
        return done.stdout + done.stderr

    def prepare(self, home: Home, other: Home) -> None:  # noqa: ARG002 - needs nothing there
        self.other.push(other, [self.reference("1")])

    def prove(self, row: Row, home: Home, output: str) -> None:  # noqa: ARG002 - the output is sufficient
        with cell(row, "pull"):
            same("tags", json.loads(output), {"name": self.repository, "tags": ["1"]})


SWITCH = Configuration("our switch of helpers", ".docker/config.json", lambda _: "")
LOGIN = Configuration("our login", "", lambda _: "")
CONFIGURE = Configuration("our configure", ".docker/config.json", lambda _: "")
CONFIGURE_PODMAN = Configuration("our configure --podman", ".config/containers/auth.json", lambda _: "")
