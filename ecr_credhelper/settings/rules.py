"""Which profile, role, region and endpoint for which registry: one rule of the settings file."""

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from botocore.session import Session

    from ecr_credhelper.registry import Registry

ACCOUNT = re.compile(r"\d{12}")
PUBLIC = "public"
HOST = re.compile(r"[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)*(:\d{1,5})?")


class Rule(NamedTuple):
    """What the settings say of the registries that ``pattern`` fits; an empty field says nothing.

    A pattern is a host, where ``*`` stands for anything within a label (as in kubelet's ``matchImages``),
    an account number, or ``public``.
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

    def fits(self, registry: "Registry") -> bool:
        """Tell whether this rule speaks of a registry."""
        if self.pattern == PUBLIC:
            return registry.public
        if ACCOUNT.fullmatch(self.pattern):
            return registry.account == self.pattern
        labels, wanted = registry.host.split("."), self.pattern.split(".")
        return len(labels) == len(wanted) and all(map(fnmatchcase, labels, wanted))

    def rank(self) -> tuple[int, int]:
        """Return how specific the pattern is: host, ``*`` in it (longer is more), account, public."""
        if self.pattern == PUBLIC:
            return 0, 0
        if ACCOUNT.fullmatch(self.pattern):
            return 1, 0
        wildcards = self.pattern.count("*")
        return (2, len(self.pattern) - wildcards) if wildcards else (3, 0)

    def identity(self) -> list[tuple[str, str]]:
        """Return the fields that decide whose token it is, and of which API; empty ones are left out."""
        names = ("profile", "role_arn", "role_session_name", "external_id", "endpoint_url")
        # The rule's region is where the API is called, the registry's is where its host is.
        fields = [(f"rule.{name}", getattr(self, name)) for name in (*names, "region")]
        return [field for field in fields if field[1]]


NO_RULE = Rule()
"""Says nothing: the default chain, and the registry's own region and API."""


class IdentityOverride(NamedTuple):
    """The identity that a Python program asks as, in place of the settings'; empty where it does not say."""

    profile: str = ""
    role_arn: str = ""
    session: "Session | None" = None

    def __bool__(self) -> bool:
        return any(part is not None and part != "" for part in self)

    def apply_to(self, rule: Rule) -> Rule:
        """Return a rule with this identity; region, endpoint and the rest stay the settings'."""
        if not self:
            return rule
        # A role of the program's starts from where the settings start, unless it says otherwise.
        profile = rule.profile if self.role_arn and self.session is None else ""
        return rule._replace(
            profile=self.profile or profile,
            role_arn=self.role_arn,
            role_session_name="",
            external_id="",
            duration=0,
        )
