"""Explain why AWS denied a request.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import re

DENIAL = re.compile(
    r"User: (?P<caller>arn:[\w+=,.@:/-]+) is not authorized to perform: (?P<action>[\w:-]+)"
    r"(?: on resource: (?P<resource>\*|arn:[\w+=,.@:/*-]+))?"
    r"(?P<because> because no (?P<missing>[\w -]+?) allows the [\w:-]+ action)?"
    r"(?P<explicit>.*?with an explicit deny(?: in an? (?P<denying>[\w -]+))?)?"
)

ORGANIZATION = "contact the administrator of the AWS organization"

MISSING = {
    "identity-based policy": "allow {action} in a policy of that identity",
    "resource-based policy": "allow that identity in the resource-based policy of {resource}",
    "VPC endpoint policy": "allow {action} in the policy of the VPC endpoint",
    "service control policy": ORGANIZATION,
    "resource control policy": ORGANIZATION,
    "permissions boundary": "allow {action} in the permissions boundary of that identity",
    "session policy": "allow {action} in the session policy of that role session",
}
"""Hints for a policy that does not allow the action, by AWS's name of the policy's type."""

TRUST = "allow that identity in the trust policy of {resource}"
ASSUME_ROLE = f"check that the role exists; allow {{action}} in a policy of that identity, and {TRUST}"
"""AWS does not show whether the policy of the identity or that of the role denies ``sts:AssumeRole``."""


def denial_of(message: str) -> tuple[str, str] | None:
    """Return the denial that a message of AWS describes, and what to do; None if it describes none."""
    found = DENIAL.search(message)
    if not found:
        return None
    action, resource = found["action"], found["resource"] or "this resource"
    denial = f"{found['caller']} is not authorized to perform {action} on {resource}"
    is_role = action.startswith("sts:AssumeRole")
    if found["explicit"]:
        policy = found["denying"] or "policy"
        article = "an" if policy.startswith("identity") else "a"
        denial += f" with an explicit deny in {article} {policy}"
        remedy = f"ask an administrator to remove the explicit deny from the {policy}"
        if policy in {"service control policy", "resource control policy"}:
            remedy = ORGANIZATION
    elif found["missing"]:
        denial += f" because no {found['missing']} allows the action"
        remedy = MISSING.get(found["missing"], "allow {action} there")
        if is_role and found["missing"] == "resource-based policy":
            remedy = TRUST
    else:
        remedy = ASSUME_ROLE if is_role else MISSING["identity-based policy"]
    return denial, remedy.format(action=action, resource=resource)
