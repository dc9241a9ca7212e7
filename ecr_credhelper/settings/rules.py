"""A rule of the settings file: the profile, role, region and endpoint to use for a registry."""

from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.registry import ACCOUNT_DIGITS

if TYPE_CHECKING:
    from botocore.session import Session

    from ecr_credhelper.registry import Registry

PUBLIC = "public"
"""The pattern for the public registry, and the field that maps a custom host to it."""

AUTO = "auto"
"""The value of ``profile`` that selects one by the registry's account; ``auto:PATTERN`` also by name."""

ALL_REGISTRIES, NON_ECR_REGISTRIES = "", "fallback"
"""Scopes of a problem: all registries, or those that are not ECR. Other scopes are the patterns of rules."""

HOST_RANK = (3, 0)
"""The rank of a pattern without a wildcard: the most specific one."""


class Rule(NamedTuple):
    """The settings of the registries that match ``pattern``; empty fields are not set.

    A pattern is an account ID, ``public`` or a host. In a host, ``*`` matches within one label, as in
    kubelet's ``matchImages``.
    """

    pattern: str = ""
    profile: str = ""
    role_arn: str = ""
    role_session_name: str = ""
    external_id: str = ""
    duration: int = 0
    account: str = ""
    region: str = ""
    public: bool = False
    endpoint_url: str = ""
    ca_bundle: str = ""
    on_error: str = ""

    @property
    def is_host(self) -> bool:
        """Whether the pattern is one host, and not an account, ``public``, a wildcard or only a word."""
        has_host_form = "." in self.pattern or ":" in self.pattern or bool(self.region or self.public)
        return self.rank() == HOST_RANK and has_host_form

    @property
    def auto_pattern(self) -> str:
        """The pattern for the name if the registry's account selects the profile; otherwise empty."""
        kind, _, pattern = self.profile.partition(":")
        return (pattern or "*") if kind == AUTO else ""

    @property
    def is_account(self) -> bool:
        """Whether the pattern is an account ID."""
        return len(self.pattern) == ACCOUNT_DIGITS and self.pattern.isdecimal()

    def fits(self, registry: "Registry") -> bool:
        """Return whether this rule applies to a registry."""
        if self.pattern == PUBLIC:
            return registry.public
        if self.is_account:
            return registry.account == self.pattern
        from fnmatch import fnmatchcase  # imports re, which a user without rules does not need

        labels, patterns = registry.host.split("."), self.pattern.split(".")
        return len(labels) == len(patterns) and all(map(fnmatchcase, labels, patterns))

    def rank(self) -> tuple[int, int]:
        """Return how specific the pattern is: host, then host with ``*`` (longer first), account, public."""
        if self.pattern == PUBLIC:
            return 0, 0
        if self.is_account:
            return 1, 0
        wildcards = self.pattern.count("*")
        return (2, len(self.pattern) - wildcards) if wildcards else HOST_RANK

    def identity(self) -> list[tuple[str, str]]:
        """Return the fields, without empty ones, that select the AWS identity and the API of a token."""
        names = ("profile", "role_arn", "role_session_name", "external_id", "endpoint_url")
        # The rule's region selects the API endpoint. It can differ from the region in the host name.
        fields = [(f"rule.{name}", getattr(self, name)) for name in (*names, "region")]
        return [field for field in fields if field[1]]


NO_RULE = Rule()
"""The rule of a registry without settings: default credential chain, and region and API of its host."""


class IdentityOverride(NamedTuple):
    """The AWS identity that a caller passes instead of the one in the settings; empty fields are not set."""

    profile: str = ""
    role_arn: str = ""
    session: "Session | None" = None
    role_session_name: str = ""
    external_id: str = ""
    duration: int = 0

    def __bool__(self) -> bool:
        return bool(self.profile or self.role_arn or self.session is not None)

    def apply_to(self, rule: Rule) -> Rule:
        """Return a rule with this identity and with the region, endpoint and other fields of ``rule``."""
        if not self:
            return rule
        # A role without a profile or session is assumed with the profile of the settings.
        profile = rule.profile if self.session is None else ""
        return rule._replace(
            profile=self.profile or profile,
            role_arn=self.role_arn,
            role_session_name=self.role_session_name,
            external_id=self.external_id,
            duration=self.duration,
        )
