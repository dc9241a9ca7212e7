"""One case: a client pushes and pulls with logins that only the helper provides."""

import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from typing import Protocol

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e.clients import Client
from tests.e2e.home import Configuration, Home
from tests.e2e.programs import ProgramError
from tests.e2e.registries import ECR, PrivateECR, Registry
from tests.e2e.report import Row
from tests.e2e.sandbox import ROOT


class Try(Protocol):
    """An element of the table: it has a row, and fills it in."""

    def row(self) -> Row:
        """Return the row before the case has run."""

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for the case."""

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Run the case and return its row; ``name`` is unique."""


@dataclass(frozen=True)
class Case:
    """One client with one configuration of the helper, and some registries."""

    client: Client
    configuration: Configuration
    registries: Sequence[Registry]

    def row(self) -> Row:
        """Return the row of this case before it has run."""
        kinds = Counter(registry.kind for registry in self.registries)
        registries = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return Row(self.client.name, registries, self.configuration.name)

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for this case."""
        return self.client.missing() + self.configuration.missing()

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Push and pull, and return the row; ``name`` names the home directory and repositories."""
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
        """Push, pull, and return the digests of the pulled images."""
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
        """Check that the logins come from the helper: without them, a pull is rejected."""
        with cell(row, "anonymous", "refused"):
            try:
                self.client.pull(home, references)
            except ProgramError as error:
                if not self.client.refusal.search(str(error)):
                    raise
            else:
                raise ProgramError("pulled without a login")

    def calls(self) -> Counter[str]:
        """Return the expected number of API calls for the tokens of each region."""
        regions = {registry.region for registry in self.registries if isinstance(registry, PrivateECR)}
        return Counter(dict.fromkeys(regions, self.client.calls_per_region))


def refuse_other_tokens(api: FakeECR) -> Row:
    """Check that a registry accepts only the token of its region, so that a wrong region would fail."""
    row = Row("HTTPS request", f"{len(ECR)} ECR", "token of other region")
    with outcome(row), cell(row, "pull", "refused"):
        for registry, other in product(ECR, repeat=2):
            status = registry.status(other.password(api))
            expected = HTTPStatus.OK if other is registry else HTTPStatus.UNAUTHORIZED
            same(f"{registry.host}'s answer to a token of {other.region}", status, expected)
    return row


@contextmanager
def outcome(row: Row) -> Iterator[None]:
    """Record an exception as the failure of ``row``, so that the other cases continue."""
    try:
        yield
    except ProgramError as error:
        row.fail(str(error))
    except Exception:  # noqa: BLE001 - an unexpected failure of one client must not hide the other rows
        row.fail(traceback.format_exc())


@contextmanager
def cell(row: Row, column: str, success: str = "ok") -> Iterator[None]:
    """Fill in one column of ``row``: with the name of the success, or with the failure."""
    setattr(row, column, "FAILED")
    yield
    setattr(row, column, success)


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ProgramError(f"{what}: found {found}, expected {expected}")
