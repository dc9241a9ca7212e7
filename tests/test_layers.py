"""The structure: which module may import which, and what a warm get may load."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ecr_credhelper
from tests.conftest import HOST, run
from tests.fake_ecr import FakeECR

PACKAGE = Path(ecr_credhelper.__file__).parent

# From the top floor to the ground: a module imports only from floors below its own.
FLOORS = (
    {"__main__"},
    {"helper"},
    {"fallback", "refresh", "resolver"},
    {"docker_config", "ecr", "eviction", "settings"},
    {"sessions"},
    {"authorization", "aws_errors"},
    {"cache", "protocol"},
    {"records"},
    {"log"},
    {"errors", "files", "fingerprint", "registry", "rules", "token"},
    {"places"},
    {"__init__"},
)
COLD = {
    "aws_errors", "authorization", "docker_config", "ecr", "eviction", "fallback", "log", "refresh",
    "resolver", "rules", "sessions", "settings",
}  # fmt: skip
WITHOUT_IO = {"registry", "token", "errors", "protocol"}

WARM_ALLOWED = {
    # ours
    "ecr_credhelper", "ecr_credhelper.__main__", "ecr_credhelper.cache", "ecr_credhelper.errors",
    "ecr_credhelper.files", "ecr_credhelper.fingerprint", "ecr_credhelper.helper", "ecr_credhelper.protocol",
    "ecr_credhelper.places", "ecr_credhelper.records", "ecr_credhelper.registry", "ecr_credhelper.token",
}  # fmt: skip


def imports(module: str, *, top_level_only: bool = False) -> set[str]:
    """Return what a module of the package imports: its siblings by their short names."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            if node.module == "ecr_credhelper":
                found |= {
                    f"ecr_credhelper.{alias.name}"
                    for alias in node.names
                    if (PACKAGE / f"{alias.name}.py").exists()
                }
            else:
                found.add(str(node.module))
    return {name.removeprefix("ecr_credhelper.") for name in found}


def modules() -> list[str]:
    return sorted(path.stem for path in PACKAGE.glob("*.py"))


def floor_of(module: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if module in floor)


def test_every_module_has_its_floor() -> None:
    assert set(modules()) == set().union(*FLOORS)


@pytest.mark.parametrize("module", modules())
def test_imports_point_downwards_only(module: str) -> None:
    siblings = imports(module) & set(modules())
    assert all(floor_of(sibling) > floor_of(module) for sibling in siblings), siblings


@pytest.mark.parametrize("module", sorted(set(modules()) - COLD))
def test_no_warm_module_imports_a_cold_one_or_a_package_at_its_top(module: str) -> None:
    top = imports(module, top_level_only=True)
    assert not top & COLD
    assert top <= set(modules()) | {"io", "os", "stat", "sys", "time"}


@pytest.mark.parametrize("module", sorted(WITHOUT_IO))
def test_a_parser_does_no_io(module: str) -> None:
    assert not imports(module) & {"io", "os", "sys", "socket", "subprocess", "cache", "files"}


def test_aws_does_not_know_the_cache_and_the_cache_does_not_know_aws() -> None:
    assert not imports("ecr") & {"cache", "records", "files"}
    assert not imports("cache") & {"ecr", "botocore", "boto3", "registry"}


@pytest.mark.parametrize("module", modules())
def test_a_file_is_one_subject_of_at_most_250_lines(module: str) -> None:
    assert len((PACKAGE / f"{module}.py").read_text(encoding="utf-8").splitlines()) <= 250


WATCH = """
import os, sys
# What the interpreter loads for a bare script; site itself loads these, and -S left it out.
import codecs, io, stat, time
before = set(sys.modules)
from ecr_credhelper.__main__ import main
main(sys.argv[1:])
loaded = sorted(set(sys.modules) - before)
import json
print(json.dumps(loaded), file=sys.stderr)
"""


def loaded_by(verb: str, stdin: str) -> set[str]:
    """Return the modules that one run of a verb loads, beyond what the interpreter has."""
    # -S and an explicit path: what a .pth file of the surroundings loads is not ours to count.
    command = [sys.executable, "-S", "-c", WATCH, verb]
    done = subprocess.run(
        command,
        input=stdin.encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("verb", "stdin"), [("get", HOST), ("get", "a.b"), ("list", ""), ("erase", HOST)])
def test_a_warm_verb_loads_nothing_but_its_own_modules(verb: str, stdin: str) -> None:
    """The headline figure rests on this: see docs/explanation/speed.md."""
    run("get", stdin=HOST)
    assert loaded_by(verb, stdin) <= WARM_ALLOWED


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("host", [HOST, "images.example.com:5000"])
def test_a_warm_get_reads_no_settings(host: str, home: Path) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[registry."images.example.com:5000"]\nregion = "eu-west-1"\n')
    run("get", stdin=host)
    assert loaded_by("get", host) <= WARM_ALLOWED


def test_the_watch_sees_an_import(aws: FakeECR) -> None:
    """A miss loads botocore: if this did not show, the test above could not fail."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, "get"], input=HOST.encode(), capture_output=True, check=True
    )
    assert "botocore" in json.loads(done.stderr.splitlines()[-1])
    assert len(aws.calls) == 1
