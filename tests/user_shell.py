"""A shell for the commands of the documents, with fake clients and installers, and a fake Amazon ECR."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.commands import EXECUTABLE

PROGRAM = "docker-credential-ecr-py"
STUBS = ("docker", "podman", "helm", "apk", "pip", "pipx")

CLIENT = f"""\
#!{sys.executable}
import json, os, subprocess, sys
home = os.path.expanduser("~")
match sys.argv[1:]:
    case ["pull" | "push" as verb, image]:
        host = image.partition("/")[0]
        if not os.path.exists(f"{{home}}/{{host}}.login"):
            with open(f"{{home}}/.docker/config.json") as file:
                config = json.load(file)
            suffix = config.get("credHelpers", {{}}).get(host) or config["credsStore"]
            login = subprocess.check_output([f"docker-credential-{{suffix}}", "get"], input=host.encode())
            assert json.loads(login)["Username"] == "AWS"
        print(f"{{verb}}ed", image)
    case ["image", "ls", *_] | ["build", "-t", _, "."] | ["ps"]:
        pass
    case [*_, "login", "--username", "AWS", "--password-stdin", host]:
        with open(f"{{home}}/{{host}}.login", "w") as file:
            assert file.write(sys.stdin.read()), "a password"
        print("Login Succeeded")
    case ["add", "--no-cache", "pipx"]:
        pass
    case ["install", "{PROGRAM}"]:
        os.makedirs(f"{{home}}/.local/bin", exist_ok=True)
        os.symlink({EXECUTABLE!r}, f"{{home}}/.local/bin/{PROGRAM}")
    case _:
        sys.exit(f"unexpected: {{sys.argv}}")
"""
"""A program in the place of docker, podman and helm, which asks the configured helper as they do.

In the place of an installer, it links the helper as pipx does.
"""

Shell = Callable[[str], str]


def shell_of_a_user(home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a function that runs a command line as a user with two AWS profiles does."""
    if sys.platform == "win32":
        pytest.skip("the fake clients are scripts")
    (tmp_path / PROGRAM).symlink_to(EXECUTABLE)
    for name in STUBS:
        (tmp_path / name).write_text(CLIENT)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(f"[default]\n{keys}[dev]\n{keys}[prod]\n{keys}")

    def run(line: str) -> str:
        done = subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run
