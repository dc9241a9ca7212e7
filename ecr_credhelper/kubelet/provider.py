"""Get the login for the image of a request: as a service account with a role, or as the node.

The node's login is the one of ``get``, with the same cache. That of a service account is never on disk: the
kubelet keeps it for this service account until its ``cacheDuration`` has passed.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.errors import PROG, ConfigurationError
from ecr_credhelper.helper import prepare_for_botocore
from ecr_credhelper.kubelet.protocol import Request, format_response
from ecr_credhelper.token import WAIT_FOR_REFRESH

if TYPE_CHECKING:
    from ecr_credhelper.helper import Helper
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.loader import Settings
    from ecr_credhelper.settings.rules import Rule
    from ecr_credhelper.token import Token

DEADLINE = 50
"""Maximum duration of a request, in seconds: the kubelet gives up after 60.

https://github.com/kubernetes/kubernetes/blob/master/pkg/credentialprovider/plugin/plugin.go
"""

ROLE_ANNOTATION = "eks.amazonaws.com/ecr-role-arn"
ROLE_VARIABLE = "AWS_ECR_ROLE_ARN"
"""Where AWS's own provider looks for the role of a service account.

https://github.com/kubernetes/cloud-provider-aws/blob/master/cmd/ecr-credential-provider/main.go
"""


def provide(request: Request, helper: "Helper") -> str:
    """Return the response to a request; raise CredentialHelperError if there is a reason to report.

    Without a login, ``auth`` is null: the registry is not ECR, or a failure counts as not found, as it does
    for the public registry.
    """
    host = request.image.partition("/")[0]  # the kubelet looks for the login under this name
    token: Token | None = None
    if registry := helper.registry_of(host):
        settings = helper.settings()
        rule = settings.rule(registry)
        role = _role_of(request, rule, helper) if request.token else None
        if role is None:
            token = helper.find(host)[1]
        else:
            token = _fetch(registry, rule._replace(role_arn=role), request.token, helper, settings)
    if token is None:
        return format_response(request.api_version, 0, None)
    seconds = max(0, int(token.expires_at - helper.clock() - WAIT_FOR_REFRESH))
    return format_response(request.api_version, seconds, {host: token.pair})


def _role_of(request: Request, rule: "Rule", helper: "Helper") -> str | None:
    """Return the role of the service account, or None if no role is configured for it.

    An empty annotation is an error, as in AWS's provider, and not a service account without a role.
    """
    candidates = (
        (f"annotation {ROLE_ANNOTATION}", request.annotations.get(ROLE_ANNOTATION)),
        (ROLE_VARIABLE, helper.environ.get(ROLE_VARIABLE) or None),
        ("the settings", rule.role_arn or None),
    )
    source, role = next((candidate for candidate in candidates if candidate[1] is not None), ("", None))
    if role is None:
        helper.log("service account: no role, so the node is used")
        return None
    helper.log(f"service account: role {role} of {source}")
    from ecr_credhelper.settings.validation import problem_of

    if problem := problem_of("role_arn", role):
        raise ConfigurationError(source, problem, "correct it")
    return role


def _fetch(
    registry: "Registry", rule: "Rule", web_token: str, helper: "Helper", settings: "Settings"
) -> "Token":
    """Fetch a token with the role of a rule and the token of a service account, without any cache.

    botocore is imported within the deadline: that can take long on a node that has just started.
    """
    from ecr_credhelper.aws.progress import Progress
    from ecr_credhelper.fetch.deadline import deadline_of, run_with_deadline, timeout_error

    prepare_for_botocore()
    progress = Progress()
    deadline = deadline_of(settings, helper.deadline)

    def work() -> "Token":
        from ecr_credhelper.aws import client
        from ecr_credhelper.aws.web_identity import WebIdentity

        identity = WebIdentity(rule.role_arn, rule.role_session_name or PROG, web_token)
        return client.fetch(
            registry,
            helper.clock,
            rule,
            log=helper.log,
            progress=progress,
            open_session=identity.open_session,
        ).token

    return run_with_deadline(
        deadline,
        work,
        on_timeout=lambda: timeout_error(progress.stage, registry.host, deadline, progress.host),
    )
