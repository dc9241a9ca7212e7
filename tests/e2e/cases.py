"""The table of what is tried, and the one way to try it."""

import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product

from tests.e2e import daemonless_clients as daemonless
from tests.e2e import engine_clients as engine
from tests.e2e.clients import Client
from tests.e2e.home import AUTH_JSON, CRED_HELPERS, CREDS_STORE, REGISTRIES_CONF, Configuration, Home
from tests.e2e.programs import ProgramError
from tests.e2e.registries import CHINA, EUROPE, REGISTRIES, WEST, Registry
from tests.e2e.report import Row
from tests.e2e.sandbox import ROOT
from tests.fake_ecr import FakeECR

TWO_ACCOUNTS = (WEST, EUROPE)
WITH_CHINA = (WEST, EUROPE, CHINA)

DOCKER = (CRED_HELPERS, CREDS_STORE)
CONTAINERS = (CRED_HELPERS, AUTH_JSON, REGISTRIES_CONF)
"""What podman, skopeo and buildah read: Docker's file too, but not its credsStore."""


@dataclass(frozen=True)
class Case:
    """One client, told of the helper in one way, with some registries."""

    client: Client
    configuration: Configuration
    registries: Sequence[Registry]

    def row(self) -> Row:
        """Return the row of this case, before anything was tried."""
        return Row(self.client.name, self.configuration.name)

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Push and pull, and return what came of it; ``name`` is for folder and repositories."""
        row = self.row()
        with _outcome(row):
            row.version = self.client.version()
            self._attempt(row, name, api)
        return row

    def _attempt(self, row: Row, name: str, api: FakeECR) -> None:
        home = Home(ROOT / "homes" / name, api)
        hosts = [registry.host for registry in self.registries]
        references = [f"{host}/{name}:1" for host in hosts]
        asked_before = len(api.calls)
        self.configuration.write(home, hosts)
        with _cell(row, "push"):
            self.client.push(home, references)
        self.configuration.remove(home)
        with _cell(row, "anonymous", "refused"):
            self._be_refused(home, references)
        self.configuration.write(home, hosts)
        with _cell(row, "pull"):
            pulled = self.client.pull(home, references)
        with _cell(row, "digest", pulled[0].removeprefix("sha256:")[:12]):
            served = [registry.digest(api, name, "1") for registry in self.registries]
            _same("digests", pulled, served)
        calls = api.calls[asked_before:]
        with _cell(row, "calls", str(len(calls))):
            regions = {registry.region: self.client.calls_per_region for registry in self.registries}
            _same("API calls", dict(Counter(call.region for call in calls)), regions)

    def _be_refused(self, home: Home, references: Sequence[str]) -> None:
        """Prove that it is the helper that opens the registries: without it a pull is refused."""
        try:
            self.client.pull(home, references)
        except ProgramError as error:
            if not self.client.refusal.search(str(error)):
                raise
        else:
            raise ProgramError("pulled without the helper")


def table() -> list[Case]:
    """Return all cases."""
    dockers = engine.docker_commands()
    kits = [engine.BuildKit(docker) for docker in dockers]
    kits = [kit for kit in kits if kit.offered()] or kits[:1]  # one to say so, if none has it
    return [
        *_cases(map(engine.Docker, dockers), DOCKER, WITH_CHINA),
        *_cases(map(engine.DockerLogout, dockers), DOCKER, TWO_ACCOUNTS),
        *_cases(map(engine.ClassicBuild, dockers), DOCKER, TWO_ACCOUNTS),
        *_cases(kits, DOCKER, TWO_ACCOUNTS),
        *_cases([engine.Compose(), engine.DockerPy()], DOCKER, TWO_ACCOUNTS),
        *_cases([daemonless.Podman(), daemonless.Skopeo(), daemonless.Buildah()], CONTAINERS, WITH_CHINA),
        *_cases([daemonless.OrasPy()], DOCKER, TWO_ACCOUNTS),
    ]


def refuse_other_tokens(api: FakeECR) -> Row:
    """Prove that a registry takes its own region's token only: a mistaken region would show."""
    row = Row("HTTPS request", "token of other region")
    with _outcome(row), _cell(row, "pull", "refused"):
        for registry, other in product(REGISTRIES, repeat=2):
            status = registry.status(other.password(api))
            expected = HTTPStatus.OK if other is registry else HTTPStatus.UNAUTHORIZED
            _same(f"{registry.host}'s answer to a token of {other.region}", status, expected)
    return row


def _cases(
    clients: Iterable[Client],
    configurations: Sequence[Configuration],
    registries: Sequence[Registry],
) -> list[Case]:
    return [Case(*pair, registries) for pair in product(clients, configurations)]


@contextmanager
def _outcome(row: Row) -> Iterator[None]:
    """Let what is raised fail ``row``, and no other."""
    try:
        yield
    except ProgramError as error:
        row.fail(str(error))
    except Exception:  # noqa: BLE001 - one client's surprise must not hide the rows of the others
        row.fail(traceback.format_exc())


@contextmanager
def _cell(row: Row, column: str, success: str = "ok") -> Iterator[None]:
    """Fill in one column of ``row``: what a success is called, or that it failed."""
    setattr(row, column, "FAILED")
    yield
    setattr(row, column, success)


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ProgramError(f"{what}: found {found}, expected {expected}")
