"""Load only the data of botocore that a login needs.

For the first client of a session, botocore searches the directories of more than 400 services twice and
parses endpoints.json (1.25 MB). The services of a login have endpoint rules, which use partitions.json
(7 kB). What botocore still takes from endpoints.json for their clients can be derived from the partitions.
"""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader, create_loader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.session import Session

SERVICES = ("ecr", "ecr-public", "signin", "sso", "sso-oidc", "sts")
"""The services that a login calls: the registry's API, and those that botocore's credential providers use."""

ENDPOINTS = "endpoints"
PARTITIONS = "partitions"
"""Names of botocore's data files."""


def register_loader(session: "Session", *, is_dualstack: bool) -> None:
    """Make a session load botocore's data with a loader of this module, unless the user has other data.

    Args:
        session: only sessions of this package. A program's own session can need any service.
        is_dualstack: whether a client is created with ``use_dualstack_endpoint``.

    """
    # Chosen on first use, as in botocore: this does not read the AWS configuration.
    session.lazy_register_component("data_loader", partial(_loader_for, session, is_dualstack=is_dualstack))


def _loader_for(session: "Session", *, is_dualstack: bool) -> Loader:
    data_path = session.get_config_variable("data_path")  # AWS_DATA_PATH, or the configuration
    if data_path is not None or os.path.isdir(Loader.CUSTOMER_DATA_PATH):
        return create_loader(data_path)
    # According to endpoints.json, botocore refuses dual-stack in partitions where partitions.json has it.
    needs_endpoints = is_dualstack or session.get_config_variable("use_dualstack_endpoint")
    return _shared(LoginLoader if needs_endpoints else PartitionsLoader)


@cache
def _shared(kind: "type[LoginLoader]") -> "LoginLoader":
    """Return the loader of all sessions in this process: it parses each file once."""
    return kind()


class LoginLoader(Loader):
    """Finds the services of a login without listing all services."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        """Return the services of a login, without looking for the type."""
        return list(SERVICES)

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> "Any":
        """Return a model. botocore's loader finds other services, as a future login could need one."""
        if service_name not in SERVICES:
            return Loader().load_service_model(service_name, type_name, api_version)
        return super().load_service_model(service_name, type_name, api_version)


class PartitionsLoader(LoginLoader):
    """Makes the endpoints from botocore's partitions. They have no dual-stack variants."""

    def load_data_with_path(self, name: str) -> "Any":
        """Return data and the path of its file.

        The path of the endpoints is also in botocore's directory: with any other, botocore ignores its rules.
        """
        if name == ENDPOINTS:
            try:
                data, path = super().load_data_with_path(PARTITIONS)
                return {"partitions": [_convert(partition) for partition in data["partitions"]]}, path
            except (DataNotFoundError, KeyError, TypeError):  # another version of botocore
                pass
        return super().load_data_with_path(name)


def _convert(partition: "Mapping[str, Any]") -> dict[str, object]:
    """Return a partition in the form of endpoints.json. Its defaults apply to every service."""
    identifier, suffix = partition["id"], partition["outputs"]["dnsSuffix"]
    fips = {"tags": ["fips"], "dnsSuffix": suffix, "hostname": "{service}-fips.{region}.{dnsSuffix}"}
    return {
        "partition": identifier,
        "dnsSuffix": suffix,
        "regionRegex": partition["regionRegex"],
        # endpoints.json has no regions such as aws-cn-global.
        "regions": {name: {} for name in partition["regions"] if name != f"{identifier}-global"},
        "services": {},
        "defaults": {
            "hostname": "{service}.{region}.{dnsSuffix}",
            "protocols": ["https"],
            "signatureVersions": ["v4"],
            "variants": [fips],
        },
    }
