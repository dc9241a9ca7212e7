"""The setup that all measurements share: the fakes, home directories, and the number of rounds."""

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
"""Response time of STS and the SSO portal in seconds. Real ones are slower. The fake ECR has no delay."""

MIN_ROUNDS = 2
"""Minimum number of rounds: quartiles need two values."""


class Fixture:
    """The fakes, which run until the end of the ``with`` block, and temporary files in ``directory``.

    ``sandbox_problem`` is why there is no sandbox, without which Amazon's helper cannot be measured. In the
    sandbox, it is empty. ``scale`` multiplies all numbers of rounds.
    """

    def __init__(self, directory: Path, *, sandbox_problem: str, scale: float) -> None:
        self.directory = directory
        self.sandbox_problem = sandbox_problem
        self.amazon, self.amazon_name = amazon.find(directory)
        self.api = LongTokensECR()
        self.sts = FakeSTS(self.api.identities, delay=STS_SECONDS)
        self.bundle = ""
        self._scale = scale
        self._stack = ExitStack()

    def home(self, *, by_name: bool = False) -> Home:
        """Return a new home in which AWS SDKs call the fakes by URL, or over TLS by the host names of AWS."""
        endpoints = {} if by_name else {"AWS_ENDPOINT_URL": self.api.url, **self.sts.environment}
        directory = Path(tempfile.mkdtemp(prefix="home-", dir=self.directory))
        return Home(directory, self.api, self.sts, endpoints)

    def compare(
        self,
        what: str,
        baseline: str,
        commands: tuple[Command, Command],
        rounds: int,
        prepare: Callable[[], object] = lambda: None,
        warm_ups: int = WARM_UPS,
    ) -> Ratio:
        """Run both commands in turn and return the row. The time of ``prepare`` does not count."""
        rounds = max(MIN_ROUNDS, round(rounds * self._scale))
        warm_ups = max(1, round(warm_ups * min(self._scale, 1)))
        return Ratio(what, baseline, commands, run_in_turn(commands, rounds, prepare, warm_ups))

    def __enter__(self) -> Self:
        for fake in (self.api, self.sts):
            self._stack.enter_context(fake)
        if not self.sandbox_problem:
            urls = {"api.ecr": self.api.url, "sts": self.sts.url}
            ports = {f"{api}.{REGION}.amazonaws.com": urlsplit(url).port or 0 for api, url in urls.items()}
            self.bundle = sandbox.serve_as_aws(ports, self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
