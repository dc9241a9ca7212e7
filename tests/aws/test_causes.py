"""A table of failure causes: each is created over a socket, with files or with a process."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.credentials import CredentialResolver
from botocore.exceptions import InvalidConfigError
from botocore.utils import generate_login_cache_key

import ecr_credhelper
from ecr_credhelper.aws import client
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.errors import CredentialHelperError, NoCredentialsError
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import NO_RULE, Rule
from ecr_credhelper.testing.fake_ecr import Fault
from tests import systems
from tests.aws import certificates
from tests.aws.causes import ROLE, SSO, SSO_SESSION, Cause, World, http, sts_error
from tests.commands import output_of
from tests.conftest import HOST, until

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS = sys.platform == "win32"
REGISTRY = parse(HOST)
assert REGISTRY

USER = "arn:aws:iam::111122223333:user/x"
DENIED = f"User: {USER} is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
DENIED_TEXT = f"{USER} is not authorized to perform ecr:GetAuthorizationToken on *"
DENIED_ROLE = f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
DENIED_ROLE_TEXT = f"{USER} is not authorized to perform sts:AssumeRole on {ROLE}"
ALLOWS = "allows the ecr:GetAuthorizationToken action"
CLOCK = "set this machine's clock (in WSL after sleep: sudo hwclock -s)"
SSO_EXPIRED = "the SSO session of profile dev is missing or has expired; run: aws sso login --profile dev"
RENEW = "get new ones the same way (aws sso login, aws login, new AWS_ variables, …)"
NO_CREDENTIALS = "no AWS credentials found; "
CALLER = "run: aws sts get-caller-identity"
FORMAT = "check its documentation for the AWS credential_process format"
TOOL = "the credential_process of profile dev (tool)"
FUTURE = "2099-01-01T00:00:00Z"
ISSUER = "https://token.actions.githubusercontent.com"
PYTHON = "the credential_process of profile dev ({python})"
FIND = "where.exe" if sys.platform == "win32" else "command -v"
REFRESHABLE = (
    '{"accessToken": "a", "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "a-secret", "clientId": "c",'
    '"clientSecret": "a-secret", "registrationExpiresAt": "2099-01-01T00:00:00Z"}'
)

DENIALS = [
    Cause("no identity-based policy", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} because no identity-based policy {ALLOWS}"),
        f"{DENIED_TEXT} because no identity-based policy allows the action; "
        "allow ecr:GetAuthorizationToken in a policy of that identity"),
    Cause("VPC endpoint policy", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} because no VPC endpoint policy {ALLOWS}"),
        f"{DENIED_TEXT} because no VPC endpoint policy allows the action; "
        "allow ecr:GetAuthorizationToken in the policy of the VPC endpoint"),
    Cause("VPC endpoint policy denies", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} with an explicit deny in a VPC endpoint policy"),
        f"{DENIED_TEXT} with an explicit deny in a VPC endpoint policy; "
        "ask an administrator to remove the explicit deny from the VPC endpoint policy"),
    Cause("no service control policy", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} because no service control policy {ALLOWS}"),
        f"{DENIED_TEXT} because no service control policy allows the action; "
        "contact the administrator of the AWS organization"),
    Cause("service control policy denies", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} with an explicit deny in a service control policy: "
        "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1"),
        f"{DENIED_TEXT} with an explicit deny in a service control policy; "
        "contact the administrator of the AWS organization"),
    Cause("permissions boundary", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} because no permissions boundary {ALLOWS}"),
        f"{DENIED_TEXT} because no permissions boundary allows the action; "
        "allow ecr:GetAuthorizationToken in the permissions boundary of that identity"),
    Cause("session policy", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} because no session policy {ALLOWS}"),
        f"{DENIED_TEXT} because no session policy allows the action; "
        "allow ecr:GetAuthorizationToken in the session policy of that role session"),
    Cause("identity-based policy denies", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} with an explicit deny in an identity-based policy"),
        f"{DENIED_TEXT} with an explicit deny in an identity-based policy; "
        "ask an administrator to remove the explicit deny from the identity-based policy"),
    Cause("explicit deny without a policy", lambda w: w.ecr("AccessDeniedException",
        f"{DENIED} with an explicit deny"),
        f"{DENIED_TEXT} with an explicit deny in a policy; "
        "ask an administrator to remove the explicit deny from the policy"),
    Cause("denial without details", lambda w: w.ecr("AccessDeniedException"),
        "AWS denies GetAuthorizationToken; allow it in a policy of this identity; to see it, " + CALLER),
    Cause("AssumeRole", lambda w: w.role(sts_error("AccessDenied", DENIED_ROLE)),
        f"{DENIED_ROLE_TEXT}; check that the role exists; allow sts:AssumeRole in a policy of that identity, "
        f"and allow that identity in the trust policy of {ROLE}"),
    Cause("AssumeRole, identity's side", lambda w: w.role(sts_error("AccessDenied",
        f"{DENIED_ROLE} because no identity-based policy allows the sts:AssumeRole action")),
        f"{DENIED_ROLE_TEXT} because no identity-based policy allows the action; "
        "allow sts:AssumeRole in a policy of that identity"),
    Cause("AssumeRole, role's side", lambda w: w.role(sts_error("AccessDenied",
        f"{DENIED_ROLE} because no resource-based policy allows the sts:AssumeRole action")),
        f"{DENIED_ROLE_TEXT} because no resource-based policy allows the action; "
        f"allow that identity in the trust policy of {ROLE}"),
    Cause("AssumeRoleWithWebIdentity", lambda w: w.web_identity(sts_error("AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity")),
        "this web identity is not authorized to perform sts:AssumeRoleWithWebIdentity; "
        f"compare the trust policy of the role {ROLE} with the token's issuer, sub and aud"),
]  # fmt: skip

RESPONSES = [
    Cause("signature expired", lambda w: w.ecr("InvalidSignatureException",
        "Signature expired: 20261126T010000Z is now earlier than 20261126T030000Z"),
        "the clock of this machine is wrong: AWS says that the signature has expired "
        f"(InvalidSignatureException); {CLOCK}"),
    Cause("signature not yet current", lambda w: w.ecr("InvalidSignatureException",
        "Signature not yet current: 20261126T050000Z is still later than 20261126T030500Z"),
        "the clock of this machine is wrong: AWS says that the signature is not yet current "
        f"(InvalidSignatureException); {CLOCK}"),
    Cause("STS signature expired", lambda w: w.role(sts_error("SignatureDoesNotMatch",
        "Signature expired: 20261126T010000Z is now earlier than 20261126T030000Z")),
        "the clock of this machine is wrong: AWS says that the signature has expired "
        f"(SignatureDoesNotMatch); {CLOCK}"),
    Cause("expired keys", lambda w: w.ecr("ExpiredTokenException",
        "The security token included in the request is expired"),
        f"the AWS credentials have expired (ExpiredTokenException); {RENEW}"),
    Cause("expired keys of a source profile", lambda w: w.role(sts_error("ExpiredToken",
        "The security token included in the request is expired")),
        "the AWS credentials of profile dev have expired (ExpiredToken); get new ones the same way "
        "(aws sso login --profile dev, aws login --profile dev, new AWS_ variables, …)"),
    Cause("expired web identity", lambda w: w.web_identity(sts_error("ExpiredTokenException",
        "Token expired: current date/time 1 must be before the expiration date/time 0")),
        "the web identity token has expired (ExpiredTokenException); write a new token to {home}/token"),
    Cause("no OpenID Connect provider", lambda w: w.web_identity(sts_error("InvalidIdentityToken",
        f"No OpenIDConnect provider found in your account for {ISSUER}", 400)),
        f"the account of the role {ROLE} has no OpenID Connect provider for "
        f"{ISSUER}; add the provider to IAM, "
        "or correct the account in the role's ARN"),
    Cause("token audience", lambda w: w.web_identity(sts_error("InvalidIdentityToken",
        "Incorrect token audience", 400)),
        "the web identity token has the wrong audience (Incorrect token audience); request a token with the "
        "audience sts.amazonaws.com, or add its audience to the provider in IAM"),
    Cause("verification key", lambda w: w.web_identity(sts_error("InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider", 400)),
        "AWS cannot retrieve the verification key of the identity provider; "
        "check that the provider's issuer URL can be reached from the internet"),
    Cause("invalid identity token", lambda w: w.web_identity(sts_error("InvalidIdentityToken",
        "The ID Token provided is not a valid JWT.", 400)),
        "AWS does not accept the web identity token (InvalidIdentityToken); "
        "check the issuer and the audience of the token in {home}/token"),
    Cause("identity provider unreachable", lambda w: w.web_identity(sts_error("IDPCommunicationError",
        status=400)),
        "AWS cannot reach the identity provider of the web identity token (IDPCommunicationError); "
        "try again; if it still fails, check the provider"),
    Cause("identity provider rejects", lambda w: w.web_identity(sts_error("IDPRejectedClaim")),
        "the identity provider rejected the web identity token (IDPRejectedClaim); "
        "write a new token to {home}/token"),
    Cause("duration over the role's maximum", lambda w: w.role(sts_error("ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400),
        "duration_seconds = 43200\n"),
        f"the session duration exceeds the maximum of the role {ROLE}; lower duration_seconds (in the "
        "settings: duration), or raise the role's maximum session duration"),
    Cause("duration in role chaining", lambda w: w.role(sts_error("ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        400), "duration_seconds = 7200\n"),
        "the session duration exceeds one hour, the maximum for role chaining; "
        "set duration_seconds (in the settings: duration) to 3600 or less"),
    Cause("invalid ARN", lambda w: w.role(sts_error("ValidationError", f"{ROLE} is invalid", 400)),
        f"the role's ARN {ROLE} is not valid; correct role_arn"),
    Cause("short ARN", lambda w: w.profile("role_arn = push\nsource_profile = base",
        f"[profile base]\n{w.keys}"),
        "the RoleArn for the role of profile dev is not valid; "
        "check role_arn, role_session_name, external_id and duration_seconds of profile dev"),
    Cause("another parameter", lambda w: w.role(sts_error("ValidationError",
        "1 validation error detected: Value at 'externalId' failed to satisfy constraint", 400)),
        "AWS does not accept a parameter of AssumeRole (ValidationError); "
        "check role_arn, role_session_name, external_id and duration_seconds of profile dev"),
    Cause("STS region disabled", lambda w: w.role(sts_error("RegionDisabledException",
        "STS is not activated in this region for account:111122223333.")),
        "STS is not activated in region us-west-2 for this account (RegionDisabledException); "
        "activate the region in the account settings of IAM"),
    Cause("region not enabled", lambda w: w.ecr("OptInRequired", "needs a subscription"),
        "this account has not enabled region us-west-2 (OptInRequired); "
        "run: aws account enable-region --region-name us-west-2"),
    Cause("unknown key", lambda w: w.env(AWS_ACCESS_KEY_ID="AKIAOTHER"),
        "AWS does not accept the credentials in region us-west-2 (UnrecognizedClientException); "
        f"{CALLER}; if that works, check that us-west-2 is correct and enabled for the account"),
    Cause("MFA code", lambda w: w.role(sts_error("AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code.")),
        "AWS does not accept the MFA code; try again with a new one; if it still fails, check mfa_serial"),
    Cause("throttling", lambda w: w.ecr("ThrottlingException", "Rate exceeded"),
        "AWS throttled GetAuthorizationToken (ThrottlingException, attempts: 1); "
        "wait a moment and try again"),
    Cause("AWS's own failure", lambda w: w.ecr("ServerException", status=500),
        "GetAuthorizationToken failed (ServerException, HTTP status 500); "
        "try again; if it still fails, see https://health.aws.amazon.com"),
    Cause("not the ECR API", lambda w: w.ecr("UnknownOperationException", status=404),
        "GetAuthorizationToken failed (UnknownOperationException, HTTP status 404); "
        f"check AWS_ENDPOINT_URL and proxies, and {CALLER}"),
    Cause("a proxy's page", lambda w: w.reply(Fault(403, b"<html>a-secret</html>")),
        "GetAuthorizationToken failed (403, HTTP status 403); "
        f"check AWS_ENDPOINT_URL and proxies, and {CALLER}"),
    Cause("expiry in the year 1", lambda w: w.reply(
        Fault.response(authorizationToken="QVdTOnA=", expiresAt=-62135596800)),
        "the token has already expired, at 0001-01-01 00:00 UTC; check this machine's clock"),
    Cause("expiry before the year 1", lambda w: w.reply(
        Fault.response(authorizationToken="QVdTOnA=", expiresAt=-1e18)),
        "the response of 127.0.0.1 contains a time that is not valid; check AWS_ENDPOINT_URL and proxies"),
    Cause("expiry NaN", lambda w: w.reply(
        Fault.response(authorizationToken="QVdTOnA=", expiresAt=float("nan"))),
        "the response of 127.0.0.1 contains a time that is not valid; check AWS_ENDPOINT_URL and proxies"),
    Cause("a web page instead of STS", lambda w: w.role(Fault(200, b"<html>Please log in")),
        "the response of 127.0.0.1 is not from AWS: it is neither JSON nor XML; "
        "check AWS_ENDPOINT_URL and proxies"),
]  # fmt: skip

SESSIONS = [
    Cause("SSO never logged in", lambda w: w.profile(SSO, SSO_SESSION), SSO_EXPIRED),
    Cause("SSO file empty", lambda w: w.sso(session_file=""), SSO_EXPIRED),
    Cause("SSO file truncated", lambda w: w.sso(session_file='{"accessToken": "a'), SSO_EXPIRED),
    Cause("SSO file null", lambda w: w.sso(session_file="null"), SSO_EXPIRED),
    Cause("SSO file {}", lambda w: w.sso(session_file="{}"), SSO_EXPIRED),
    Cause("SSO file a list", lambda w: w.sso(session_file="[]"), SSO_EXPIRED),
    Cause("SSO file with a wrong time", lambda w: w.sso(
        session_file='{"accessToken": "a", "expiresAt": "soon"}'), SSO_EXPIRED),
    Cause("SSO token rejected", lambda w: w.sso(
        session_file='{"accessToken": "a", "expiresAt": "2099-01-01T00:00:00Z"}'), SSO_EXPIRED),
    Cause("SSO session expired", lambda w: w.sso(
        session_file='{"accessToken": "a", "expiresAt": "2020-01-01T00:00:00Z"}'), SSO_EXPIRED),
    Cause("SSO session cannot be refreshed", lambda w: w.sso(session_file=REFRESHABLE).env(
        AWS_ENDPOINT_URL_SSO_OIDC=w.sts.url), SSO_EXPIRED),
    Cause("SSO service is unreachable", lambda w: w.sso(session_file=REFRESHABLE).env(
        AWS_ENDPOINT_URL_SSO_OIDC="http://127.0.0.1:9"),
        "127.0.0.1 cannot be reached; check the network, the region us-west-2, HTTPS_PROXY and "
        "AWS_ENDPOINT_URL"),
    Cause("SSO file of a source profile", lambda w: w.sso(session_file="[]").profile(
        f"role_arn = {ROLE}\nsource_profile = dev", f"[profile dev]\n{SSO}{SSO_SESSION}", name="prod"),
        SSO_EXPIRED),
    Cause("SSO source of the default profile", lambda w: w.sso(session_file="[]").config(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = dev\n[profile dev]\n{SSO}{SSO_SESSION}").env(
        AWS_PROFILE=None),
        SSO_EXPIRED),
    Cause("SSO role not assigned", lambda w: w.sso(Fault.aws("ForbiddenException", "No access", 403)),
        "the SSO user has no access to role dev-role in account 111122223333 (ForbiddenException); "
        "check sso_role_name and sso_account_id of profile dev, or ask the administrator of IAM Identity "
        "Center to assign the role"),
    Cause("SSO role unknown", lambda w: w.sso(Fault.aws("ResourceNotFoundException", "", 404)),
        "IAM Identity Center has no role dev-role in account 111122223333 (ResourceNotFoundException); "
        "check sso_role_name, sso_account_id and sso_region of profile dev"),
    Cause("SSO source of a role", lambda w: w.profile(
        f"role_arn = {ROLE}\nsource_profile = dev", f"[profile dev]\n{SSO}{SSO_SESSION}", name="prod"),
        SSO_EXPIRED),
    Cause("aws login never run", lambda w: w.profile(f"login_session = {USER}"),
        "the aws login session of profile dev is missing or has expired; run: aws login --profile dev"),
]  # fmt: skip

MISSING = [
    Cause("no credentials", lambda w: w.without_keys(),
        NO_CREDENTIALS + "set AWS_PROFILE to a profile with credentials, or run: aws configure, or aws sso "
        "login"),
    Cause("a profile fits the account", lambda w: w.config(
        f"[profile dev]\n{SSO}[profile other]\nsso_account_id = 999999999999\n").without_keys(),
        NO_CREDENTIALS + "profile dev is in this account; to use it, "
        f"run: docker-credential-ecr-py configure --profile dev {HOST}"),
    Cause("another profile fits the account", lambda w: w.config(
        f"[profile mine]\nregion = us-west-2\n[profile dev]\n{SSO}").without_keys(AWS_PROFILE="mine"),
        "no AWS credentials found in profile mine; set AWS_PROFILE=dev, the profile of account 111122223333"),
    Cause("two profiles fit the account", lambda w: w.config(
        f"[profile dev]\n{SSO}[profile ops]\n{SSO}").without_keys(),
        NO_CREDENTIALS + "set AWS_PROFILE to a profile of account 111122223333: dev, ops"),
    Cause("a profile without credentials", lambda w: w.profile("region = us-west-2"),
        "no AWS credentials found in profile dev; run: aws configure --profile dev"),
    Cause("no secret key", lambda w: w.env(AWS_SECRET_ACCESS_KEY=None),
        "AWS_SECRET_ACCESS_KEY is missing: only one of the two AWS_ variables of a key is set; "
        "set both, or neither"),
    Cause("no secret key in a profile", lambda w: w.config(
        "[dev]\naws_access_key_id = a\n", "credentials").without_keys(AWS_PROFILE="dev"),
        "the AWS credentials of profile dev are incomplete, aws_secret_access_key is missing; "
        "run: aws configure --profile dev"),
    Cause("secret key with a line break", lambda w: w.env(AWS_SECRET_ACCESS_KEY=w.api.secret_key + "\n"),
        "AWS_SECRET_ACCESS_KEY starts or ends with a line break; "
        "remove it (in CI, from the stored secret)"),
    Cause("key ID with a line break", lambda w: w.env(AWS_ACCESS_KEY_ID=w.api.access_key + "\n"),
        "AWS_ACCESS_KEY_ID starts or ends with a line break; "
        "remove it (in CI, from the stored secret)"),
    Cause("session token with a line break", lambda w: w.env(AWS_SESSION_TOKEN="t\r\n"),
        "AWS_SESSION_TOKEN starts or ends with a line break; "
        "remove it (in CI, from the stored secret)"),
    Cause("secret key with a space", lambda w: w.env(AWS_SECRET_ACCESS_KEY=w.api.secret_key + " "),
        "AWS_SECRET_ACCESS_KEY starts or ends with a space; "
        "remove it (in CI, from the stored secret)"),
    Cause("no web identity file", lambda w: w.web_identity(token=None),
        "the token file {home}/token cannot be read (No such file or directory); "
        "check AWS_WEB_IDENTITY_TOKEN_FILE, and the mount of the token"),
    Cause("short web identity token", lambda w: w.web_identity(token="ab"),
        "the web identity token file {home}/token has no valid token; write a token to it"),
    Cause("empty web identity file", lambda w: w.web_identity(token=""),
        "the web identity token file {home}/token is empty; write a token to it"),
    Cause("web identity file of a profile", lambda w: w.profile(
        f"role_arn = {ROLE}\nweb_identity_token_file = {w.home}/none"),
        "the token file {home}/none cannot be read (No such file or directory); "
        "check web_identity_token_file, and the mount of the token"),
    Cause("credential_source without keys", lambda w: w.profile(
        f"role_arn = {ROLE}\ncredential_source = Environment"),
        "profile dev takes its credentials from Environment, which has none; "
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    Cause("credential_source outside EC2", lambda w: w.profile(
        f"role_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata"),
        "profile dev takes its credentials from Ec2InstanceMetadata, which has none; "
        "attach a role to this EC2 instance, or use source_profile"),
    Cause("container rejects", lambda w: w.container(http(403, "a-secret")),
        "the container credentials endpoint rejected the request (HTTP status 403); "
        "check AWS_CONTAINER_AUTHORIZATION_TOKEN and the role of the task or pod"),
    Cause("container fails", lambda w: w.container(http(500, "a-secret")),
        "the container credentials endpoint failed (HTTP status 500); "
        "try again; if it still fails, check the agent on the container's host"),
    Cause("container sends no JSON", lambda w: w.container(http(200, "a-secret")),
        "the response of the container credentials endpoint is not JSON; "
        "check AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    Cause("container closes", lambda w: w.container(b""),
        "the container credentials endpoint cannot be reached; "
        "check AWS_CONTAINER_CREDENTIALS_FULL_URI, HTTP_PROXY and NO_PROXY"),
    Cause("container host not allowed", lambda w: w.without_keys(
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://example.invalid/"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI has a host that AWS SDKs do not allow; "
        "use a loopback address or https"),
    Cause("no container token file", lambda w: w.container(b"").env(
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f"{w.home}/none"),
        "the token file {home}/none cannot be read (No such file or directory); "
        "check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, and the mount of the token"),
    Cause("container token with a line break", lambda w: w.container(b"").env(
        AWS_CONTAINER_AUTHORIZATION_TOKEN="t\n"),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN starts or ends with a line break; "
        "remove it (in CI, from the stored secret)"),
    Cause("metadata hop limit", lambda w: w.instance(http(401)).env(AWS_METADATA_SERVICE_TIMEOUT="1"),
        "the EC2 instance metadata requires a token, and did not return one (HTTP status 401); "
        "in a container, set the metadata hop limit of the EC2 instance to 2 (HttpPutResponseHopLimit)"),
    Cause("metadata behind a closed proxy", lambda w: w.without_keys(
        AWS_EC2_METADATA_DISABLED=None, HTTP_PROXY="http://127.0.0.1:9"),
        "the proxy 127.0.0.1 cannot be reached; check HTTP_PROXY and NO_PROXY"),
    Cause("metadata behind HTTP_PROXY", lambda w: w.without_keys(
        AWS_EC2_METADATA_DISABLED=None, HTTP_PROXY=f"http://{w.serve(http(403))}"),
        NO_CREDENTIALS + "on EC2, add 169.254.169.254 to NO_PROXY: "
        "HTTP_PROXY applies to the instance metadata too"),
    Cause("metadata URL", lambda w: w.without_keys(
        AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT="no url"),
        "the URL of the EC2 instance metadata is not valid; check AWS_EC2_METADATA_SERVICE_ENDPOINT "
        "and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
]  # fmt: skip

CONFIGURATION = [
    Cause("unknown profile", lambda w: w.env(AWS_PROFILE="nope"),
        "AWS profile 'nope' does not exist; to see the profiles, run: aws configure list-profiles"),
    Cause("near profile", lambda w: w.config("[profile prod]\n").env(AWS_PROFILE="pord"),
        "AWS profile 'pord' does not exist; did you mean prod?"),
    Cause("section without profile", lambda w: w.config("[default]\n[dev]\n").env(AWS_PROFILE="dev"),
        "AWS profile 'dev' does not exist: [dev] in line 2 of {home}/.aws/config does not define it; "
        "write [profile dev]"),
    Cause("unquoted blanks", lambda w: w.config("[profile my dev]\n").env(AWS_PROFILE="my dev"),
        "AWS profile 'my dev' does not exist: [profile my dev] in line 1 of {home}/.aws/config does not "
        'define it; write [profile "my dev"]'),
    Cause("unclosed quote in a section", lambda w: w.config('# comment\n[profile "dev]\n').config(
        "", "credentials").env(AWS_PROFILE="dev"),
        "AWS profile 'dev' does not exist; to see the profiles, run: aws configure list-profiles"),
    Cause("missing AWS_CONFIG_FILE", lambda w: w.env(AWS_PROFILE="dev", AWS_CONFIG_FILE=f"{w.home}/none"),
        "AWS profile 'dev' does not exist, because {home}/none does not exist; check AWS_CONFIG_FILE"),
    Cause("source_profile", lambda w: w.profile(f"role_arn = {ROLE}\nsource_profile = bse",
        f"[profile base]\n{w.keys}"),
        "[profile dev] in line 1 of {home}/.aws/config refers to the source_profile 'bse', which does not "
        "exist; did you mean base?"),
    Cause("source_profile without a near match", lambda w: w.profile(
        f"role_arn = {ROLE}\nsource_profile = keys"),
        "[profile dev] in line 1 of {home}/.aws/config refers to the source_profile 'keys', which does not "
        "exist; add [profile keys], or correct source_profile"),
    Cause("source_profile in the credentials file", lambda w: w.profile(
        f"role_arn = {ROLE}\nsource_profile = gone").config(
        "[dev]\nsource_profile = base\n[base]\n", "credentials"),
        "profile base, the source_profile of profile dev, contains no AWS credentials; "
        "run: aws configure --profile base"),
    Cause("the profile of AWS_DEFAULT_PROFILE", lambda w: w.config(
        f"[profile a]\n[profile b]\nrole_arn = {ROLE}\n").without_keys(
        AWS_PROFILE="a", AWS_DEFAULT_PROFILE="b"),
        "[profile b] in line 2 of {home}/.aws/config has a role_arn, but neither source_profile nor "
        "credential_source; add source_profile, the profile whose credentials assume the role"),
    Cause("sso_session", lambda w: w.profile("sso_session = corp\nsso_account_id = 1\nsso_role_name = r",
        SSO_SESSION),
        "[profile dev] in line 1 of {home}/.aws/config refers to the sso_session 'corp', which does not "
        "exist; add [sso-session corp], or correct sso_session"),
    Cause("services", lambda w: w.profile(
        f"services = locl\n{w.keys}", "[services local]\n").env(AWS_ENDPOINT_URL=None),
        "[profile dev] in line 1 of {home}/.aws/config refers to the services 'locl', which does not exist; "
        "did you mean local?"),
    Cause("role loop", lambda w: w.profile(f"role_arn = {ROLE}\nsource_profile = base",
        f"[profile base]\nrole_arn = {ROLE}\nsource_profile = dev\n"),
        "the source_profile of profile base leads back to profile dev; "
        "end the chain with a profile that has credentials"),
    Cause("two sources", lambda w: w.profile(
        f"role_arn = {ROLE}\nsource_profile = dev\ncredential_source = Environment"),
        "[profile dev] in line 1 of {home}/.aws/config has both source_profile and credential_source; "
        "remove one of them"),
    Cause("no source", lambda w: w.profile(f"role_arn = {ROLE}"),
        "[profile dev] in line 1 of {home}/.aws/config has a role_arn, but neither source_profile nor "
        "credential_source; add source_profile, the profile whose credentials assume the role"),
    Cause("unknown credential_source", lambda w: w.profile(f"role_arn = {ROLE}\ncredential_source = Ec2"),
        "[profile dev] in line 1 of {home}/.aws/config has the credential_source 'Ec2', which does not "
        "exist; use Environment, Ec2InstanceMetadata or EcsContainer"),
    Cause("source profile without credentials", lambda w: w.profile(
        f"role_arn = {ROLE}\nsource_profile = base", "[profile base]\nregion = us-west-2\n"),
        "profile base, the source_profile of profile dev, contains no AWS credentials; "
        "run: aws configure --profile base"),
    Cause("web identity without a role", lambda w: w.profile(f"web_identity_token_file = {w.home}/token"),
        "[profile dev] in line 1 of {home}/.aws/config has a web_identity_token_file, but no role_arn; "
        "add role_arn"),
    Cause("incomplete SSO", lambda w: w.profile("sso_account_id = 1\nsso_role_name = r"),
        "[profile dev] in line 1 of {home}/.aws/config uses SSO, but has no sso_start_url, sso_region; "
        "run: aws configure sso"),
    Cause("second [default]", lambda w: w.config("[default]\n\n[default]\n"),
        "{home}/.aws/config has a second section [default] in line 3; merge the two sections"),
    Cause("duplicate setting", lambda w: w.config("[default]\nregion = a\nregion = b\n"),
        "section [default] of {home}/.aws/config sets region twice, again in line 3; remove one of them"),
    Cause("byte order mark", lambda w: w.config(b"\xef\xbb\xbf[default]\n"),
        "{home}/.aws/config starts with a byte order mark; save it as UTF-8 without a byte order mark"),
    Cause("UTF-16", lambda w: w.config("[default]\n".encode("utf-16")),
        # In the encoding of Windows, every byte of it is text.
        f"{{home}}/.aws/config {'starts with a byte order mark' if WINDOWS else 'is not UTF-8 text'}; "
        "save it as UTF-8 without a byte order mark"),
    Cause("text before the first section", lambda w: w.config("region = a\n[default]\n"),
        "line 1 of {home}/.aws/config precedes the first [section]; correct it"),
    Cause("a line without an equals sign", lambda w: w.config("[default]\nregion\n"),
        "line 2 of {home}/.aws/config is not NAME = VALUE; correct it"),
    Cause("an indented line", lambda w: w.config("[default]\ns3 =\n  region\n"),
        "line 3 of {home}/.aws/config is indented, but not NAME = VALUE; correct it"),
    Cause("the credentials file", lambda w: w.config("[a]\n[a]\n", "credentials"),
        "{home}/.aws/credentials has a second section [a] in line 2; merge the two sections"),
    Cause("endpoint without a scheme", lambda w: w.env(AWS_ENDPOINT_URL="hello"),
        "AWS_ENDPOINT_URL is not a valid URL; write it as https://HOST or https://HOST:PORT, or unset it"),
    Cause("endpoint with a bad port", lambda w: w.env(AWS_ENDPOINT_URL_ECR="http://localhost:99999"),
        "AWS_ENDPOINT_URL_ECR is not a valid URL; "
        "write it as https://HOST or https://HOST:PORT, or unset it"),
    Cause("endpoint with a port that is no number", lambda w: w.env(AWS_ENDPOINT_URL="http://localhost:http"),
        "AWS_ENDPOINT_URL is not a valid URL; write it as https://HOST or https://HOST:PORT, or unset it"),
    Cause("endpoint with brackets", lambda w: w.env(AWS_ENDPOINT_URL="http://[::1"),
        "AWS_ENDPOINT_URL is not a valid URL; write it as https://HOST or https://HOST:PORT, or unset it"),
    Cause("endpoint of a profile", lambda w: w.profile(
        f"endpoint_url = hello\n{w.keys}").env(AWS_ENDPOINT_URL=None),
        "endpoint_url in [profile dev] in line 1 of {home}/.aws/config is not a valid URL; "
        "write it as https://HOST or https://HOST:PORT, or unset it"),
]  # fmt: skip

NOT_WINDOWS = [
    Cause("tilde", lambda w: w.profile("credential_process = ~/bin/tool"),
        f"{TOOL} has '~/bin/tool' in its path, which is not expanded; write the absolute path"),
    Cause("$HOME", lambda w: w.profile("credential_process = $HOME/bin/tool"),
        f"{TOOL} has '$HOME/bin/tool' in its path, which is not expanded; write the absolute path"),
    Cause("does not exist", lambda w: w.profile("credential_process = /nonexistent/tool"),
        f"{TOOL} does not exist; correct /nonexistent/tool in the AWS configuration"),
    Cause("not executable", lambda w: w.profile(f"credential_process = {w.program('', 0o644)}"),
        f"{TOOL} is not executable; run: chmod +x {{home}}/tool"),
    Cause("no interpreter", lambda w: w.profile(f"credential_process = {w.program('#!/nonexistent/sh')}"),
        f"{TOOL} is not a program that can be started; check the first line and the format of {{home}}/tool"),
    Cause("not a program", lambda w: w.profile(f"credential_process = {w.program('text')}"),
        f"{TOOL} is not a program that can be started; check the first line and the format of {{home}}/tool"),
    Cause("unclosed quote", lambda w: w.profile("credential_process = tool 'x"),
        "the credential_process of profile dev has an unclosed quote; correct it in the AWS configuration"),
    Cause("empty setting", lambda w: w.profile("credential_process ="),
        "the credential_process of profile dev is empty; correct it in the AWS configuration"),
    Cause("exit status", lambda w: w.process(
        "import sys\nsys.stderr.write('Info\\n\\x1b[31msession expired: please run tool login "
        "--token=a-secret\\x1b[0m\\n')\nsys.exit(3)"),
        f"{PYTHON} failed (exit status 3): session expired: please run tool login --token=…; "
        "run it in a terminal"),
    Cause("exit status alone", lambda w: w.process("import os\nos._exit(1)"),
        f"{PYTHON} failed (exit status 1); run it in a terminal"),
    Cause("no output", lambda w: w.process(""), f"{PYTHON} wrote nothing; run it in a terminal"),
    Cause("text before the JSON", lambda w: w.process("print('Opening browser')\nprint('{}')"),
        f"{PYTHON} wrote text before the JSON object; make it write other text to standard error"),
    Cause("truncated JSON", lambda w: w.process("print('{ Version: {')"),
        f"{PYTHON} wrote no JSON object; make it write other text to standard error"),
    Cause("no JSON", lambda w: w.process("print('a-secret')"),
        f"{PYTHON} wrote no JSON object; make it write other text to standard error"),
    Cause("no Version", lambda w: w.process("print('{}')"), f"{PYTHON} did not write Version 1; {FORMAT}"),
    Cause("no key", lambda w: w.process("""print('{"Version": 1, "AccessKeyId": "a"}')"""),
        f"{PYTHON} did not write SecretAccessKey; {FORMAT}"),
    Cause("expired Expiration", lambda w: w.process(
        """print('{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b",'
        '"Expiration": "2020-01-01T00:00:00Z"}')"""),
        f"{PYTHON} returned credentials that expired at 2020-01-01T00:00:00Z; "
        "log in again with its tool, or clear that tool's cache"),
    Cause("wrong Expiration", lambda w: w.process(
        """print('{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "soon"}')"""),
        f"{PYTHON} wrote an Expiration that is not a time; use the form 2030-01-31T12:00:00Z"),
    Cause("Expiration without a time zone", lambda w: w.process(
        """print('{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b",'
        '"Expiration": "2030-01-01"}')"""),
        f"{PYTHON} wrote an Expiration that is not a time; use the form 2030-01-31T12:00:00Z"),
    Cause("killed", lambda w: w.process("import os\nos.kill(os.getpid(), 9)"),
        f"{PYTHON} was ended by signal 9; run it in a terminal"),
    Cause("too much output", lambda w: w.process("while True: print('x' * 4095)"),
        f"{PYTHON} wrote more than 1 MiB; it must write one JSON object only"),
]  # fmt: skip

ON_PATH = [
    Cause("not on PATH", lambda w: w.profile("credential_process = granted-tool --role x"),
        "the credential_process of profile dev (granted-tool) is not on the PATH that the client provides, "
        "which can differ from that of your shell; "
        f"write its absolute path; to see it, run: {FIND} granted-tool"),
    Cause("process of a source profile", lambda w: w.profile(f"role_arn = {ROLE}\nsource_profile = dev",
        "[profile dev]\ncredential_process = granted-tool\n", name="prod"),
        "the credential_process of profile dev (granted-tool) is not on the PATH that the client provides, "
        "which can differ from that of your shell; "
        f"write its absolute path; to see it, run: {FIND} granted-tool"),
]  # fmt: skip

NETWORK = [
    Cause("expired certificate", lambda w: w.tls(certificates.EXPIRED),
        "the TLS certificate of 127.0.0.1 has expired; "
        "check this machine's clock; if it is correct, contact the operator of 127.0.0.1"),
    Cause("certificate of the future", lambda w: w.tls(certificates.NOT_YET_VALID),
        f"the TLS certificate of 127.0.0.1 is not yet valid; {CLOCK}"),
    Cause("certificate for another name", lambda w: w.tls(certificates.OTHER_NAME),
        "the TLS certificate of 127.0.0.1 is for another name; check AWS_ENDPOINT_URL, DNS and proxies"),
    Cause("unknown CA", lambda w: w.tls(certificates.VALID, trust=False),
        "the TLS certificate of 127.0.0.1 is from an unknown CA; "
        "add the CA's certificate to the system's store, or set AWS_CA_BUNDLE to a file with it"),
    Cause("unknown CA with a bundle", lambda w: w.tls(certificates.VALID).config(
        certificates.OTHER_NAME, "ca.pem").env(AWS_CA_BUNDLE=f"{w.home}/.aws/ca.pem"),
        "the TLS certificate of 127.0.0.1 is from an unknown CA; "
        "add the CA's certificate to {home}/.aws/ca.pem (AWS_CA_BUNDLE)"),
    Cause("not TLS", lambda w: w.env(AWS_ENDPOINT_URL=w.api.url.replace("http:", "https:")),
        "127.0.0.1 does not use TLS on this port; "
        "check the scheme and the port of AWS_ENDPOINT_URL, and proxies"),
    Cause("no CA bundle", lambda w: w.tls(certificates.VALID).env(AWS_CA_BUNDLE="/nonexistent.pem"),
        "the CA bundle /nonexistent.pem does not exist; check AWS_CA_BUNDLE"),
    Cause("no CA bundle of requests", lambda w: w.tls(certificates.VALID).env(
        AWS_CA_BUNDLE=None, REQUESTS_CA_BUNDLE="/nonexistent.pem"),
        "the CA bundle /nonexistent.pem does not exist; check REQUESTS_CA_BUNDLE"),
    Cause("no CA bundle of a profile", lambda w: w.tls(certificates.VALID).profile(
        f"ca_bundle = /nonexistent.pem\n{w.keys}").env(AWS_CA_BUNDLE=None),
        "the CA bundle /nonexistent.pem does not exist; check ca_bundle of profile dev"),
    Cause("not a CA bundle", lambda w: w.tls(certificates.VALID).config("text").env(
        AWS_CA_BUNDLE=f"{w.home}/.aws/config", AWS_CONFIG_FILE=f"{w.home}/none"),
        "{home}/.aws/config is not a CA bundle: it contains no certificate; check AWS_CA_BUNDLE"),
    Cause("proxy requires a password", lambda w: w.proxy(http(407)),
        "the proxy 127.0.0.1 requires a user and a password (HTTP status 407); "
        "write them in HTTPS_PROXY: http://USER:PASSWORD@127.0.0.1:PORT"),
    Cause("proxy refuses", lambda w: w.proxy(http(403)),
        "the proxy 127.0.0.1 refused to connect to AWS (HTTP status 403); "
        "allow the host in the proxy, or add it to NO_PROXY"),
    Cause("proxy is closed", lambda w: w.env(
        AWS_ENDPOINT_URL="https://api.example.invalid", HTTPS_PROXY="http://127.0.0.1:9"),
        "the proxy 127.0.0.1 cannot be reached; check HTTPS_PROXY and NO_PROXY"),
    Cause("proxy is unknown", lambda w: w.env(
        AWS_ENDPOINT_URL="https://127.0.0.1:9", https_proxy="http://proxy.invalid:3128"),
        "the host name of the proxy proxy.invalid cannot be resolved; "
        # Names of variables have no case on Windows.
        f"check {'HTTPS_PROXY' if WINDOWS else 'https_proxy'} and NO_PROXY"),
    Cause("SOCKS proxy", lambda w: w.env(
        AWS_ENDPOINT_URL="https://127.0.0.1:9", HTTPS_PROXY="socks5://127.0.0.1:9"),
        "HTTPS_PROXY is a SOCKS proxy, which AWS SDKs for Python do not support; "
        "set it to an HTTP proxy, or unset it"),
    Cause("closed port, and another URL is wrong", lambda w: w.env(
        AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ENDPOINT_URL_SSO="http://my_host"),
        "127.0.0.1 cannot be reached; check the network, the region us-west-2, HTTPS_PROXY and "
        "AWS_ENDPOINT_URL"),
    Cause("closed port, and an empty URL", lambda w: w.profile(f"endpoint_url =\n{w.keys}").env(
        AWS_ENDPOINT_URL=None, AWS_ENDPOINT_URL_ECR="http://127.0.0.1:9"),
        "127.0.0.1 cannot be reached; check the network, the region us-west-2, HTTPS_PROXY and "
        "AWS_ENDPOINT_URL"),
    Cause("closed port, and no proxy for it", lambda w: w.env(
        AWS_ENDPOINT_URL="http://127.0.0.1:9", HTTP_PROXY="ftp://h", NO_PROXY="127.0.0.1"),
        "127.0.0.1 cannot be reached; check the network, the region us-west-2, HTTPS_PROXY and "
        "AWS_ENDPOINT_URL"),
    Cause("proxy for http", lambda w: w.env(HTTP_PROXY=f"http://{w.serve(http(407, 'a-secret'))}"),
        "the proxy requires a user and a password (HTTP status 407); "
        "write them in HTTP_PROXY: http://USER:PASSWORD@HOST:PORT"),
    Cause("closed port", lambda w: w.env(AWS_ENDPOINT_URL="http://127.0.0.1:9"),
        "127.0.0.1 cannot be reached; check the network, the region us-west-2, HTTPS_PROXY and "
        "AWS_ENDPOINT_URL"),
    Cause("unknown host", lambda w: w.env(AWS_ENDPOINT_URL="http://api.invalid"),
        "api.invalid cannot be reached (cannot resolve the host name); "
        "check DNS, the region us-west-2, HTTPS_PROXY and AWS_ENDPOINT_URL"),
    Cause("closed connection", lambda w: w.env(AWS_ENDPOINT_URL=f"http://{w.serve()}"),
        "127.0.0.1 closed the connection without a response; "
        "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
]  # fmt: skip

MODES = "legacy, auto, standard, in-region, cross-region or mobile"
CHECKSUMS = "when_supported or when_required"
URL = "write it as https://HOST or https://HOST:PORT, or unset it"
PROXY_URL = (
    "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded"
)
NO_JSON = (
    "the response of 127.0.0.1 is not from Amazon ECR: it is not a JSON object; "
    "try again; if it still fails, check AWS_ENDPOINT_URL and proxies"
)
OTHER_FORM = (
    "the response of 127.0.0.1 is not from AWS: it has another form; check AWS_ENDPOINT_URL and proxies"
)
SECTION = "[profile dev] in line 1 of {home}/.aws/config"

Create = Callable[[World], World]


def variable(name: str, value: str) -> Create:
    return lambda world: world.env(**{name: value})


def metadata_variable(name: str, value: str) -> Create:
    return lambda world: world.without_keys(AWS_EC2_METADATA_DISABLED=None, **{name: value})


def setting(name: str, value: str) -> Create:
    return lambda world: world.profile(f"{name} = {value}\n{world.keys}").env(AWS_MAX_ATTEMPTS=None)


def https_proxy(url: str) -> Create:
    return lambda world: world.env(AWS_ENDPOINT_URL="https://127.0.0.1:9", HTTPS_PROXY=url)


def reply(status: int, body: bytes) -> Create:
    return lambda world: world.reply(Fault(status, body))


VALUES = [
    *(Cause(f"{name}={value}", (metadata_variable if "METADATA" in name else variable)(name, value),
        f"the value of {name} is not valid; write {allowed}, or remove it")
      for name, value, allowed in (
        ("AWS_MAX_ATTEMPTS", "abc", "a whole number of at least 1"),
        ("AWS_MAX_ATTEMPTS", "0", "a whole number of at least 1"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "x", "a whole number of at least 1"),
        ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "x", "a whole number of at least 0"),
        ("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "x", "a whole number of at least 0"),
        ("AWS_RETRY_MODE", "foo", "legacy, standard or adaptive"),
        ("AWS_RETRY_MODE", "Standard", "legacy, standard or adaptive"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "foo", "legacy or regional"),
        ("AWS_DEFAULTS_MODE", "foo", MODES),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "foo", CHECKSUMS),
        ("AWS_RESPONSE_CHECKSUM_VALIDATION", "foo", CHECKSUMS),
        ("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "x", "legacy or regional"),
        ("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "x", "true or false"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "x", "preferred, disabled or required"),
      )),
    *(Cause(f"{name} = {value}", setting(name, value),
        f"the value of {name} in {SECTION} is not valid; write {allowed}, or remove it")
      for name, value, allowed in (
        ("max_attempts", "abc", "a whole number of at least 1"),
        ("retry_mode", "foo", "legacy, standard or adaptive"),
        ("sts_regional_endpoints", "foo", "legacy or regional"),
        ("defaults_mode", "foo", MODES),
        ("request_checksum_calculation", "foo", CHECKSUMS),
        ("account_id_endpoint_mode", "x", "preferred, disabled or required"),
        ("max_attempts", "", "a whole number of at least 1"),
        ("max_attempts", "\n  a = b", "a whole number of at least 1"),
        ("retry_mode", "", "legacy, standard or adaptive"),
      )),
    *(Cause(f"{name} with settings", setting(name, "\n  a = b"),
        f"{name} in {SECTION} has settings below it, but needs a value; write the value in the same line")
      for name in ("aws_session_token", "credential_process", "sso_session", "login_session",
                   "auth_scheme_preference")),
    *(Cause(f"{name} without settings", setting(name, value),
        f"{name} in {SECTION} has a value, but needs settings; write them in indented lines below it")
      for name, value in (("s3", ""), ("api_versions", "x"))),
    Cause("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata_variable(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://["),
        f"AWS_EC2_METADATA_SERVICE_ENDPOINT is not a valid URL; {URL}"),
    Cause("sso_region", lambda w: w.profile(SSO, SSO_SESSION.replace("us-east-1", "us east")),
        "the value of sso_region in [sso-session s] in line 6 of {home}/.aws/config is not valid; "
        "write a region such as us-east-1, or remove it"),
    Cause("two values of sso_region", lambda w: w.profile(f"{SSO}sso_region = eu-west-1", SSO_SESSION),
        f"{SECTION} and its sso_session have different values of sso_region; remove those of the profile"),
    Cause("empty keys", lambda w: w.config(
        "[dev]\naws_access_key_id =\naws_secret_access_key =\n", "credentials").without_keys(
        AWS_PROFILE="dev"),
        "aws_access_key_id in [dev] in line 1 of {home}/.aws/credentials is empty; "
        "run: aws configure --profile dev"),
    Cause("services with a value", lambda w: w.profile(f"services = s\n{w.keys}", "[services s]\necr = foo\n"
        ).env(AWS_ENDPOINT_URL=None),
        "ecr in [services s] in line 6 of {home}/.aws/config has a value, but needs settings; "
        "write them in indented lines below it"),
    Cause("services with a value and settings", lambda w: w.profile(
        f"services = s\n{w.keys}", "[services s]\necr = foo\n  endpoint_url = a\n").env(
        AWS_ENDPOINT_URL=None),
        "ecr in [services s] in line 6 of {home}/.aws/config has a value, but needs settings; "
        "write them in indented lines below it"),
    Cause("web identity without AWS_ROLE_ARN", lambda w: w.web_identity().env(AWS_ROLE_ARN=None),
        "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not; set both, or neither"),
    Cause("binary web identity", lambda w: w.binary_web_identity(),
        "the token file {home}/token is not text; write a token to it, or check AWS_WEB_IDENTITY_TOKEN_FILE"),
    Cause("binary web identity of a profile", lambda w: w.binary_web_identity().profile(
        f"role_arn = {ROLE}\nweb_identity_token_file = {w.home}/token").env(
        AWS_WEB_IDENTITY_TOKEN_FILE=None, AWS_ROLE_ARN=None),
        "the token file {home}/token is not text; write a token to it, or check web_identity_token_file"),
    *(Cause(f"AWS_ENDPOINT_URL={url!r}", variable("AWS_ENDPOINT_URL", url),
        f"AWS_ENDPOINT_URL is not a valid URL; {URL}")
      for url in ("http://my_host:1", "http://a..b", "http://127.0.0.1:9\n", "ftp://127.0.0.1:9",
                  "http://[::1/")),
    Cause("endpoint_url of a service", lambda w: w.profile(
        f"services = s\n{w.keys}", "[services s]\necr =\n  endpoint_url = hello\n").env(
        AWS_ENDPOINT_URL=None),
        "ecr.endpoint_url in [services s] in line 6 of {home}/.aws/config is not a valid URL; " + URL),
    *(Cause(f"AWS_CONTAINER_CREDENTIALS_FULL_URI={url}",
        metadata_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
        f"AWS_CONTAINER_CREDENTIALS_FULL_URI is not a valid URL; {URL}")
      for url in ("http://127.0.0.1:x/", "http://127.0.0.1:99999/", "http://[::1/")),
    *(Cause(f"HTTPS_PROXY={url}", https_proxy(url), f"HTTPS_PROXY is not a valid URL; {PROXY_URL}")
      for url in ("http://u:a-secret/s@h:1", "http://u:a-secret#s@h:1", "http://u:1#a-secret@h", "http://h:bad",
                  " http://h:1", "http://[::", "ftp://h:1", "http://u:1/a-secret@h", "h:99999", "http://")),
    Cause("HTTP_PROXY is no URL", lambda w: w.env(HTTP_PROXY="ftp://h"),
        f"HTTP_PROXY is not a valid URL; {PROXY_URL}"),
    Cause("SOCKS proxy for http", lambda w: w.env(HTTP_PROXY="socks5://127.0.0.1:9"),
        "HTTP_PROXY is a SOCKS proxy, which AWS SDKs for Python do not support; "
        "set it to an HTTP proxy, or unset it"),
    Cause("AWS_CONFIG_FILE is a directory", lambda w: w.env(AWS_PROFILE="dev", AWS_CONFIG_FILE=str(w.home)),
        "AWS profile 'dev' does not exist, because {home} is a directory; check AWS_CONFIG_FILE"),
    Cause("not a byte order mark", lambda w: w.config("é = 1\n"),
        "line 1 of {home}/.aws/config precedes the first [section]; correct it"),
    Cause("no closing bracket", lambda w: w.config("[profile dev\n"),
        "the section in line 1 of {home}/.aws/config has no closing bracket; write ] at its end"),
    Cause("no closing bracket later", lambda w: w.config("[default]\n[profile dev\n"),
        "the section in line 2 of {home}/.aws/config has no closing bracket; write ] at its end"),
    Cause("[Profile dev]", lambda w: w.config("[Profile dev]\n").env(AWS_PROFILE="dev"),
        "AWS profile 'dev' does not exist: [Profile dev] in line 1 of {home}/.aws/config does not define it; "
        "write [profile dev]"),
    Cause("[profile dev] in the credentials file", lambda w: w.config("[profile dev]\n", "credentials").env(
        AWS_PROFILE="dev"),
        "AWS profile 'dev' does not exist: [profile dev] in line 1 of {home}/.aws/credentials does not "
        "define it; write [dev]"),
    Cause("only sso_session", lambda w: w.profile("sso_session = s", SSO_SESSION),
        f"{SECTION} uses SSO, but has no sso_account_id, sso_role_name; run: aws configure sso"),
    Cause("only sso_start_url and sso_region", lambda w: w.profile(
        "sso_start_url = https://example.invalid/start\nsso_region = us-east-1"),
        f"{SECTION} uses SSO, but has no sso_account_id, sso_role_name; run: aws configure sso"),
]  # fmt: skip

BODIES = [
    *(Cause(f"body {body[:20]!r}", reply(200, body), NO_JSON)
      for body in (b"", b"[]", b"null", b"5", b"[" * 100_000, b"\xff\xfe", b'{"authorizationData": [{',
                   b"\x1f\x8b\x08", b"<html>Please log in</html>")),
    *(Cause(f"body {body!r}", reply(200, body), OTHER_FORM)
      for body in (b'{"authorizationData": 5}', b'{"authorizationData": [5]}',
                   b'{"authorizationData": {"a": 5}}')),
    *(Cause(f"error body {body!r}", reply(400, body), OTHER_FORM)
      for body in (b"[1]", b'"x"', b'{"__type": 5}')),
    Cause("no authorizationData", lambda w: w.reply(Fault(200, b"{}")),
        "the API response has no authorizationData; try again; if it still fails, check AWS_ENDPOINT_URL and "
        "proxies"),
    Cause("not HTTP", lambda w: w.env(AWS_ENDPOINT_URL=f"http://{w.serve(b'SSH-2.0-OpenSSH')}"),
        "the response of 127.0.0.1 is not HTTP; "
        "check the scheme and the port of AWS_ENDPOINT_URL, and proxies"),
    Cause("an incomplete response", lambda w: w.env(
        AWS_ENDPOINT_URL=f"http://{w.serve(http(200, 'a-secret')[:-3])}"),
        "127.0.0.1 closed the connection before the end of its response; "
        "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Cause("an incomplete chunk", lambda w: w.env(AWS_ENDPOINT_URL="http://" + w.serve(
        b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n10\r\na-secret")),
        "127.0.0.1 closed the connection before the end of its response; "
        "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Cause("root user", lambda w: w.role(sts_error("AccessDenied",
        "Roles may not be assumed by root accounts.")),
        "the root user of an account cannot assume a role; use the credentials of an IAM user or of a role"),
    Cause("policy", lambda w: w.role(sts_error("MalformedPolicyDocument", "Syntax errors in policy.", 400)),
        "AWS does not accept the policy for AssumeRole (MalformedPolicyDocument); "
        "correct the session policy"),
    Cause("container expiration", lambda w: w.container(http(200, json.dumps({
        "AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "soon"}))),
        "the expiration of the AWS credentials is not a time; correct the source of the credentials"),
    Cause("container token with a line break", lambda w: w.container(http(200, json.dumps({
        "AccessKeyId": "a\nb", "SecretAccessKey": "b", "Token": "c", "Expiration": FUTURE}))),
        "the AWS credentials contain a line break, or another character that HTTP does not allow; "
        "correct them at their source"),
]  # fmt: skip

CAUSES = [*VALUES, *BODIES, *DENIALS, *RESPONSES, *SESSIONS, *MISSING, *CONFIGURATION, *ON_PATH, *NETWORK]


PYTHON_NAME = os.path.basename(sys.executable)


def error_of(rule: Rule = NO_RULE, seconds: float | None = None) -> str:
    assert REGISTRY
    with pytest.raises(CredentialHelperError) as caught:
        client.fetch(REGISTRY, time.time, rule, end=seconds and time.monotonic() + seconds)
    return str(caught.value)


def check(cause: Cause, world: World) -> None:
    cause.create(world)
    error = error_of()
    expected = cause.error.replace("{home}", world.home.as_posix()).replace("{python}", PYTHON_NAME)
    if os.name == "nt":  # Windows does not distinguish the case of variables.
        error = re.sub(r"\bhttps?_proxy\b", lambda name: name[0].upper(), error)
    assert error.replace(os.sep, "/") == f"{HOST}: {expected}"
    assert "a-secret" not in error


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_the_error_shows_the_cause(cause: Cause, world: World) -> None:
    check(cause, world)


@pytest.mark.skipif(os.name == "nt", reason="the programs are started as POSIX does")
@pytest.mark.parametrize("cause", NOT_WINDOWS, ids=lambda cause: cause.name)
def test_the_error_shows_why_a_credential_process_failed(cause: Cause, world: World) -> None:
    check(cause, world)


def test_no_error_ends_with_an_exception_and_only_temporary_ones_recommend_another_try() -> None:
    errors = [cause.error for cause in (*CAUSES, *NOT_WINDOWS)]
    assert len(errors) > 60
    assert [error for error in errors if re.search(r"\w(Error|Exception)\)?$", error)] == []
    temporary = (
        "HTTP status 5|throttled|without a response|reach the identity provider|MFA code|authorizationData"
        "|not a JSON object|before the end of its response"
    )
    assert [error for error in errors if "try again" in error and not re.search(temporary, error)] == []


def test_a_cache_of_sso_that_cannot_be_written(world: World) -> None:
    """Root can write everywhere, so the error is given here."""
    path = str(world.home / ".aws/sso/cache/1.json")
    assert REGISTRY
    found = explain(PermissionError(errno.EACCES, "", path), REGISTRY, "dev")
    assert found.reason == f"{path} cannot be read or written (Permission denied)"
    assert found.hint == "check the owner and the mode of the file"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("can't start new thread"), "no thread can be started"),
        (UnicodeDecodeError("utf-8", b"a-secret", 0, 1, ""), "is not valid (UnicodeDecodeError)"),
    ],
)
def test_a_file_without_mistakes_is_not_the_cause(error: Exception, words: str, world: World) -> None:
    world.web_identity().profile(world.keys).env(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f"{world.home}/none")
    assert REGISTRY
    assert words in str(explain(error, REGISTRY, "dev"))


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_empty_path_of_a_ca_bundle(name: str, world: World) -> None:
    """Older versions of botocore ignore it, so the error is given here."""
    world.env(**{name: ""})
    assert REGISTRY
    found = explain(InvalidConfigError(error_msg="Invalid CA bundle"), REGISTRY, "dev")
    assert found.reason == f"the value of {name} is not valid"
    assert found.hint == "write the path of a file, or remove it"


def test_a_session_with_other_providers_has_no_credentials() -> None:
    session = botocore.session.Session()
    session.register_component("credential_provider", CredentialResolver([]))
    assert REGISTRY
    with pytest.raises(NoCredentialsError, match="no AWS credentials found"):
        client.fetch(REGISTRY, time.time, session=session)


def test_a_credential_process_that_does_not_end_is_killed(world: World) -> None:
    world.process(
        f"import os, time\nopen({str(world.home / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    error = error_of(seconds=2)
    assert f"profile dev ({PYTHON_NAME}) did not end within " in error
    assert error.endswith("run it in a terminal to see what it waits for")
    if os.name != "nt":
        with pytest.raises(ProcessLookupError):
            os.kill(int((world.home / "pid").read_text()), 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the others have no /proc")
def test_the_children_of_a_credential_process_are_killed(world: World) -> None:
    pid = world.home / "pid"
    child = f"open({str(pid)!r}, 'w').write(str(__import__('os').getpid())); __import__('time').sleep(600)"
    world.process(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])")
    for seconds in (0.5, 2, 8, 32, 128):  # the first one in which the child starts on this machine
        assert "did not end within" in error_of(seconds=seconds)
        if pid.exists() and pid.read_text():
            break
    status = Path("/proc", pid.read_text(), "stat")
    until(lambda: not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("expiration", [None, "2099-01-01T00:00:00Z"])
def test_the_credentials_of_a_process_are_used(expiration: str | None, world: World) -> None:
    keys = {"AccessKeyId": world.api.access_key, "SecretAccessKey": world.api.secret_key, "Version": 1}
    output = json.dumps({**keys, **({"Expiration": expiration} if expiration else {})})
    world.process(f"import sys\nsys.stderr.write('x' * 200000)\nprint({output!r})")
    assert REGISTRY
    assert client.fetch(REGISTRY, time.time).token.username == "AWS"


def test_the_settings_can_have_the_wrong_bundle(world: World) -> None:
    world.tls(certificates.VALID)
    error = error_of(Rule(ca_bundle="/nonexistent.pem"))
    assert error.endswith("the CA bundle /nonexistent.pem does not exist; check ca_bundle in the settings")


def test_the_role_of_the_settings_is_shown(world: World) -> None:
    world.sts.faults.append(sts_error("ValidationError", f"{ROLE} is invalid", 400))
    assert f"the role's ARN {ROLE} is not valid; correct role_arn" in error_of(Rule(role_arn=ROLE))


SESSION = {"accessToken": "a", "expiresAt": FUTURE, "refreshToken": "r", "clientId": "c", "clientSecret": "s",
           "registrationExpiresAt": FUTURE}  # fmt: skip
LOGIN_KEYS = {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c", "accountId": "1",
              "expiresAt": FUTURE}  # fmt: skip
LOGIN = {"accessToken": LOGIN_KEYS, "refreshToken": "r", "clientId": "c", "dpopKey": "k"}
NOT_JSON = ("", "{", '{"accessToken', "null", "{}", "[]", '"x"', "1", "[" * 100_000, "{}" + " " * 2**20)
WRONG: tuple[object, ...] = (None, "", 5, [1], {}, "line\n", "a b", "\ud800", "é")
WRONG_TIMES = (
    None,
    5,
    "",
    "soon",
    "1e400",
    "2030-01-01",
    "0001-01-01T00:00:00+99:00",
    "2030-99-01T00:00:00Z",
)


def broken(entry: Mapping[str, object], *names: str) -> list[str]:
    """Return the texts of files in which one field of an entry has a wrong value."""
    values = {name: WRONG_TIMES if "expir" in name.lower() else WRONG for name in names}
    return [json.dumps({**entry, name: value}) for name in names for value in values[name]]


@pytest.mark.parametrize("content", [*NOT_JSON, *broken(SESSION, *SESSION)])
def test_a_broken_file_of_an_sso_session_counts_as_missing(content: str, world: World) -> None:
    world.sso(session_file=content)
    assert error_of() == f"{HOST}: {SSO_EXPIRED}"


@pytest.mark.parametrize("content", [
    *NOT_JSON,
    *broken(LOGIN, "accessToken", "refreshToken", "clientId"),
    *(json.dumps({**LOGIN, "accessToken": json.loads(keys)}) for keys in broken(LOGIN_KEYS, *LOGIN_KEYS)),
    json.dumps({**LOGIN, "dpopKey": 5}),
])  # fmt: skip
def test_a_broken_file_of_aws_login_counts_as_missing(content: str, world: World) -> None:
    world.profile(f"login_session = {USER}")
    cache = world.home / ".aws/login/cache"
    cache.mkdir(parents=True)
    (cache / f"{generate_login_cache_key(USER)}.json").write_text(content)
    expected = "the aws login session of profile dev is missing or has expired; run: aws login --profile dev"
    assert error_of() == f"{HOST}: {expected}"


CLI_KEYS = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": FUTURE}


def cached_role(world: World) -> Path:
    """Use a role, and return the file of the CLI's cache that has its credentials."""
    assert REGISTRY
    world.role()
    client.fetch(REGISTRY, time.time)
    (file,) = (world.home / ".aws/cli/cache").iterdir()
    return file


@pytest.mark.parametrize("content", [
    *NOT_JSON,
    '{"Credentials": {',
    '{"Credentials": {}}',
    *(json.dumps({"Credentials": json.loads(keys)}) for keys in broken(CLI_KEYS, *CLI_KEYS)),
    json.dumps({"Credentials": {**CLI_KEYS, "AccountId": 1}}),
])  # fmt: skip
def test_a_broken_file_of_the_cli_cache_counts_as_missing(content: str, world: World) -> None:
    assert REGISTRY
    cached_role(world).write_text(content)
    assert client.fetch(REGISTRY, time.time).token.username == "AWS"
    assert len(world.sts.calls) == 2


@systems.pipes
@pytest.mark.parametrize("create", [
    os.mkfifo if hasattr(os, "mkfifo") else os.mkdir,
    os.mkdir,
    lambda path: os.symlink("/dev/zero", path),
    lambda path: os.symlink(path, path),
])  # fmt: skip
def test_the_cli_cache_reads_no_pipes_and_devices(create: Callable[[Path], object], world: World) -> None:
    assert REGISTRY
    file = cached_role(world)
    file.unlink()
    create(file)
    assert client.fetch(REGISTRY, time.time).token.username == "AWS"
    assert len(world.sts.calls) == 2


WITHOUT_CRT = """
import sys, time
sys.modules["awscrt"] = None
from ecr_credhelper import registry
from ecr_credhelper.aws import client
try:
    client.fetch(registry.parse(sys.argv[1]), time.time)
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("pipx_metadata.json", "pipx inject docker-credential-ecr-py 'botocore[crt]'"),
        ("uv-receipt.toml", "uv tool install --with 'botocore[crt]' docker-credential-ecr-py"),
        ("", "{python} -m pip install 'botocore[crt]'"),
    ],
)
def test_the_hint_about_the_common_runtime_fits_the_installer(file: str, command: str, world: World) -> None:
    """Only an environment of its own shows how this copy was installed."""
    environment = world.home / "environment"
    venv.create(environment, symlinks=os.name != "nt")
    if file:
        (environment / file).touch()
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    world.profile(f"login_session = {USER}")
    packages = [str(Path(module.__file__ or "").parents[1]) for module in (ecr_credhelper, botocore)]
    output = output_of(
        [python, "-c", WITHOUT_CRT, HOST], env={**os.environ, "PYTHONPATH": os.pathsep.join(packages)}
    )
    reason = "the AWS credentials of profile dev need the AWS Common Runtime, which is not installed"
    assert output.strip() == f"{HOST}: {reason}; run: {command.format(python=python)}"
