"""Amazon ECR host names: what a client sends -> which registry, region and API that is.

No I/O and no imports. The two tables are the whole grammar; their source is
https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html and
https://docs.aws.amazon.com/general/latest/gr/ecr.html for the forms, botocore's
``data/partitions.json`` for the regions of each partition.
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
    # partition, how its regions begin, DNS suffix, dual-stack DNS suffix; the first that fits counts
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
"""The public registry's API is there alone: https://docs.aws.amazon.com/general/latest/gr/ecr-public.html"""

SCHEMES = ("https://", "http://", "oci://", "docker://")
MAX_PORT = 65535


class Registry:
    """One ECR registry, as its host name tells it."""

    __slots__ = ("account", "dualstack", "fips", "host", "partition", "public", "region")

    def __init__(  # noqa: PLR0913 - a record of what a host name holds
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
        """Keep the parts; ``account`` is empty for the public registry."""
        self.host, self.region, self.account, self.partition = host, region, account, partition
        self.fips, self.dualstack, self.public = fips, dualstack, public

    def __repr__(self) -> str:
        """Name the host, which says it all."""
        return f"Registry({self.host!r})"


def parse(server: str) -> Registry | None:
    """Return the registry that a client's server string names, or None when it is not ECR.

    Scheme, port, path, letter case, surrounding blanks and a trailing dot do not matter; whatever
    else is not exactly a host name that AWS publishes (see the tables) is not ECR.
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
    """Return the bare host of a server string or image reference in lower case, or None; see below."""
    authority = authority_of(server)
    return authority.partition(":")[0] if authority else None


def authority_of(server: str) -> str | None:
    """Return host, or host:port, of a server string or image reference in lower case, or None.

    None means that there is no host which could be ECR's: user information, an impossible port, or
    characters that no ECR host has. Such a string must not be cut until something fits.
    """
    text = server.strip()
    if not text.isascii():
        return None  # before lower(): some letters beyond ASCII become ASCII ones by it
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
    """Return the partition whose region and DNS suffix these are, or None when they do not agree."""
    fitting = (row for row in PARTITIONS if region.startswith(row[1]))
    name, _, dns_suffix, dualstack_suffix = next(fitting)
    is_of_it = suffix == (dualstack_suffix if dualstack else dns_suffix)
    return name if is_of_it and is_region(region) else None


def is_region(label: str) -> bool:
    """Tell whether this looks like a region: letters, a place or more, a number (``us-gov-west-1``)."""
    first, *places, number = label.split("-") if label.count("-") > 1 else ("", "", "")
    return number.isdigit() and all(word.isalpha() for word in (first, *places))
