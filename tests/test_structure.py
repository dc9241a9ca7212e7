"""The structure: the allowed imports between modules, and the modules that a warm get loads."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ecr_credhelper
from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.commands import checked
from tests.conftest import HOST

PACKAGE = Path(ecr_credhelper.__file__).parent

LAYERS = ("cli", "kubelet", "doctor", "library", "fetch", "docker", "aws", "settings", "console", "testing")
"""The directories, from top to bottom: each imports from those below it, and from the root."""

ROOT = {path.stem for path in PACKAGE.glob("*.py")}
"""The warm path: the modules that a get from the cache loads."""

WARM = {"ecr_credhelper", *(f"ecr_credhelper.{module}" for module in ROOT)}

ALREADY_LOADED = {"_imp", "io", "os", "stat", "sys", "time"}
"""Modules that the interpreter has loaded before our first line."""

OF_ONE_SYSTEM = {
    "fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty",
}  # fmt: skip
"""Modules that only POSIX or only Windows has."""

WITHOUT_IO = ("errors", "protocol", "registry", "token")


def modules() -> list[str]:
    """Return all modules by their names within the package: ``aws.client``."""
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    return sorted(".".join(path.parts) for path in paths)


def imports(module: str, *, top_level_only: bool = False) -> set[str]:
    """Return the imports of a module. Modules of the package have their names within it."""
    tree = ast.parse(PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("ecr_credhelper.") for name in found}


def layer(name: str) -> int | None:
    """Return the layer of a name within the package, or None if it is not in a directory."""
    directory = name.partition(".")[0]
    return LAYERS.index(directory) if directory in LAYERS else None


def test_every_directory_has_its_layer() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/*.py")} == set(LAYERS)


@pytest.mark.parametrize("module", sorted(module for module in modules() if "." in module))
def test_imports_between_directories_point_downwards(module: str) -> None:
    own = layer(module)
    assert own is not None
    above = {name for name in imports(module) if (found := layer(name)) is not None and found < own}
    assert above == set()


@pytest.mark.parametrize("module", sorted(ROOT))
def test_no_module_at_the_root_imports_more_than_the_root_at_its_top(module: str) -> None:
    found = {name.partition(".")[0] for name in imports(module, top_level_only=True)}
    assert found <= ROOT | ALREADY_LOADED


def test_no_module_needs_one_system_at_its_top() -> None:
    for module in modules():
        found = {name.partition(".")[0] for name in imports(module, top_level_only=True)}
        assert not found & OF_ONE_SYSTEM, module


@pytest.mark.parametrize("module", WITHOUT_IO)
def test_a_parser_does_no_io(module: str) -> None:
    found = {name.partition(".")[0] for name in imports(module)}
    assert not found & {"io", "os", "sys", "socket", "subprocess", "cache", "files"}


def test_aws_does_not_know_the_cache_and_the_cache_does_not_know_aws() -> None:
    assert not {name.partition(".")[0] for name in imports("aws.client")} & {"cache", "records", "files"}
    assert not {name.partition(".")[0] for name in imports("cache")} & {
        "aws",
        "botocore",
        "boto3",
        "registry",
    }


WATCH = """
import os, sys
# The interpreter loads these for any script: site imports them, but -S disables site.
import codecs, io, stat, time
before = set(sys.modules)
from ecr_credhelper.__main__ import main
main(sys.argv[1:])
loaded = sorted(set(sys.modules) - before)
import json
print(json.dumps(loaded), file=sys.stderr)
"""


def get_once(host: str) -> None:
    """Cache a token, in this process."""
    assert Helper(os.environ, time.time, print).run("get", io.BytesIO(host.encode())).status == 0


def loaded_by(verb: str, stdin: str) -> set[str]:
    """Return the modules that one run of a verb loads, without those of the interpreter."""
    # -S and an explicit path: modules that a .pth file of this environment loads do not count.
    command = [sys.executable, "-S", "-c", WATCH, verb]
    done = subprocess.run(
        command,
        input=stdin.encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    assert done.returncode == 0, done.stderr.decode()
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("verb", "stdin"), [("get", HOST), ("get", "a.b"), ("list", ""), ("erase", HOST)])
def test_a_warm_verb_loads_nothing_but_its_own_modules(verb: str, stdin: str) -> None:
    """The headline figure rests on this: see docs/explanation/speed.md."""
    get_once(HOST)
    assert loaded_by(verb, stdin) <= WARM


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("host", [HOST, "images.example.com:5000"])
def test_a_warm_get_reads_no_settings(host: str, home: Path) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[registry."images.example.com:5000"]\nregion = "eu-west-1"\n')
    get_once(host)
    assert loaded_by("get", host) <= WARM


def test_the_watch_sees_an_import(aws: FakeECR) -> None:
    """A miss loads botocore: if this did not show, the test above could not fail."""
    done = checked([sys.executable, "-c", WATCH, "get"], input=HOST)
    assert "botocore" in json.loads(done.stderr.splitlines()[-1])
    assert len(aws.calls) == 1
