"""A release key of the app, or one that exists: it gets its signers, and nobody else may sign."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from bedrock_rft import ReleaseKey
from tests.constructs_.conftest import errors

ARN = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def signer(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Signer", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def signing_key(stack: Stack, construct_id: str) -> kms.Key:
    return kms.Key(stack, construct_id, key_spec=kms.KeySpec.ECC_NIST_P256, key_usage=kms.KeyUsage.SIGN_VERIFY)


def test_a_key_of_the_app_gets_the_policy_of_a_made_one(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    found = []
    for own in (False, True):
        stack = new_stack()
        key = ReleaseKey.from_key(stack, "Rft", signing_key(stack, "Key")) if own else ReleaseKey(stack, "Key")
        signer = iam.Role(stack, "Signer", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        key.grant_sign(signer)
        built = build(stack)
        (name,) = built.of_type("AWS::KMS::Key")
        (allowed,) = built.statements("Signer")
        assert allowed.pop("Resource") == f"<{name}.Arn>"
        found.append((flat(built.properties("AWS::KMS::Key"))["KeyPolicy"], allowed))
    assert found[0] == found[1]
    assert found[0][0]["Statement"][1]["Sid"] == "SigningIsForPromotion"


def test_a_key_that_cannot_sign_so_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"got Test/Company, SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT, wanted .*P256"):
        ReleaseKey.from_key(stack, "Rft", kms.Key(stack, "Company"))


@pytest.mark.parametrize("exists", [False, True])
def test_an_alias_is_refused(stack: Stack, exists: bool) -> None:
    alias = (
        kms.Alias.from_alias_name(stack, "Company", "alias/company")
        if exists
        else kms.Alias(stack, "Company", alias_name="alias/company", target_key=signing_key(stack, "Key"))
    )
    with pytest.raises(ValueError, match="key: got the alias Test/Company, wanted the key itself"):
        ReleaseKey.from_key(stack, "Rft", alias)


def test_one_key_has_the_signers_of_one_environment(stack: Stack, signer: iam.Role) -> None:
    key = signing_key(stack, "Company")
    ReleaseKey.from_key(stack, "One", key).grant_sign(signer)
    with pytest.raises(ValueError, match=r"Test/Other: has signers already, wanted all of them in one call"):
        ReleaseKey.from_key(stack, "Other", key).grant_sign(signer)


def test_what_the_policy_of_an_existing_key_lacks_is_an_error(stack: Stack, signer: iam.Role) -> None:
    ReleaseKey.from_key(stack, "Rft", kms.Key.from_key_arn(stack, "Company", ARN)).grant_sign(signer)
    (text,) = errors(stack)
    assert text.startswith(f"add this statement to the policy of {ARN} and then set key_policy_managed_elsewhere=True")
    statement = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert (statement["Effect"], statement["Action"]) == ("Deny", "kms:Sign")


def test_an_existing_key_whose_policy_is_kept_elsewhere_is_silent(stack: Stack, signer: iam.Role) -> None:
    existing = kms.Key.from_key_arn(stack, "Company", ARN)
    key = ReleaseKey.from_key(stack, "Rft", existing, key_policy_managed_elsewhere=True)
    key.grant_sign(signer)
    with pytest.raises(ValueError, match="has signers already"):
        key.grant_sign(signer)
    assert errors(stack) == []


def test_who_only_verifies_needs_nothing_of_the_policy(stack: Stack, build: Callable[[Stack], Any]) -> None:
    verifier = iam.Role(stack, "Verifier", assumed_by=iam.AccountRootPrincipal())
    key = ReleaseKey.from_key(stack, "Rft", kms.Key.from_key_arn(stack, "Company", ARN))
    key.grant_verify(verifier)
    key.grant_describe(verifier)
    assert [(one["Action"], one["Resource"]) for one in build(stack).statements("Verifier")] == [
        (["kms:GetPublicKey", "kms:Verify"], ARN),
        ("kms:DescribeKey", ARN),
    ]
    assert errors(stack) == []
