"""What all measurements share: the fakes, homes, and how many rounds are wanted."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from benchmarks import amazon, sandbox
from benchmarks.homes import REGION, Home, LongTokensECR
from benchmarks.processes import WARM_UPS, Command, run_in_turn
from benchmarks.report import Ratio
from tests.fake_sts import FakeSTS

STS_SECONDS = 0.05
"""What STS and the SSO portal take to answer; real ones take longer. The fake ECR answers at once."""

LEAST_ROUNDS = 2
"""Below which there are no quartiles."""


class Surroundings:
    """Everything around the measurements, from ``with`` to its end, with its files in ``folder``.

    ``obstacle`` tells why nothing can be measured under the names of AWS, and so not Amazon's helper; it is
    empty where it can. ``scale`` multiplies all numbers of rounds.
    """

    def __init__(self, folder: Path, *, obstacle: str, scale: float) -> None:
        self.directory = folder
        self.obstacle = obstacle
        self.amazon, self.amazon_name = amazon.find(folder)
        self.api = LongTokensECR()
        self.sts = FakeSTS(self.api.identities, delay=STS_SECONDS)
        self.bundle = ""
        self._scale = scale
        self._stack = ExitStack()

    def home(self, *, by_name: bool = False) -> Home:
        """Return a new home whose AWS SDKs find the fakes by URL, or over TLS by the names of AWS."""
        endpoints = {} if by_name else {"AWS_ENDPOINT_URL": self.api.url, **self.sts.environment}
        folder = Path(tempfile.mkdtemp(prefix="home-", dir=self.directory))
        return Home(folder, self.api, self.sts, endpoints)

    def compare(
        self,
        what: str,
        beside: str,
        commands: tuple[Command, Command],
        rounds: int,
        prepare: Callable[[], object] = lambda: None,
        warm_ups: int = WARM_UPS,
    ) -> Ratio:
        """Run both commands in turn and return the row; no time counts for ``prepare``."""
        rounds = max(LEAST_ROUNDS, round(rounds * self._scale))
        warm_ups = max(1, round(warm_ups * min(self._scale, 1)))
        return Ratio(what, beside, commands, run_in_turn(commands, rounds, prepare, warm_ups))

    def __enter__(self) -> Self:
        for fake in (self.api, self.sts):
            self._stack.enter_context(fake)
        if not self.obstacle:
            urls = {"api.ecr": self.api.url, "sts": self.sts.url}
            ports = {f"{api}.{REGION}.amazonaws.com": urlsplit(url).port or 0 for api, url in urls.items()}
            self.bundle = sandbox.stand_in(ports, self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
