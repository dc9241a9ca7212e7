"""One rule: which registries it fits, how specific it is, and whose identity it selects."""

from __future__ import annotations

import botocore.session
import pytest

from ecr_credhelper.registry import Registry
from ecr_credhelper.settings.rules import NO_RULE, IdentityOverride, Rule

ACCOUNT = "111122223333"
HOST = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
PRIVATE = Registry(HOST, "us-west-2", account=ACCOUNT)
PUBLIC = Registry("public.ecr.aws", "us-east-1", public=True)

FULL = Rule(
    HOST, profile="p", role_arn="r", role_session_name="s", external_id="e", duration=900, account=ACCOUNT,
    region="eu-west-1", endpoint_url="https://e", ca_bundle="/ca.pem", on_error="error",
)  # fmt: skip


def test_a_rule_without_fields_says_nothing() -> None:
    assert NO_RULE == Rule() == Rule("", "", "", "", "", 0, "", "", False, "", "", "")  # noqa: FBT003 - all fields
    assert NO_RULE.identity() == []


@pytest.mark.parametrize(
    ("pattern", "private", "public"),
    [
        ("public", False, True),
        (ACCOUNT, True, False),
        ("444455556666", False, False),
        (HOST, True, False),
        ("*.dkr.ecr.*.amazonaws.com", True, False),
        ("public.ecr.aws", False, True),
        ("*.ecr.aws", False, True),
        ("*.aws", False, False),
    ],
)
def test_a_pattern_is_a_host_an_account_or_public(pattern: str, private: bool, public: bool) -> None:
    assert (Rule(pattern).fits(PRIVATE), Rule(pattern).fits(PUBLIC)) == (private, public)


def test_patterns_have_an_order() -> None:
    patterns = ["public", ACCOUNT, "*.example.com", "*.*.example.com", "a*.*.example.com", "a.b", HOST]
    ranks = [Rule(pattern).rank() for pattern in patterns]
    assert ranks == sorted(ranks)
    assert ranks == [(0, 0), (1, 0), (2, 12), (2, 13), (2, 14), (3, 0), (3, 0)]


def test_the_identity_of_a_rule_selects_the_credentials_and_the_api() -> None:
    assert FULL.identity() == [
        ("rule.profile", "p"),
        ("rule.role_arn", "r"),
        ("rule.role_session_name", "s"),
        ("rule.external_id", "e"),
        ("rule.endpoint_url", "https://e"),
        ("rule.region", "eu-west-1"),
    ]


def test_every_field_is_part_of_the_identity_or_known_not_to_be() -> None:
    """Otherwise, a token of one identity could be served to another."""
    others = {"pattern", "duration", "account", "public", "ca_bundle", "on_error"}
    selecting = {name.removeprefix("rule.") for name, _ in FULL.identity()}
    assert set(Rule._fields) == others | selecting


def test_an_override_replaces_the_identity_and_nothing_else() -> None:
    kept = {
        name: getattr(FULL, name) for name in ("pattern", "account", "region", "endpoint_url", "ca_bundle")
    }
    session = botocore.session.Session()
    for override, profile, role in (
        (IdentityOverride(profile="q"), "q", ""),
        (IdentityOverride(role_arn="t"), "p", "t"),  # the role starts from where the settings start
        (IdentityOverride(profile="q", role_arn="t"), "q", "t"),
        (IdentityOverride(session=session), "", ""),
        (IdentityOverride(role_arn="t", session=session), "", "t"),
    ):
        rule = override.apply_to(FULL)
        assert override
        assert (rule.profile, rule.role_arn) == (profile, role)
        assert (rule.role_session_name, rule.external_id, rule.duration) == ("", "", 0)
        assert {name: getattr(rule, name) for name in kept} == kept


def test_an_override_that_says_nothing_changes_nothing() -> None:
    assert not IdentityOverride()
    assert IdentityOverride().apply_to(FULL) is FULL


@pytest.mark.parametrize(("pattern", "host"), [
    ("a.example.com", "a.example.com.evil.com"), ("a.example.com.eu", "a.example.com"), ("*.com", "a.com.b"),
])  # fmt: skip
def test_a_pattern_fits_no_host_with_more_or_fewer_labels(pattern: str, host: str) -> None:
    assert not Rule(pattern).fits(Registry(host))
