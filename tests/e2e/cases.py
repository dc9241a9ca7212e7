"""One case: a client pushes and pulls, and nothing but the helper logs it in."""

import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from typing import Protocol

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import programs
from tests.e2e.clients import Client
from tests.e2e.home import Configuration, Home
from tests.e2e.programs import ProgramError
from tests.e2e.registries import ECR, PrivateECR, Registry
from tests.e2e.report import Row
from tests.e2e.sandbox import ROOT


class Try(Protocol):
    """What the table is made of: a row, and the way to fill it in."""

    def row(self) -> Row:
        """Return the row, before anything was tried."""

    def missing(self) -> list[str]:
        """Return what this machine lacks for it."""

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Try, and return what came of it; ``name`` is nobody else's."""


@dataclass(frozen=True)
class Case:
    """One client, told of the helper in one way, with some registries."""

    client: Client
    configuration: Configuration
    registries: Sequence[Registry]

    def row(self) -> Row:
        """Return the row of this case, before anything was tried."""
        kinds = Counter(registry.kind for registry in self.registries)
        registries = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return Row(self.client.name, registries, self.configuration.name)

    def missing(self) -> list[str]:
        """Return what this machine lacks for this case."""
        return self.client.missing() + programs.missing(self.configuration.programs)

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Push and pull, and return what came of it; ``name`` is for folder and repositories."""
        row = self.row()
        with outcome(row):
            row.version = self.client.version()
            home = Home(ROOT / "homes" / name, api)
            references = [f"{registry.host}/{name}:1" for registry in self.registries]
            asked_before = len(api.calls)
            pulled = self.transfer(row, home, references)
            with cell(row, "digest", pulled[0].removeprefix("sha256:")[:12]):
                same("digests", pulled, [registry.digest(api, name, "1") for registry in self.registries])
            calls = api.calls[asked_before:]
            with cell(row, "calls", str(len(calls))):
                same("API calls", Counter(call.region for call in calls), self.calls())
        return row

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        """Push, pull, and return the digests of what was pulled."""
        hosts = [registry.host for registry in self.registries]
        self.configuration.write(home, hosts)
        with cell(row, "push"):
            self.client.push(home, references)
        if all(registry.user for registry in self.registries):
            self.configuration.remove(home)
            self.be_refused(row, home, references)
            self.configuration.write(home, hosts)
        with cell(row, "pull"):
            return self.client.pull(home, references)

    def be_refused(self, row: Row, home: Home, references: Sequence[str]) -> None:
        """Prove that it is the helper that opens the registries: a pull without its login is refused."""
        with cell(row, "anonymous", "refused"):
            try:
                self.client.pull(home, references)
            except ProgramError as error:
                if not self.client.refusal.search(str(error)):
                    raise
            else:
                raise ProgramError("pulled without a login")

    def calls(self) -> Counter[str]:
        """Return how often the API must have been asked for the tokens of each region."""
        regions = {registry.region for registry in self.registries if isinstance(registry, PrivateECR)}
        return Counter(dict.fromkeys(regions, self.client.calls_per_region))


def refuse_other_tokens(api: FakeECR) -> Row:
    """Prove that a registry takes its own region's token only: a mistaken region would show."""
    row = Row("HTTPS request", f"{len(ECR)} ECR", "token of other region")
    with outcome(row), cell(row, "pull", "refused"):
        for registry, other in product(ECR, repeat=2):
            status = registry.status(other.password(api))
            expected = HTTPStatus.OK if other is registry else HTTPStatus.UNAUTHORIZED
            same(f"{registry.host}'s answer to a token of {other.region}", status, expected)
    return row


@contextmanager
def outcome(row: Row) -> Iterator[None]:
    """Let what is raised fail ``row``, and no other."""
    try:
        yield
    except ProgramError as error:
        row.fail(str(error))
    except Exception:  # noqa: BLE001 - one client's surprise must not hide the rows of the others
        row.fail(traceback.format_exc())


@contextmanager
def cell(row: Row, column: str, success: str = "ok") -> Iterator[None]:
    """Fill in one column of ``row``: what a success is called, or that it failed."""
    setattr(row, column, "FAILED")
    yield
    setattr(row, column, success)


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ProgramError(f"{what}: found {found}, expected {expected}")
