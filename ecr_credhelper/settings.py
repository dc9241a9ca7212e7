"""The settings file: TOML, missing by default and never needed for one account.

    fallback = "pass"       # logins of registries that are not ECR: docker-credential-pass keeps them

Every problem of a file is told at once, with its field, what was found and what was expected.
"""

import difflib
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.places import settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OURS = "ecr-py"
"""Our own suffix: ``docker-credential-ecr-py``."""


class Settings:
    """What a settings file says; without one, the defaults."""

    def __init__(self, *, fallback: str | None = None) -> None:
        self.fallback = fallback


def load(environ: "Mapping[str, str]") -> Settings:
    """Return the person's settings.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or says something that it cannot.

    """
    path = settings_file(environ)
    if path is None or not (os.path.lexists(path) or environ.get("ECR_CREDHELPER_CONFIG")):
        return Settings()
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", ADVICE) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(path, f"is not valid TOML: {error}", ADVICE) from None
    problems = [*_problems(content)]
    if problems:
        raise ConfigurationError(path, " / ".join(problems), ADVICE)
    return Settings(**content)


ADVICE = "correct it, or set ECR_CREDHELPER_CONFIG to another file"


def _suffix(value: object) -> str | None:
    """Return what is wrong with a helper's suffix, if anything."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        return 'expected the end of a credential helper\'s name, such as "pass" of docker-credential-pass'
    return "this helper cannot be its own fallback" if value == OURS else None


FIELDS: "dict[str, Callable[[object], str | None]]" = {"fallback": _suffix}
"""Field -> a function that tells what is wrong with its value."""


def _problems(content: "dict[str, Any]") -> "list[str]":
    found = []
    for name, value in content.items():
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(FIELDS)}"
            found.append(f"{name}: there is no such setting, {hint}")
        elif problem := FIELDS[name](value):
            found.append(f"{name}: found {value!r}, {problem}")
    return found
