"""Describe the source from which botocore loaded AWS credentials."""

from typing import TYPE_CHECKING

from ecr_credhelper.aws.profiles import chain_of

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB_IDENTITY = "assume-role-with-web-identity"

OTHER_SOURCES = {
    "env": "environment variables (AWS_ACCESS_KEY_ID)",
    "container-role": "container role",
    "iam-role": "EC2 instance role",
}
"""Sources outside a profile: botocore's name, and the text that users see."""

PROFILE_SOURCES = {
    "shared-credentials-file": "credentials file",
    "config-file": "config file",
    "custom-process": "credential_process",
    "login": "aws login",
    WEB_IDENTITY: "web identity",
}
"""Sources in a profile: botocore's name, and the text that users see."""


def describe_source(method: str, profile: str, environ: "Mapping[str, str]") -> str:
    """Return the source of credentials; ``method`` is botocore's name of it."""
    if method in OTHER_SOURCES:
        return OTHER_SOURCES[method]
    settings = next(iter(chain_of(profile, environ).values()))
    if method == WEB_IDENTITY and not settings.get("web_identity_token_file"):
        return f"web identity role {environ.get('AWS_ROLE_ARN')}"
    details = {"sso": _sso(settings), "assume-role": _role(settings)}
    kind = details.get(method) or PROFILE_SOURCES.get(method) or method.replace("-", " ")
    return f"profile {profile or 'default'} ({kind})"


def _sso(settings: "Mapping[str, str]") -> str:
    session = settings.get("sso_session")
    return f"SSO session {session}" if session else "SSO"


def _role(settings: "Mapping[str, str]") -> str:
    role = settings.get("role_arn", "").rpartition("/")[2]
    profile, kind = settings.get("source_profile"), settings.get("credential_source")
    source = f"profile {profile}" if profile else kind
    return f"role {role}, from {source}" if source else f"role {role}"
