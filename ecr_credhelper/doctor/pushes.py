"""Check whether the AWS identity may push, without pushing anything.

AWS checks whether a caller is authorized before it checks the request. So each of the actions of a push is
called with a request that cannot succeed, and another error than a denial means that the action is allowed.
Only InitiateLayerUpload has no such request: it starts an upload in an existing repository and sends nothing.
"""

from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from ecr_credhelper.aws.client import make_client
from ecr_credhelper.aws.denials import denial_of
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.aws.sessions import profile_of
from ecr_credhelper.doctor import FAILURE, NOTE, OK, Finding
from ecr_credhelper.doctor.pulls import image_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context

DIGEST = f"sha256:{'0' * 64}"
UPLOAD = "00000000-0000-0000-0000-000000000000"
PART = {"partFirstByte": 0, "partLastByte": 0, "layerPartBlob": b"0"}

REQUESTS: dict[str, dict[str, Any]] = {
    "BatchCheckLayerAvailability": {"layerDigests": [DIGEST]},
    "InitiateLayerUpload": {},
    "UploadLayerPart": {"uploadId": UPLOAD, **PART},
    "CompleteLayerUpload": {"uploadId": UPLOAD, "layerDigests": [DIGEST]},
    "PutImage": {"imageManifest": "{}"},
}
"""The actions of a push in their order, each with a request that writes nothing.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
"""

ALLOWED = {
    "EmptyUploadException",
    "InvalidLayerException",
    "InvalidLayerPartException",
    "InvalidParameterException",
    "UploadNotFoundException",
}
"""Errors for these requests that show that the action is allowed."""

DENIED = {"AccessDenied", "AccessDeniedException"}


def push(context: "Context") -> "Iterator[Finding]":
    """Report which actions of a push are denied, if the user asked for it."""
    registry, session, image = context.registry, context.session, image_of(context.server)
    if not context.checks_push or registry is None or session is None or image is None:
        return
    if registry.public:
        yield Finding(NOTE, "not checked: this is the public registry")
        return
    if context.uses_stored_login:
        yield Finding(NOTE, "not checked: a stored docker login is used, whose identity is not known")
        return
    if context.lacks_repository:
        text = "the repository does not exist, and only a repository creation template lets a push create it"
        yield Finding(NOTE, f"not checked: {text}")
        return
    owner = {"registryId": registry.account} if registry.account else {}
    client = make_client(session, registry, context.rule)
    denials: dict[str, str] = {}
    for action, request in REQUESTS.items():
        try:
            getattr(client, xform_name(action))(**owner, repositoryName=image[1], **request)
        except Exception as error:  # noqa: BLE001 - explain() converts every exception
            response = error.response["Error"] if isinstance(error, ClientError) else {}
            if response.get("Code") in DENIED:
                denials[f"ecr:{action}"] = response.get("Message", "")
            elif response.get("Code") not in ALLOWED:
                raise explain(error, registry, profile_of(session), context.rule) from None
    if denials:
        yield _denied(denials)
    else:
        yield Finding(OK, f"the AWS identity may push to {image[1]}")


def _denied(denials: dict[str, str]) -> Finding:
    """Return the finding for denied actions, with AWS's own message for the first one if it is known."""
    (first, message), *_ = denials.items()
    actions = ", ".join(denials)
    denial, remedy = denial_of(message) or (f"this identity is not authorized to perform {first}", "")
    hint = remedy.replace(first, actions) or f"allow {actions} in a policy of that identity"
    hint += "; the policy of a repository in another account must allow it too"
    return Finding(FAILURE, f"denied: {denial.replace(first, actions, 1)}", hint)
