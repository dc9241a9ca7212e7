"""Where this program's own files are: each system's own place, or the one that a variable names."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

APP = "ecr-credhelper"


def cache_directory(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the cache folder's absolute path, or None when the machine has no place for one.

    ``AWS_ECR_CACHE_DIR`` (as with Amazon's helper) wins; then each system's own place for caches.
    Ours is a folder inside, so that another program's files there are left alone.
    """
    if given := environ.get("AWS_ECR_CACHE_DIR"):
        base = _absolute(given)
    elif platform == "win32":
        base = _app_data(environ, "LOCALAPPDATA", "Local")
    elif platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = _xdg(environ, "XDG_CACHE_HOME", "~/.cache")
    return os.path.join(base, APP) if os.path.isabs(base) else None


def settings_file(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the absolute path of the settings file, which need not exist, or None without a place for it."""
    if given := environ.get("ECR_CREDHELPER_CONFIG"):
        return _absolute(given)
    if platform == "win32":
        base = _app_data(environ, "APPDATA", "Roaming")
    elif platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    else:
        base = _xdg(environ, "XDG_CONFIG_HOME", "~/.config")
    return os.path.join(base, APP, "config.toml") if os.path.isabs(base) else None


def has_settings(environ: "Mapping[str, str]") -> bool:
    """Tell whether there may be settings, without looking into them."""
    return bool(environ.get("ECR_CREDHELPER_CONFIG")) or os.path.lexists(settings_file(environ) or "")


def docker_config_file(environ: "Mapping[str, str]") -> str:
    """Return the path of Docker's own configuration file, as Docker finds it."""
    directory = environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return os.path.join(directory, "config.json")


def _absolute(path: str) -> str:
    path = os.path.expanduser(path)
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory has gone
        return path


def _app_data(environ: "Mapping[str, str]", variable: str, name: str) -> str:
    """Return a Windows folder for programs' files, whose variable services may lack."""
    given = environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.join(environ.get("USERPROFILE", ""), "AppData", name)


def _xdg(environ: "Mapping[str, str]", variable: str, default: str) -> str:
    """Return a folder of https://specifications.freedesktop.org/basedir-spec, which ignores relative ones."""
    given = environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.expanduser(default)
