"""The installed launcher, as clients and users see it: a script, or on Windows an ``.exe`` file."""

from __future__ import annotations

import concurrent.futures
import json
import os
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, Result, login, run
from tests.docker_files import write

CONFIG = b'{\n  "auths": {"ghcr.io": {"auth": "c2VjcmV0"}}\n}\n'


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return Docker's configuration file; the launcher is on PATH."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(EXECUTABLE).parent), os.environ["PATH"])))
    return write(home / ".docker/config.json", CONFIG)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_whole_protocol(end: str, aws: FakeECR) -> None:
    host = f"https://{HOST}{end}"
    token = run("get", stdin=host).reply
    assert token == {
        "ServerURL": f"https://{HOST}", "Username": "AWS", "Secret": aws.password("us-west-2", serial=1)
    }  # fmt: skip
    assert run("list").reply == {HOST: "AWS"}
    assert run("store", stdin=f"{login()}{end}") == Result(0, b"", b"")
    assert run("get", stdin=host).reply["Secret"] == "a-password"
    assert run("erase", stdin=host) == Result(0, b"", b"")
    assert run("list").reply == {}
    assert run("version").stdout.startswith(b"docker-credential-ecr-py ")
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("patient")
def test_concurrent_cold_gets_make_one_call(aws: FakeECR) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as executor:
        runs = [executor.submit(run, "get", stdin=HOST) for _ in range(6)]
        secrets = {done.result().reply["Secret"] for done in runs}
    assert (secrets, len(aws.calls)) == ({aws.password("us-west-2", serial=1)}, 1)


@pytest.mark.usefixtures("aws")
def test_the_configuration_is_changed_and_restored(config: Path) -> None:
    assert run("configure", HOST, OTHER_ACCOUNT, "--yes").status == 0
    assert json.loads(config.read_bytes())["credHelpers"] == {HOST: "ecr-py", OTHER_ACCOUNT: "ecr-py"}
    assert run("unconfigure", "--yes").status == 0
    assert config.read_bytes() == CONFIG


@pytest.mark.usefixtures("patient", "aws")
def test_output_for_programs_is_utf8_with_line_feeds_and_has_one_separator_in_paths(
    config: Path, home: Path
) -> None:
    assert run("configure", HOST, "--yes").status == 0
    for command in (["status"], ["doctor"], ["cache"], ["config"]):
        done = run(*command)
        text = done.stdout.decode() + done.stderr.decode()
        assert done.status == (1 if command == ["doctor"] else 0), f"{text}: the fake API has no STS"
        assert "\r" not in text
        assert str(home) in text
        assert f"{home}/" not in text.replace(os.sep, "|"), "mixed separators"
    assert str(config) in run("status").stdout.decode()
