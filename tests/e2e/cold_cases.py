"""Cases with a cold cache: the helper has served no host yet when a client asks it for a list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e.cases import Case, cell
from tests.e2e.engine_clients import Docker, docker_commands
from tests.e2e.home import CRED_HELPERS, Home
from tests.e2e.report import Row


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
