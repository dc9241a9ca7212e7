"""Parse the host names of Amazon ECR into account, region and partition. No I/O and no imports.

The tables are the complete grammar. Their sources are
https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html,
https://docs.aws.amazon.com/general/latest/gr/ecr.html and botocore's ``data/partitions.json``.
"""

ACCOUNT_DIGITS = 12

FORMS = (
    # service labels, FIPS, dual-stack
    ("dkr.ecr.", False, False),
    ("dkr.ecr-fips.", True, False),
    ("dkr-ecr.", False, True),
    ("dkr-ecr-fips.", True, True),
)

PARTITIONS = (
    # partition, prefix of its regions, DNS suffix, dual-stack DNS suffix; the first match counts
    ("aws-cn", "cn-", "amazonaws.com.cn", "on.amazonwebservices.com.cn"),
    ("aws-us-gov", "us-gov-", "amazonaws.com", "on.aws"),
    ("aws-iso", "us-iso-", "c2s.ic.gov", None),
    ("aws-iso-b", "us-isob-", "sc2s.sgov.gov", None),
    ("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", None),
    ("aws-iso-f", "us-isof-", "csp.hci.ic.gov", None),
    ("aws-eusc", "eusc-", "amazonaws.eu", None),
    ("aws", "", "amazonaws.com", "on.aws"),
)

PUBLIC_HOSTS = {
    # host, dual-stack
    "public.ecr.aws": False,
    "ecr-public.aws.com": True,
}
PUBLIC_REGION = "us-east-1"
"""The only region of the public registry's API: https://docs.aws.amazon.com/general/latest/gr/ecr-public.html"""

SCHEMES = ("https://", "http://", "oci://", "docker://")
MAX_PORT = 65535


class Registry:
    """An ECR registry. ``account`` is empty for the public registry."""

    __slots__ = ("account", "dualstack", "fips", "host", "partition", "public", "region")

    def __init__(  # noqa: PLR0913 - the parts of a host name
        self,
        host: str,
        region: str = "",
        *,
        account: str = "",
        partition: str = "",
        fips: bool = False,
        dualstack: bool = False,
        public: bool = False,
    ) -> None:
        self.host, self.region, self.account, self.partition = host, region, account, partition
        self.fips, self.dualstack, self.public = fips, dualstack, public

    def __repr__(self) -> str:
        return f"Registry({self.host!r})"


def parse(server: str) -> Registry | None:
    """Return the registry of a client's server string, or None if it is not an ECR registry.

    Scheme, port, path, letter case, surrounding blanks and a trailing dot are ignored. Otherwise, the host
    name must match the tables exactly.
    """
    host = host_of(server)
    if host is None:
        return None
    if host in PUBLIC_HOSTS:
        return Registry(host, PUBLIC_REGION, partition="aws", dualstack=PUBLIC_HOSTS[host], public=True)
    account, _, rest = host.partition(".")
    if len(account) != ACCOUNT_DIGITS or not account.isdigit():
        return None
    for labels, fips, dualstack in FORMS:
        region, _, suffix = rest.removeprefix(labels).partition(".")
        if rest.startswith(labels) and (partition := _partition(region, suffix, dualstack=dualstack)):
            return Registry(
                host, region, account=account, partition=partition, fips=fips, dualstack=dualstack
            )
    return None


def private_host(account: str, region: str) -> str:
    """Return the standard host name of an account's registry in a region."""
    suffix = next(row[2] for row in PARTITIONS if region.startswith(row[1]))
    return f"{account}.dkr.ecr.{region}.{suffix}"


def host_of(server: str) -> str | None:
    """Return the host of a server string or image reference in lower case, or None; see ``authority_of``."""
    authority = authority_of(server)
    return authority.partition(":")[0] if authority else None


def authority_of(server: str) -> str | None:
    """Return host or host:port of a server string or image reference in lower case, or None.

    Return None for strings with user information, an invalid port, or characters that no ECR host contains.
    """
    text = server.strip()
    if not text.isascii():
        return None  # checked before lower(), which turns some other letters into ASCII letters
    text = text.lower()
    for scheme in SCHEMES:
        if text.startswith(scheme):
            text = text.removeprefix(scheme)
            break
    authority = text.partition("/")[0]
    host, colon, port = authority.partition(":")
    if colon and not (port.isdigit() and 0 < int(port[:6]) <= MAX_PORT):
        return None
    host = host.removesuffix(".")
    return f"{host}{colon}{port}" if host.replace("-", "").replace(".", "").isalnum() else None


def _partition(region: str, suffix: str, *, dualstack: bool) -> str | None:
    """Return the partition of a region, or None if the DNS suffix is not the one of that partition."""
    name, _, dns_suffix, dualstack_suffix = next(row for row in PARTITIONS if region.startswith(row[1]))
    expected = dualstack_suffix if dualstack else dns_suffix
    return name if suffix == expected and is_region(region) else None


def is_region(label: str) -> bool:
    """Return whether a label has the form of a region: two or more words and a number (``us-gov-west-1``)."""
    *words, number = label.split("-")
    return len(words) > 1 and number.isdigit() and all(word.isalpha() for word in words)
