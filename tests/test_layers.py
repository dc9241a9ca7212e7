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
    {"commands"},
    {
        "commands.cache", "commands.completion", "commands.configure", "commands.doctor",
        "commands.login", "commands.password", "commands.status", "commands.unconfigure",
    },
    {"checks.aws", "checks.clients", "checks.machine", "checks.pulls"},
    {"commands.arguments", "commands.change"},
    {"checks", "discovery", "helper", "inventory", "provider"},
    {"listing"},
    {"config_file", "credentials", "entries"},
    {"fallback", "refresh", "resolver"},
    {"docker_config", "ecr", "eviction", "settings"},
    {"sessions"},
    {"authorization", "aws_errors"},
    {"cache", "directory", "protocol"},
    {"migration"},
    {"json_edit", "records", "terminal"},
    {"aws_files", "log", "rules"},
    {"errors", "fingerprint", "registry", "token"},
    {"files", "import_path", "places"},
    {"__init__"},
)  # fmt: skip
WARM = {
    "__init__", "__main__", "cache", "errors", "files", "fingerprint", "helper", "import_path", "places",
    "protocol", "records", "registry", "token",
}  # fmt: skip
WITHOUT_IO = {"registry", "token", "errors", "protocol"}

WARM_ALLOWED = {"ecr_credhelper", *(f"ecr_credhelper.{module}" for module in WARM - {"__init__"})}


def imports(module: str, *, top_level_only: bool = False) -> set[str]:
    """Return what a module of the package imports: its siblings by their short names."""
    tree = ast.parse(source(module).read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            inner = {name for name in inner if name.removeprefix("ecr_credhelper.") in modules()}
            found |= inner or {str(node.module)}
    return {name.removeprefix("ecr_credhelper.") for name in found}


def source(module: str) -> Path:
    """Return the file of a module: of a package, what says what is in it."""
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> list[str]:
    """Return all modules by their names within the package, and its subpackages."""
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def floor_of(module: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if module in floor)


def test_every_module_has_its_floor() -> None:
    assert set(modules()) == set().union(*FLOORS)


@pytest.mark.parametrize("module", sorted(set(modules()) - {"__init__"}))  # which is the face of it all
def test_imports_point_downwards_only(module: str) -> None:
    siblings = imports(module) & set(modules())
    assert all(floor_of(sibling) > floor_of(module) for sibling in siblings), siblings


@pytest.mark.parametrize("module", sorted(WARM))
def test_no_warm_module_imports_a_cold_one_or_a_package_at_its_top(module: str) -> None:
    top = imports(module, top_level_only=True)
    assert top <= WARM | {"_imp", "io", "os", "stat", "sys", "time"}


@pytest.mark.parametrize("module", sorted(WITHOUT_IO))
def test_a_parser_does_no_io(module: str) -> None:
    assert not imports(module) & {"io", "os", "sys", "socket", "subprocess", "cache", "files"}


def test_aws_does_not_know_the_cache_and_the_cache_does_not_know_aws() -> None:
    assert not imports("ecr") & {"cache", "records", "files"}
    assert not imports("cache") & {"ecr", "botocore", "boto3", "registry"}


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
