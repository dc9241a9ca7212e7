"""Which AWS identity would answer, told without asking AWS.

The fingerprint is one line of everything that decides *who* would be asked for a token: variables,
files by their stat, and where those do not tell two machines apart, something of the machine. Equal
line, equal identity; whatever changes makes another line and so a cache miss. It holds no secret.
``docs/explanation/caching.md`` explains every entry, with botocore's source as the reference.
"""

import os
import sys

from ecr_credhelper.places import settings_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLES = (
    # Who it is, after botocore/credentials.py and configprovider.py.
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED", "AWS_LOGIN_CACHE_DIRECTORY", "BOTOCORE_EXPERIMENTAL__PLUGINS",
    # Where AWS is, after botocore/configprovider.py and utils.py.
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_ECR_PUBLIC", "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_IMDS_USE_IPV6",
    "AWS_DATA_PATH",
)  # fmt: skip

FILES = (
    # the variable that names it, its default place
    ("AWS_CONFIG_FILE", "~/.aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ("AWS_CREDENTIAL_FILE", ""),
    ("BOTO_CONFIG", "~/.boto"),
    ("", "/etc/boto.cfg"),
    # The same path in every EKS pod, with another service account's token in each.
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", ""),
)

SELF_CONTAINED = (
    # Each of these leads to one identity wherever it is used, so machines may share a cache: the
    # key itself, an ECS task's own path, and the role of AWS_ROLE_ARN or of the profile.
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)

SETTINGS = ("ECR_CREDHELPER_PROFILE_", "ECR_CREDHELPER_ROLE_ARN_")
"""How variables begin that say for an account what the settings file could; see settings.py."""

MISSING = "-"
"""The stat of a file that is not there."""

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""Differs between machines and not between the containers of one, which /etc/machine-id may do."""


class Fingerprint:
    """Lines: ``identity`` tells who AWS would see, ``settings`` what leads a host there, ``route`` both.

    ``again`` tells the identity once more: it may change while AWS is asked.
    """

    __slots__ = ("_again", "identity", "route", "settings")

    def __init__(self, identity: str, settings: str, again: "Callable[[], str] | None" = None) -> None:
        self.identity = identity
        self.settings = settings
        self.route = f"{settings}\t{identity}"
        self._again = again

    def holds(self) -> bool:
        """Tell whether the identity is still this one."""
        return self._again is None or self._again() == self.identity


def fingerprint(environ: "Mapping[str, str]", *, asked: bool = False) -> Fingerprint:
    """Return the lines for this process's surroundings: ``name=value`` fields with tabs between.

    Two processes with equal lines get their AWS credentials from the same place. ``asked`` tells that a
    program names an identity of its own.
    """
    fields = [f"home={os.path.expanduser('~')}"]  # where the SDK keeps its SSO and login sessions
    fields += [f"{name}={environ[name]}" for name in VARIABLES if name in environ]
    for variable, default in FILES:
        path = environ.get(variable, default)
        if path:
            path = os.path.expanduser(os.path.expandvars(path))  # as botocore/configloader.py does
            fields.append(f"{path}={_stat(path)}")
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if token:
        fields.append(f"AWS_CONTAINER_AUTHORIZATION_TOKEN={digest(token)}")
    settings = _settings(environ)
    # A rule may name a profile, as may a program, and that one any source.
    if settings or asked or not any(environ.get(name) for name in SELF_CONTAINED):
        fields.append(f"machine={machine(environ)}")
    return Fingerprint(_line(fields), _line(settings), lambda: fingerprint(environ, asked=asked).identity)


def _settings(environ: "Mapping[str, str]") -> list[str]:
    """Return the fields of what the person's settings say; none where there are none."""
    fields = [f"{name}={value}" for name, value in sorted(environ.items()) if name.startswith(SETTINGS)]
    path = settings_file(environ)
    status = _stat(path) if path else MISSING
    return fields if status == MISSING else [*fields, f"{path}={status}"]


def _line(fields: list[str]) -> str:
    return "\t".join(_one_field(field) for field in fields)


def machine(environ: "Mapping[str, str]", boot_id_file: str = BOOT_ID) -> str:
    """Return what tells this machine from another that may share the same home folder."""
    try:
        with open(boot_id_file, "rb", 0) as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        if sys.platform == "win32":
            return environ.get("COMPUTERNAME", "")
        return os.uname().nodename


def _stat(path: str) -> str:
    """Return modification time, size and inode: what changes when somebody changes the file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return MISSING
    return f"{status.st_mtime_ns},{status.st_size},{status.st_ino}"


def digest(secret: str) -> str:
    """Return a digest of a secret that selects an identity: the secret itself stays out of the line."""
    import hashlib

    return hashlib.sha256(os.fsencode(secret)).hexdigest()


def _one_field(text: str) -> str:
    """Escape what separates fields and lines."""
    if text.isprintable() and "\\" not in text:
        return text
    return ascii(text)
