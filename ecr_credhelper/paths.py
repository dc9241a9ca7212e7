"""The paths of our files: the system's standard directories, unless a variable overrides them."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

APP = "ecr-credhelper"


def cache_directory(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the absolute path of the cache directory, or None if there is no home directory.

    ``AWS_ECR_CACHE_DIR``, which Amazon's helper also reads, overrides the system's directory for caches. The
    cache is a subdirectory of it, since other programs can have files there.
    """
    if override := environ.get("AWS_ECR_CACHE_DIR"):
        base = _absolute(override)
    elif platform == "win32":
        base = _app_data(environ, "LOCALAPPDATA", "Local")
    elif platform == "darwin":
        base = in_home("Library", "Caches")
    else:
        base = _xdg(environ, "XDG_CACHE_HOME", ".cache")
    return os.path.join(base, APP) if os.path.isabs(base) else None


def settings_file(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the absolute path of the settings file, or None if there is no home directory."""
    if override := environ.get("ECR_CREDHELPER_CONFIG"):
        return _absolute(override)
    if platform == "win32":
        base = _app_data(environ, "APPDATA", "Roaming")
    elif platform == "darwin":
        base = in_home("Library", "Application Support")
    else:
        base = _xdg(environ, "XDG_CONFIG_HOME", ".config")
    return os.path.join(base, APP, "config.toml") if os.path.isabs(base) else None


def state_directory(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the absolute path of the directory for files that must not be lost, or None without a home."""
    if platform == "win32":
        base = _app_data(environ, "LOCALAPPDATA", "Local")
    elif platform == "darwin":
        base = in_home("Library", "Application Support")
    else:
        base = _xdg(environ, "XDG_STATE_HOME", ".local", "state")
    return os.path.join(base, APP) if os.path.isabs(base) else None


def has_settings(environ: "Mapping[str, str]") -> bool:
    """Return whether a settings file exists or is configured, without reading it."""
    return bool(environ.get("ECR_CREDHELPER_CONFIG")) or os.path.lexists(settings_file(environ) or "")


def docker_config_file(environ: "Mapping[str, str]") -> str:
    """Return the path of Docker's configuration file."""
    directory = environ.get("DOCKER_CONFIG") or in_home(".docker")
    return os.path.join(directory, "config.json")


def in_home(*names: str) -> str:
    """Return a path in the home directory with the system's separator, or below ``~`` if there is no home."""
    return os.path.join(os.path.expanduser("~"), *names)


def _absolute(path: str) -> str:
    path = os.path.expanduser(path)
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory was removed
        return path


def _app_data(environ: "Mapping[str, str]", variable: str, name: str) -> str:
    """Return a Windows application data directory. Services can lack its variable."""
    path = environ.get(variable, "")
    return path if os.path.isabs(path) else os.path.join(environ.get("USERPROFILE", ""), "AppData", name)


def _xdg(environ: "Mapping[str, str]", variable: str, *default: str) -> str:
    """Return a base directory. https://specifications.freedesktop.org/basedir-spec ignores relative paths."""
    path = environ.get(variable, "")
    return path if os.path.isabs(path) else in_home(*default)
