"""Nothing is imported from a parent's PYTHONPATH, the script's directory or the working directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import ecr_credhelper
from ecr_credhelper import __main__ as program
from ecr_credhelper import import_path
from ecr_credhelper.cache import open_cache
from ecr_credhelper.fetch.resolver import token_key
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import NO_RULE
from ecr_credhelper.testing.fake_ecr import FakeECR
from ecr_credhelper.token import Token
from tests.commands import output_of
from tests.conftest import EXECUTABLE, HOST, Result, until
from tests.systems import links

PACKAGE = Path(ecr_credhelper.__file__).parent
PACKAGES = sysconfig.get_path("purelib")
HOSTILE = "raise SystemExit('imported from where it must not be')\n"

# What is imported before this program's first line: by the interpreter, `-m` and pip's launcher.
EARLIER = output_of([sys.executable, "-c", "import re, runpy, pkgutil, sys; print(*sys.modules)"]).split()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a directory with a broken copy of every module of the standard library and our dependencies."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    dependencies = {"boto3", "botocore", "cachetools", "certifi", "filelock", "awscrt", "urllib3", "jmespath"}
    loaded = {*EARLIER, "sitecustomize", "usercustomize", "site", "encodings"}
    for name in {*sys.stdlib_module_names, *dependencies} - loaded:
        (folder / f"{name}.py").write_text(HOSTILE)
    assert (folder / "json.py").exists()
    assert (folder / "queue.py").exists()
    return folder


def get(*command: str, cwd: Path | None = None, **environ: str) -> Result:
    done = subprocess.run(
        command or [EXECUTABLE, "get"],
        input=HOST.encode(), capture_output=True, check=False, cwd=cwd, env={**os.environ, **environ},
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.usefixtures("aws", "patient")
@pytest.mark.parametrize("pythonpath", ["{}", "", ".", "{}{sep}relative", "{sep}{}/../hostile/"])
@pytest.mark.parametrize("command", [[EXECUTABLE, "get"], [sys.executable, "-m", "ecr_credhelper", "get"]])
def test_pythonpath_and_the_working_directory_are_not_imported_from(
    pythonpath: str, command: list[str], hostile: Path
) -> None:
    given = pythonpath.format(hostile, sep=os.pathsep) or os.pathsep
    for _ in range(2):  # from AWS, and from the cache
        assert get(*command, cwd=hostile, PYTHONPATH=given).reply["Username"] == "AWS"


@links
@pytest.mark.usefixtures("aws")
def test_modules_next_to_the_script_are_not_imported(hostile: Path) -> None:
    script = str(shutil.copy(EXECUTABLE, hostile))
    assert get(script, "get").reply["Username"] == "AWS"
    link = hostile.parent / "link"
    link.symlink_to(script)
    assert get(str(link), "get", AWS_ECR_DISABLE_CACHE="1").reply["Username"] == "AWS"


@pytest.mark.usefixtures("aws")
def test_a_pythonpath_with_the_interpreters_directories_changes_nothing() -> None:
    library = sysconfig.get_path("stdlib")
    given = os.pathsep.join([PACKAGES, library, os.path.join(library, "lib-dynload")])
    assert get(PYTHONPATH=given).reply["Username"] == "AWS"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a directory from which this package can be imported, and nothing else."""
    folder = tmp_path / "copy"
    shutil.copytree(PACKAGE, folder / "ecr_credhelper", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.usefixtures("aws")
def test_an_entry_that_this_package_was_loaded_from_stays(copy: Path, hostile: Path) -> None:
    given = os.pathsep.join([str(copy), "", str(hostile)])
    command = [sys.executable, "-P", "-m", "ecr_credhelper", "get"]
    assert get(*command, cwd=hostile, PYTHONPATH=given).reply["Username"] == "AWS"
    found = output_of(
        [sys.executable, "-P", "-c", "import ecr_credhelper; print(ecr_credhelper.__file__)"],
        env={**os.environ, "PYTHONPATH": given},
    )
    assert found.startswith(str(copy)), "which is the one that was tested"


@pytest.mark.usefixtures("aws")
def test_an_installation_on_pythonpath_finds_its_dependencies(copy: Path, hostile: Path) -> None:
    first = hostile.parent / "first"  # absolute entries have to stay, so it can hold no optional module
    first.mkdir()
    for name in ("json", "queue"):
        shutil.copy(hostile / f"{name}.py", first)
    given = os.pathsep.join([str(first), str(copy), PACKAGES, "", "."])
    command = [sys.executable, "-S", "-P", "-m", "ecr_credhelper", "get"]
    assert get(*command, cwd=hostile, PYTHONPATH=given).reply["Username"] == "AWS"


# The refresh in the background.

PROCESS = """\
import json, os, pathlib
pathlib.Path({seen!r}).write_text(os.environ.get("PYTHONPATH", "none"))
print(json.dumps({{"Version": 1, "AccessKeyId": {key!r}, "SecretAccessKey": {secret!r}}}))
"""


def ageing() -> None:
    """Save a token that expires in two hours."""
    cache, registry, now = open_cache(os.environ), parse(HOST), time.time()
    assert registry
    lines = fingerprint(os.environ)
    key = token_key(registry, NO_RULE, lines.identity)
    cache.save_token(key, Token("AWS", "old", fetched_at=now - 10 * 3600, expires_at=now + 2 * 3600))
    cache.save_route(HOST, lines.full, key, now)


def test_a_refresh_ignores_pythonpath_but_credential_processes_have_it(
    hostile: Path, home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a process with -m imports before us. On Windows, so does the launcher.
    for name in () if sys.platform == "win32" else ("runpy", "pkgutil", "importlib"):
        (hostile / f"{name}.py").write_text(HOSTILE)
    script, seen = home / "process.py", home / "seen"
    script.write_text(PROCESS.format(seen=str(seen), key=api.access_key, secret=api.secret_key))
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f'[default]\nendpoint_url = {api.url}\ncredential_process = "{sys.executable}" -I "{script}"\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(hostile))
    ageing()
    assert get().reply["Secret"] == "old"
    until(lambda: api.calls and seen.exists() and seen.read_text())
    assert seen.read_text() == str(hostile)


def test_a_refresh_keeps_the_pythonpath_that_it_needs(copy: Path, aws: FakeECR) -> None:
    ageing()
    command = [sys.executable, "-P", "-m", "ecr_credhelper", "get"]
    assert get(*command, PYTHONPATH=str(copy)).reply["Secret"] == "old"
    until(lambda: aws.calls)


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("pythonpath", ["", "/foreign"])
def test_a_script_in_a_virtual_environment_loads_no_extra_module(
    link: bool, pythonpath: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = os.path.join(sys.prefix, "bin/script")
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/script" if link else script])
    scripts = os.path.dirname(script)
    monkeypatch.setattr(sys, "path", [scripts, *(entry for entry in sys.path if entry != scripts)])
    monkeypatch.setenv("PYTHONPATH", pythonpath)
    monkeypatch.delitem(sys.modules, "ecr_credhelper.import_path")
    monkeypatch.delattr(ecr_credhelper, "import_path")
    program.isolate_imports()
    assert ("ecr_credhelper.import_path" in sys.modules) == bool(pythonpath)
    assert pythonpath or scripts not in sys.path


# The import path, in this process.


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return an import path that a test can change, as if a script had started this process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/script").touch()
    (tmp_path / "link").symlink_to("bin/script")
    found = [str(tmp_path / "bin"), str(tmp_path), "/foreign", *sys.path]
    monkeypatch.setattr(sys, "path", found)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "link")])
    return found


@links
@pytest.mark.parametrize(
    ("pythonpath", "flags", "gone"),
    [
        ("", {}, {"bin"}),
        ("", {"safe_path": True}, set()),
        (os.pathsep, {}, {"bin", ""}),
        ("./bin/..", {}, {"bin", ""}),
        ("/foreign", {}, {"bin", "/foreign"}),
        ("/foreign/", {"safe_path": True}, {"/foreign"}),
        ("/foreign", {"safe_path": True, "ignore_environment": True}, set()),
        (PACKAGES, {"safe_path": True}, set()),
    ],
)
def test_entries_of_other_programs_are_removed(
    pythonpath: str, flags: dict[str, bool], gone: set[str], path: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = path[:]
    monkeypatch.setattr(
        sys, "flags", SimpleNamespace(**{"safe_path": False, "ignore_environment": False, **flags})
    )
    monkeypatch.setenv("PYTHONPATH", pythonpath)
    import_path.isolate()
    places = {os.path.normpath(tmp_path / name) for name in gone}
    assert path == [entry for entry in before if os.path.normpath(entry or tmp_path) not in places]
    assert os.environ["PYTHONPATH"] == pythonpath


@links
def test_the_directory_of_the_package_stays(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = str(PACKAGE.parent), "/other"
    path[:] = [root, ".", other, *(entry for entry in path if entry != root)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, ".", other]))
    import_path.isolate()
    assert path[0] == root
    assert not {".", other} & {*path}, "what we depend on is elsewhere"


@links
def test_the_entries_of_dependencies_come_last(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(PACKAGE.parent)
    given = ["/other", root, ".", ""]
    path[:] = [*given, "/library"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(given))
    import_path.isolate()
    assert path == [root, "/library", "/other"]


@links
def test_an_entry_that_cannot_be_normalized_stays(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path.append(7)  # type: ignore[arg-type] # what a .pth file has added
    monkeypatch.setattr(sys, "argv", ["script"])
    gone = Path("gone")
    gone.mkdir()
    os.chdir(gone)
    Path("../gone").rmdir()
    monkeypatch.setenv("PYTHONPATH", f"relative{os.pathsep}/foreign")
    import_path.isolate()
    assert "/foreign" not in path
    assert 7 in [*path]  # type: ignore[comparison-overlap] # likewise


def normalized(*paths: str) -> list[str]:
    return [os.path.normcase(os.path.abspath(path)) for path in paths]


def test_the_directories_of_the_interpreter_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    directories = import_path._interpreter_directories  # noqa: SLF001 - a test cannot choose an interpreter
    site = SimpleNamespace(getsitepackages=lambda: ["/site"], USER_SITE="/user", ENABLE_USER_SITE=True)
    monkeypatch.setitem(sys.modules, "site", site)
    library, _, *rest = directories()
    assert library == os.path.normcase(os.path.dirname(os.__file__))
    assert rest == normalized("/site", "/user")
    site.ENABLE_USER_SITE = False
    assert directories()[2:] == normalized("/site")
    monkeypatch.delitem(sys.modules, "site")
    assert len(directories()) == 2
