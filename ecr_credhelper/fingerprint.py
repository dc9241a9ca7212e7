"""Identify the AWS credentials in use without calling AWS.

A fingerprint is one line with everything that selects an AWS identity: environment variables, the content of
the configuration files, and an ID of the machine if the identity comes from the machine itself. Equal lines
mean equal identities; any change leads to a cache miss. The line contains no secret: files and secrets appear
as checksums. ``docs/explanation/caching.md`` explains every entry, with botocore's source as the reference.
"""

import os
import stat
import sys

from ecr_credhelper.files import READ_FLAGS, checksum, read_all
from ecr_credhelper.paths import settings_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

VARIABLES = (
    # Credentials, see botocore/credentials.py and configprovider.py.
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED", "AWS_LOGIN_CACHE_DIRECTORY", "BOTOCORE_EXPERIMENTAL__PLUGINS",
    # Endpoints, see botocore/configprovider.py and utils.py.
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_ECR_PUBLIC", "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED", "AWS_IMDS_USE_IPV6",
    "AWS_DATA_PATH",
)  # fmt: skip

FILES = (
    # field, variable with the path, default path, what botocore expands in the path
    ("config", "AWS_CONFIG_FILE", os.path.join("~", ".aws", "config"), "$~"),
    ("credentials", "AWS_SHARED_CREDENTIALS_FILE", os.path.join("~", ".aws", "credentials"), "$~"),
    ("credential-file", "AWS_CREDENTIAL_FILE", "", "~"),
    ("boto", "BOTO_CONFIG", os.path.join("~", ".boto"), "$~"),
    ("boto.cfg", "", "/etc/boto.cfg", ""),
    # Every EKS pod has this path, with the token of a different service account.
    ("container-token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "", ""),
)
"""Files that select an identity by their content, not by their path.

The web identity token file is not in this table: it rotates, and the role's ARN identifies the caller.
"""

PROFILES = ("config", "credentials")
"""The fields of the files with profiles."""

SELF_CONTAINED = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""These select the same identity on every machine, so that machines can share a cache: the path of an ECS
task, and a token file with the role of AWS_ROLE_ARN. The role of a profile takes precedence over them; its
``credential_source`` can be the machine. Nothing takes precedence over AWS_ACCESS_KEY_ID.
"""

SETTINGS_VARIABLES = ("ECR_CREDHELPER_PROFILE_", "ECR_CREDHELPER_ROLE_ARN_")
"""Prefixes of variables that replace the settings file for one account; see settings/loader.py."""

MISSING = "-"
"""Replaces the content of a file that is missing or unreadable: botocore ignores such files."""

NOT_A_FILE = "not a file"
"""The content of a pipe or a device. It is not read, and no token is fetched; see aws/files.py."""

MAX_FILE = 1024 * 1024
"""Maximum size of a file that is read, in bytes: a thousand profiles take a fifth of this."""

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""An ID of the machine that all its containers share. /etc/machine-id can differ between containers."""


class Fingerprint:
    """Three lines: ``identity`` selects the AWS identity, ``settings`` the rules, and ``full`` is both.

    ``look_again`` returns the current fingerprint and the current file stamps. Between ``watch`` and
    ``is_unchanged``, the configuration is read and AWS is called.
    """

    __slots__ = ("_look_again", "_stamps", "full", "identity", "settings")

    def __init__(
        self,
        identity: str,
        settings: str,
        look_again: "Callable[[], tuple[Fingerprint, str]] | None" = None,
    ) -> None:
        self.identity = identity
        self.settings = settings
        self.full = f"{settings}\t{identity}"
        self._look_again = look_again or (lambda: (self, ""))
        self._stamps = ""

    def watch(self) -> None:
        """Remember the state of the configuration files. Call this before reading any of them."""
        _, self._stamps = self._look_again()

    def is_unchanged(self) -> bool:
        """Return whether no configuration file was written since ``watch``.

        The same content again is a change.
        """
        now, stamps = self._look_again()
        return now.full == self.full and stamps == self._stamps


def fingerprint(environ: "Mapping[str, str]", *, has_override: bool = False) -> Fingerprint:
    """Return the fingerprint of an environment: ``name=value`` fields, separated by tabs.

    Processes with equal lines get their AWS credentials from the same source. With ``has_override``, a Python
    program selects the identity.
    """
    fields = [("home", os.path.expanduser("~"))]  # contains the SDK's SSO and login sessions
    fields += [(name, environ[name]) for name in VARIABLES if name in environ]
    contents = [(name, _content(_path(environ, *path))) for name, *path in FILES]
    fields += contents
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if token:
        fields.append(("container-authorization", checksum(os.fsencode(token))))
    settings = _settings(environ)
    # A rule or a program can select a profile, and a profile can use any credential source.
    is_self_contained = environ.get("AWS_ACCESS_KEY_ID") or (
        any(environ.get(name) for name in SELF_CONTAINED)
        and all(content == MISSING for name, content in contents if name in PROFILES)
    )
    if settings or has_override or not is_self_contained:
        fields.append(("machine", machine_id(environ)))
    return Fingerprint(
        join_fields(fields),
        join_fields(settings),
        lambda: (fingerprint(environ, has_override=has_override), file_stamps(environ)),
    )


def file_stamps(environ: "Mapping[str, str]") -> str:
    """Return a text that changes with every write to a configuration file, even with the same content."""
    paths = [path for _, path in configuration_files(environ)]
    return "\t".join(map(_stamp, [*paths, settings_file(environ) or ""]))


def configuration_files(environ: "Mapping[str, str]") -> list[tuple[str, str]]:
    """Return variable and path of the files in ``FILES``; the path is empty if none is configured."""
    return [(variable, _path(environ, variable, *rest)) for _, variable, *rest in FILES]


def join_fields(fields: "Iterable[tuple[str, str]]") -> str:
    """Return fields as one line, which ``split_fields`` can parse."""
    return "\t".join(f"{name}={_escape(value)}" for name, value in fields)


def split_fields(line: str) -> dict[str, str]:
    """Return the fields of a line. Escaped values stay escaped."""
    return dict(field.partition("=")[::2] for field in line.split("\t") if field)


def machine_id(environ: "Mapping[str, str]", boot_id_file: str = BOOT_ID) -> str:
    """Return an ID of this machine, since machines can share a home directory."""
    try:
        with open(boot_id_file, "rb", 0) as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        if sys.platform == "win32":
            return environ.get("COMPUTERNAME", "")
        return os.uname().nodename


def _settings(environ: "Mapping[str, str]") -> list[tuple[str, str]]:
    """Return the fields of the user's settings, if any."""
    fields = [(name, value) for name, value in sorted(environ.items()) if name.startswith(SETTINGS_VARIABLES)]
    content = _content(settings_file(environ) or "")
    return fields if content == MISSING else [*fields, ("settings", content)]


def _path(environ: "Mapping[str, str]", variable: str, default: str, expanded: str) -> str:
    """Return the path of a configuration file, like botocore/configloader.py and credentials.py."""
    path = environ.get(variable, default)
    path = os.path.expandvars(path) if "$" in expanded else path
    return os.path.expanduser(path) if "~" in expanded else path


def _content(path: str) -> str:
    """Return a checksum of a file's content. If the file is too large, return its times, size and inode."""
    if not path:
        return MISSING
    try:
        with open(path, "rb", 0, opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return NOT_A_FILE
            content = read_all(file.fileno(), MAX_FILE + 1)
    except (OSError, ValueError):
        return MISSING
    return checksum(content) if len(content) <= MAX_FILE else _times(status)


def _open_without_waiting(path: str, _: int) -> int:
    """Open a file without waiting for the writer of a pipe."""
    return os.open(path, READ_FLAGS)


def _stamp(path: str) -> str:
    """Return the times of a file and of every symbolic link in its path.

    Directories are ignored: they change with every file that is created in them, such as the CLI's cache.
    """
    try:
        times = [_times(os.stat(path))]
        while path != (parent := os.path.dirname(path)):
            status = os.lstat(path)
            times += [_times(status)] if stat.S_ISLNK(status.st_mode) else []
            path = parent
    except (OSError, ValueError):
        return MISSING
    return ";".join(times)


def _times(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns},{status.st_ctime_ns},{status.st_size},{status.st_ino}"


def _escape(text: str) -> str:
    """Escape the separators of fields and lines."""
    return text if text.isprintable() and "\\" not in text else ascii(text)
