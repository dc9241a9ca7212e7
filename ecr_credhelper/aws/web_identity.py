"""Assume a role with a token in memory. botocore's own provider reads the token from a file."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from ecr_credhelper.aws.client import CONNECT_TIMEOUT, READ_TIMEOUT
from ecr_credhelper.aws.files import reject_special_settings
from ecr_credhelper.aws.loader import register_loader
from ecr_credhelper.aws.sessions import OwnSession
from ecr_credhelper.errors import AccessDeniedError, CredentialHelperError, CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.rules import Rule

EXPLAINED = ("No OpenIDConnect provider", "Incorrect token audience", "Couldn't retrieve verification key")
"""The messages about a token for which aws/response_errors.py has a better text."""


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """A role, the name of its session, and the token of the service account that assumes it."""

    role_arn: str
    session_name: str
    token: str = field(repr=False)

    def open_session(
        self, registry: "Registry", rule: "Rule", on_session: "Callable[[Session], object]"
    ) -> "Session":
        """Return a session with the credentials of the role, from STS in the region of the registry.

        ``on_session`` gets the new session before the call to STS.

        Raises:
            AccessDeniedError: the role does not trust the token.
            CredentialsError: the token has expired, or AWS does not accept it.
            Exception: any exception of botocore.

        """
        reject_special_settings([("in the settings", {"ca_bundle": rule.ca_bundle})], registry.host)
        result = OwnSession()
        result.set_config_variable("region", registry.region)
        # "legacy" in the configuration of the node would call the global endpoint instead of the region's.
        result.set_config_variable("sts_regional_endpoints", "regional")
        register_loader(result, is_dualstack=registry.dualstack)
        on_session(result)
        # Without a signature, the client does not search for the credentials of the node.
        config = Config(
            signature_version=UNSIGNED, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT
        )
        client = result.create_client(
            "sts", region_name=registry.region, verify=rule.ca_bundle or None, config=config
        )
        try:
            response = client.assume_role_with_web_identity(
                RoleArn=self.role_arn, RoleSessionName=self.session_name, WebIdentityToken=self.token
            )
        except ClientError as error:
            if problem := self._problem_of(error, registry.host):
                raise problem from None
            raise
        keys = response["Credentials"]
        result.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return result

    def _problem_of(self, error: ClientError, host: str) -> CredentialHelperError | None:
        """Return our error for a response of STS, or None if aws/errors.py explains it."""
        found = error.response.get("Error", {})
        code, message = (str(found.get(name) or "") for name in ("Code", "Message"))
        match code.removesuffix("Exception"):
            case "AccessDenied":
                reason = f"role {self.role_arn} does not trust this service account ({code})"
                hint = "allow the service account and the audience of its token in the role's trust policy"
                return AccessDeniedError(host, reason, hint)
            case "ExpiredToken":
                reason = f"the token of the service account has expired ({code})"
                return CredentialsError(host, reason, "check the clocks of this node and of the API server")
            case "InvalidIdentityToken" | "IDPRejectedClaim" if not message.startswith(EXPLAINED):
                reason = f"AWS does not accept the token of the service account ({code})"
                return CredentialsError(host, reason, "check the issuer in IAM and the token's audience")
        return None
