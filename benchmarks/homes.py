"""Temporary home directories with all usual kinds of AWS identities, which the fakes accept."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import Command, WrongOutputError
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.fake_sts import FakeSTS

PYTHON = sys.executable
HELPER = str(Path(sys.executable).with_name("docker-credential-ecr-py"))
REGION = "us-west-2"
HOST = f"111122223333.dkr.ecr.{REGION}.amazonaws.com"

PASSWORD_LENGTH = 2400
"""Approximate length of a real password, in characters. Those of the fake are shorter, so faster to read."""

KEYS = "keys in the environment"
ROLE = "assumed role (profile)"
IDENTITIES = {
    KEYS: {"AWS_ACCESS_KEY_ID": FakeECR.access_key, "AWS_SECRET_ACCESS_KEY": FakeECR.secret_key},
    "keys in a profile": {"AWS_PROFILE": "keys"},
    ROLE: {"AWS_PROFILE": "role"},
    "SSO (profile)": {"AWS_PROFILE": "sso"},
    "credential_process": {"AWS_PROFILE": "process"},
}

CONFIG = """\
[profile role]
role_arn = arn:aws:iam::111122223333:role/puller
source_profile = keys
[profile sso]
sso_session = corporate
sso_account_id = 111122223333
sso_role_name = puller
[sso-session corporate]
sso_region = us-west-2
sso_start_url = https://corporate.awsapps.com/start
[profile process]
credential_process = /bin/sh {directory}/process
"""
PROCESS = "echo >>{directory}/processes\ncat {directory}/keys.json\n"
"""A credential process that writes a line to a file at each start."""


class LongTokensECR(FakeECR):
    """A fake ECR API whose passwords are known in advance and as long as those of AWS."""

    def __init__(self) -> None:
        super().__init__(unique=False)

    def password(self, region: str, *, service: str = "ecr", serial: int = 0) -> str:
        claims = json.loads(base64.b64decode(super().password(region, service=service, serial=serial)))
        claims["payload"] *= PASSWORD_LENGTH * 3 // 4 // len(claims["payload"])
        return base64.b64encode(json.dumps(claims).encode()).decode()


class Home:
    """A home directory. ``endpoints`` are the variables with which an AWS SDK calls the fakes."""

    def __init__(self, directory: Path, api: FakeECR, sts: FakeSTS, endpoints: Mapping[str, str]) -> None:
        self.directory = directory
        self.api = api
        self.sts = sts
        keys = f"aws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
        self.write(".aws/credentials", f"[keys]\n{keys}")
        self.write(".aws/config", CONFIG.format(directory=directory))
        self.write("process", PROCESS.format(directory=directory))
        process_keys = {"AccessKeyId": api.access_key, "SecretAccessKey": api.secret_key}
        self.write("keys.json", json.dumps({"Version": 1, **process_keys}))
        self.write("host", HOST)
        sts.log_in(directory, "corporate")
        # Nothing is inherited. With LANG, Python does not have to search for a UTF-8 locale.
        self.environment = {
            "HOME": str(directory),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            **endpoints,
        }

    def write(self, name: str, text: str) -> str:
        """Write a file in the home directory and return its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def command(self, *argv: str, identity: str = KEYS, expected: str = "", host: str = "") -> Command:
        """Return a command, which reads the file ``host`` (if any) and prints ``expected``."""
        stdin = str(self.directory / host) if host else os.devnull
        return Command(argv, self.environment, IDENTITIES[identity], stdin, expected)

    def get(self, *, helper: str = HELPER, identity: str = KEYS, host: str = "host") -> Command:
        """Return ``get`` for the registry that is named in the file ``host``."""
        password = f'"{self.api.password(REGION)}"'
        return self.command(helper, "get", identity=identity, expected=password, host=host)

    def bare(self, python: str = PYTHON) -> Command:
        """Return a command that only starts the interpreter, which needs no identity."""
        return Command((python, "-c", "pass"), self.environment)

    def forget(self) -> None:
        """Empty the caches of our helper and of Amazon's."""
        for name in (".cache", ".ecr"):
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def amazon_tokens(self) -> int:
        """Return how many tokens Amazon's helper has cached: one for each registry and access key."""
        return len(json.loads((self.directory / ".ecr/cache.json").read_text())["Registries"])

    @contextmanager
    def assert_no_calls(self) -> Iterator[None]:
        """Raise WrongOutputError if the block calls AWS or starts a credential process."""
        before = self._count_calls()
        yield
        if calls := self._count_calls() - before:
            raise WrongOutputError(f"{calls} unexpected calls to AWS or starts of a credential process")

    def _count_calls(self) -> int:
        processes = self.directory / "processes"
        started = processes.read_text().count("\n") if processes.exists() else 0
        return self.api.requests + len(self.sts.calls) + started
