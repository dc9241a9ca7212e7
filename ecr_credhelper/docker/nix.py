"""Configuration files that Nix manages: links into its read-only store, which only a new build can change."""

import json
import os
from typing import TYPE_CHECKING

from ecr_credhelper.docker.edit import CREDS_STORE, HELPERS, section
from ecr_credhelper.docker.json_edit import value
from ecr_credhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from ecr_credhelper.docker.config_file import Change

STORE = "/nix/store"
"""The store, unless ``NIX_STORE_DIR`` names another one."""

OPTION = "programs.docker-cli.settings"
"""The option of home-manager for Docker's config.json."""


def is_managed(change: "Change") -> bool:
    """Return whether the file of a change is in the store."""
    store = os.path.realpath(os.environ.get("NIX_STORE_DIR") or STORE)
    return change.file.real.startswith(os.path.join(store, ""))


def error(change: "Change") -> ConfigurationError:
    """Return the error for a change of a file in the store."""
    hint = "make this change in your Nix configuration and apply it"
    return ConfigurationError(change.file.path, "is read-only, because Nix manages it", hint)


def instructions(change: "Change") -> list[str]:
    """Return lines with the change in the language of Nix, for Docker's config.json."""
    if not change.file.path.endswith("config.json"):
        return []
    old, new = _options(change.file.text), _options(change.text)
    added = [f"  {name} = {json.dumps(helper)};" for name, helper in new.items() if old.get(name) != helper]
    removed = [f"  {name}" for name in old if name not in new]
    lines = ["Add to your home-manager configuration:", *added] if added else []
    return [*lines, "Remove from your home-manager configuration:", *removed] if removed else lines


def _options(text: str) -> dict[str, str]:
    """Return the options of home-manager for the helpers in a text, each with its value."""
    options = {
        f"{OPTION}.{HELPERS}.{json.dumps(host)}": name for host, name in section(text, HELPERS).items()
    }
    if store := value(text, CREDS_STORE):
        options[f"{OPTION}.{CREDS_STORE}"] = store
    return options
