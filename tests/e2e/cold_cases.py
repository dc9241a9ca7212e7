"""Cases with a cold cache: the helper has served no host yet when a client asks it for a list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e.cases import Case, cell, outcome, same
from tests.e2e.engine_clients import Docker, docker_commands
from tests.e2e.enumerating_clients import EnumeratingClient
from tests.e2e.fake_engine import FakeEngine, Login, Request
from tests.e2e.home import CRED_HELPERS, Configuration, Home
from tests.e2e.registries import PrivateECR, basic
from tests.e2e.report import Row
from tests.e2e.sandbox import ROOT


@dataclass(frozen=True)
class ColdCase(Case):
    """A client that only pulls. Another client pushes, from another home directory."""

    def missing(self) -> list[str]:
        return super().missing() + Docker(docker_commands()[0]).missing()

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        hosts = [registry.host for registry in self.registries]
        other = Home(home.folder.with_name(f"{home.folder.name}-other"), home.api)
        CRED_HELPERS.write(other, hosts)
        with cell(row, "push"):
            Docker(docker_commands()[0]).push(other, references)
        self.be_refused(row, home, references)
        self.configuration.write(home, hosts)
        with cell(row, "pull"):
            return self.client.pull(home, references)

    def calls(self) -> Counter[str]:
        """Return the expected number of API calls by region: one per home directory."""
        return Counter({region: 2 * count for region, count in super().calls().items()})


@dataclass(frozen=True)
class SentLogins:
    """A client that sends the fake engine exactly the right logins with each transfer."""

    client: EnumeratingClient
    configuration: Configuration
    registries: Sequence[PrivateECR]

    def row(self) -> Row:
        """Return the row of this case, before anything was tried."""
        return Row(self.client.name, f"{len(self.registries)} ECR", self.configuration.name)

    def missing(self) -> list[str]:
        """Return what this machine lacks for this case."""
        return self.client.missing()

    def attempt(self, name: str, api: FakeECR) -> Row:
        """Run the client and compare the logins that it sent; ``name`` is the name of its home directory."""
        row = self.row()
        with outcome(row):
            row.version = self.client.version()
            home = Home(ROOT / "homes" / name, api)
            self.configuration.write(home, [registry.host for registry in self.registries])
            asked_before = len(api.calls)
            with FakeEngine(home.folder / "engine.sock") as engine:
                self.client.transfer(
                    home, engine, [f"{registry.host}/{name}:1" for registry in self.registries]
                )
            with cell(row, "push" if "push" in self.client.operations else "pull", "sent"):
                same("logins that were sent", engine.requests, self._expected(api))
            written = (home.folder / self.configuration.file).read_text()
            passwords = [basic(registry, registry.password(api)) for registry in self.registries]
            same("logins in config.json", [password for password in passwords if password in written], [])
            calls = api.calls[asked_before:]
            with cell(row, "calls", str(len(calls))):
                regions = Counter(registry.region for registry in self.registries)
                same("API calls", Counter(call.region for call in calls), regions)
        return row

    def _expected(self, api: FakeECR) -> list[Request]:
        logins = {registry.host: Login(registry.user, registry.password(api)) for registry in self.registries}
        one_by_one = [{host: login} for host, login in logins.items()]
        return [
            Request(operation, sent)
            for operation in self.client.operations
            for sent in ([logins] if operation == "build" else one_by_one)
        ]
