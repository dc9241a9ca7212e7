"""A fake STS, and a function that runs the command as a process or in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from ecr_credhelper import cli
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import AS_A_PROCESS, Result, Run, run
from tests.fake_sts import FakeSTS


@pytest.fixture
def sts(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    """Return a fake STS. The fake ECR accepts its keys."""
    with FakeSTS(aws.identities) as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.url)
        yield fake


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Return a function that runs ``kubelet`` in this process."""

    def call(*argv: str, stdin: bytes = b"") -> Result:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            status = cli.run(["kubelet", *argv])
        sys.stdout.flush()
        written = capfdbinary.readouterr()
        return Result(status, written.out, written.err)

    return call


@pytest.fixture(params=["in this process", AS_A_PROCESS])
def kubelet(request: pytest.FixtureRequest, here: Run) -> Run:
    """Return a function that runs ``kubelet`` as a process or in this process."""

    def process(*argv: str, stdin: bytes = b"") -> Result:
        return run("kubelet", *argv, stdin=stdin)

    return process if request.param == AS_A_PROCESS else here
