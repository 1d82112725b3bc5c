# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of AWS, read: the forms of the IAM user guide, and those that public reports show."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.refusal import (
    DISABLED,
    GONE,
    QUOTA,
    REGION,
    TIMEOUT,
    read_refusal,
)

SESSION = "arn:aws:sts::222222222222:assumed-role/CrossAccountCodePipeline/1564844186052"
ROLE = "arn:aws:iam::222222222222:role/CrossAccountCodePipeline"
PASSED = "arn:aws:iam::222222222222:role/CrossAccountCloudFormation"
PIPELINES = "arn:aws:iam::111111111111:role/crossaccount/pipeline/hello-pipeline"
KEY = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
@pytest.mark.parametrize(
    ("reason", "policy", "explicit"),
    [
        (
            "because no identity-based policy allows the s3:GetObject action",
            "identity-based",
            False,
        ),
        (
            "because no resource-based policy allows the s3:GetObject action",
            "resource-based",
            False,
        ),
        (
            "because no service control policy allows the s3:GetObject action",
            "service control",
            False,
        ),
        ("with an explicit deny in a service control policy", "service control", True),
        ("with an explicit deny in a resource control policy", "resource control", True),
        ("because no permissions boundary allows the s3:GetObject action", "permissions", False),
        ("with an explicit deny in a permissions boundary", "permissions", True),
        ("because no session policy allows the s3:GetObject action", "session", False),
        ("with an explicit deny in a VPC endpoint policy", "VPC endpoint", True),
        ("with an explicit deny in an identity-based policy", "identity-based", True),
    ],
)
def test_the_policy_that_refused_is_named(reason: str, policy: str, explicit: bool) -> None:
    """Every type of policy that the user guide lists is found, and whether it denied."""
    bucket = "arn:aws:s3:::bucket/hello/Source/abc"
    found = read_refusal(
        f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: {bucket} {reason}"
    )
    assert (found.principal, found.permission, found.resource) == (ROLE, "s3:GetObject", bucket)
    assert found.policy.startswith(policy)
    assert found.explicit is explicit


def test_a_policy_of_organizations_is_named_by_its_arn() -> None:
    """AWS adds the ARN of the policy; the resource may be missing."""
    arn = (
        "arn:aws:organizations::555555555555:policy/o-lab0000000/service_control_policy/p-12345678"
    )
    found = read_refusal(
        f"User: {SESSION} is not authorized to perform: cloudformation:CreateChangeSet"
        f" with an explicit deny in a service control policy: {arn}"
    )
    assert (found.policy_arn, found.resource) == (arn, None)


@pytest.mark.parametrize(
    ("message", "principal", "permission", "resource"),
    [
        # github.com/aws/aws-cdk/issues/1034
        (
            (
                f"User: {SESSION} is not authorized to perform: cloudformation:DescribeChangeSet on"
                " resource: arn:aws:cloudformation:eu-west-1:222222222222:stack/hello/*"
            ),
            ROLE,
            "cloudformation:DescribeChangeSet",
            "arn:aws:cloudformation:eu-west-1:222222222222:stack/hello/*",
        ),
        # github.com/aws/aws-cdk/issues/11353: making the pipeline already fails
        (
            (
                f"{PIPELINES} is not authorized to perform AssumeRole on role {ROLE} (Service:"
                " AWSCodePipeline; Status Code: 400; Error Code: InvalidStructureException)"
            ),
            PIPELINES,
            "sts:AssumeRole",
            ROLE,
        ),
        (
            f"CodePipeline is not authorized to perform AssumeRole on role {PIPELINES}",
            "CodePipeline",
            "sts:AssumeRole",
            PIPELINES,
        ),
        (
            (
                "The provided role cannot be assumed: 'Access denied when attempting to assume the role"
                f" '{ROLE}''"
            ),
            None,
            "sts:AssumeRole",
            ROLE,
        ),
        # The user guide: a trust policy names no resource
        (
            (
                f"User: {SESSION} is not authorized to perform: sts:AssumeRole because no role trust"
                " policy allows the sts:AssumeRole action"
            ),
            ROLE,
            "sts:AssumeRole",
            None,
        ),
        # CloudFormation, where its role does not trust it or does not exist
        (
            (
                f"Role {PASSED} is invalid or cannot be assumed (Service: AmazonCloudFormation; Status"
                " Code: 400; Error Code: ValidationError)"
            ),
            "cloudformation.amazonaws.com",
            "sts:AssumeRole",
            PASSED,
        ),
        # Actions that read an artifact name neither who nor what
        (
            (
                "Unable to access the artifact with Amazon S3 object key 'hello/BuildArtif/HTrbVK9'"
                " located in the Amazon S3 artifact bucket 'store-eu'. The provided role does not have"
                " sufficient permissions."
            ),
            None,
            "s3:GetObject",
            "arn:aws:s3:::store-eu/hello/BuildArtif/HTrbVK9",
        ),
        # S3 source actions, as the same message for CodeCommit in stackoverflow.com/q/57339498
        (
            (
                "The service role or action role doesn't have the permissions required to access the"
                " Amazon S3 bucket named builds. Update the IAM role permissions, and then try again."
            ),
            None,
            "s3:GetObject",
            "arn:aws:s3:::builds",
        ),
    ],
)
def test_other_messages_name_what_they_can(
    message: str, principal: str | None, permission: str | None, resource: str | None
) -> None:
    """Messages of services, each with the public report that shows it."""
    found = read_refusal(message)
    assert (found.principal, found.permission, found.resource) == (principal, permission, resource)


def test_kms_does_not_name_the_key_of_a_ciphertext() -> None:
    """The key's policy or its region: AWS does not distinguish them."""
    found = read_refusal(
        f"User: {SESSION} is not authorized to perform: kms:Decrypt on the resource associated with"
        " this ciphertext because the resource does not exist in this Region, no resource-based"
        " policies allow access, or a resource-based policy explicitly denies access"
    )
    assert (found.permission, found.resource, found.key) == ("kms:Decrypt", None, True)


@pytest.mark.parametrize(
    ("code", "message", "condition"),
    [
        ("KMS.DisabledException", f"{KEY} is disabled.", DISABLED),
        ("KMS.KMSInvalidStateException", f"{KEY} is pending deletion.", DISABLED),
        ("", f"Key '{KEY}' does not exist", GONE),
        ("", f"Function not found: {KEY.replace('kms', 'lambda')}", GONE),
        ("InvalidClientTokenId", "The security token included in the request is invalid", REGION),
        ("RegionDisabledException", "STS is not activated in this region for account:2", REGION),
        ("LimitExceededException", "", QUOTA),
        ("JobFailed", "The AWS Lambda function failed to return a result. Check it", TIMEOUT),
        ("JobFailed", "Stack hello is in ROLLBACK_COMPLETE", ""),
    ],
)
def test_what_is_no_denial_is_known_too(code: str, message: str, condition: str) -> None:
    """Disabled keys, regions that are off, quotas, and functions that do not answer."""
    assert read_refusal(message, code=code).condition == condition
