"""Find what is wrong in the configuration file of Docker or podman, and entries of it that have no effect."""

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.console.log import redacted
from ecr_credhelper.docker import edit
from ecr_credhelper.docker.config import AMAZON_SUFFIX, INVALID, read
from ecr_credhelper.docker.config_file import backup_path
from ecr_credhelper.docker.go_json import FIELDS, is_same_field
from ecr_credhelper.docker.programs import PREFIX, is_this_helper
from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.docker.config import DockerConfig

MAX_KEYS = 3
"""Limits how many keys that Docker never matches are listed, one by one."""

SWITCH = f"run: {PROG} configure --creds-store"
"""The hint for a credsStore that this helper should be."""


class FileProblem(NamedTuple):
    """A problem of a file, without its name, and what to do about it."""

    text: str
    hint: str


def problem_of(file: "DockerConfig") -> str:
    """Return why ``configure`` rejects a file, or an empty string.

    A client cannot read a file with ``file.problem``; after other problems, it ignores the wrong value.
    """
    if file.problem in {"", INVALID}:
        try:
            edit.check(_text(file))
        except ValueError as error:
            return f"is not valid: {error}"
    return file.problem


def ineffective_entries(file: "DockerConfig") -> "Iterator[FileProblem]":
    """Yield entries that Docker ignores or never matches."""
    for key, field in file.misspelt_fields().items():
        yield FileProblem(f'Docker ignores "{key}"', f'did you mean "{field}"?')
    for ignored, used in _repeated_fields(file):
        text = f'Docker ignores "{ignored}", because "{used}" below is the same field'
        yield FileProblem(text, "remove one of them")
    for place, name in _program_names(file):
        text = f'"{name}" in {place} is the name of a program, and Docker adds "{PREFIX}"'
        yield FileProblem(text, f'write "{name.removeprefix(PREFIX)}"')
    keys = file.unmatched_keys()
    for key, correct in [*keys.items()][:MAX_KEYS]:
        hint = f'write "{correct}"' if correct else "write the host of a registry"
        if "*" in key:
            hint = "Docker supports no wildcards: configure each registry, or use configure --creds-store"
        yield FileProblem(f'Docker never matches "{redacted(key)}" in credHelpers', hint)
    if len(keys) > MAX_KEYS:
        more = len(keys) - MAX_KEYS
        text = f"Docker never matches {more} more key{'' if more == 1 else 's'} in credHelpers"
        yield FileProblem(text, "write the hosts of the registries")


def other_store(file: "DockerConfig", fallback: str, environ: "Mapping[str, str]") -> FileProblem | None:
    """Return the problem of a credsStore that should be this helper, or None.

    It is Amazon's helper, or another program has replaced this helper, as Docker Desktop does. ``configure
    --creds-store`` made the previous credsStore the ``fallback``. Without a previous one, the backup shows
    that ``configure`` has changed the file.
    """
    store = file.creds_store
    if not store or is_this_helper(store, environ) or file.hosts_of_this_helper(environ):
        return None
    if store == AMAZON_SUFFIX:
        return FileProblem("credsStore is Amazon's helper (ecr-login)", SWITCH)
    backup = backup_path(file.path)
    if store == fallback or (os.path.lexists(backup) and read(backup).creds_store != store):
        text = f'credsStore is "{store}" again: another program, such as Docker Desktop, changed it'
        return FileProblem(text, SWITCH)
    return None


def _repeated_fields(file: "DockerConfig") -> "Iterator[tuple[str, str]]":
    """Yield each spelling of a field that a later one replaces, with the later one."""
    members = () if problem_of(file) else json.loads(_text(file).strip() or "{}", object_pairs_hook=tuple)
    for field in FIELDS:
        keys = [key for key, _ in members if is_same_field(key, field)]
        for key in keys[:-1]:
            yield key, keys[-1]


def _program_names(file: "DockerConfig") -> "Iterator[tuple[str, str]]":
    """Yield the places and names of helpers that begin with ``docker-credential-``."""
    named = {"credsStore": file.creds_store} if file.creds_store.startswith(PREFIX) else {}
    names = {name: "credHelpers" for name in file.helpers.values() if name.startswith(PREFIX)}
    yield from named.items()
    yield from ((place, name) for name, place in names.items())


def _text(file: "DockerConfig") -> str:
    """Return the text of a file, which is empty if it does not exist."""
    try:
        with open(file.path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
