# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CloudFormation needs of its caller for each resource type of our templates.

Source: the handlers' and tags' permissions in the public resource schemas. Those of properties that
no template of ours has are left out. A test holds this table against the schemas and the templates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Properties = Mapping[str, Any]

# An action alone is always needed; with a property, where that is given or changes; with
# +property, where it was not given; with -property, where something of it goes.
TABLE: dict[str, dict[str, tuple[str, ...]]] = {
    # Its schema has no handlers: these are the operations that create it.
    "AWS::CodeBuild::Project": {
        "create": (
            "codebuild:CreateProject",
            "iam:PassRole",
            "codebuild:CreateWebhook Triggers",
        ),
        "read": ("codebuild:BatchGetProjects",),
        "update": (
            "codebuild:UpdateProject",
            "iam:PassRole",
            "codebuild:CreateWebhook +Triggers",
            "codebuild:UpdateWebhook Triggers",
        ),
        "delete": ("codebuild:DeleteWebhook Triggers", "codebuild:DeleteProject"),
    },
    "AWS::CloudFormation::Stack": {
        "create": ("cloudformation:CreateStack", "iam:PassRole"),
        "read": (
            "cloudformation:DescribeStacks",
            "cloudformation:GetStackPolicy",
            "cloudformation:GetTemplate",
        ),
        "update": ("cloudformation:UpdateStack", "iam:PassRole"),
        "delete": ("cloudformation:DescribeStacks", "cloudformation:DeleteStack"),
    },
    "AWS::CodePipeline::Pipeline": {
        "create": (
            "iam:GetRole",
            "iam:PassRole",
            "codepipeline:CreatePipeline",
            "codepipeline:TagResource Tags",
            "codestar-connections:PassConnection",
        ),
        "read": (
            "codepipeline:GetPipeline",
            "codepipeline:ListTagsForResource",
            "codepipeline:GetPipelineState",
        ),
        "update": (
            "iam:GetRole",
            "iam:PassRole",
            "codepipeline:UpdatePipeline",
            "codepipeline:TagResource Tags",
            "codestar-connections:PassConnection",
            "codepipeline:UntagResource -Tags",
        ),
        "delete": ("codepipeline:GetPipeline", "codepipeline:DeletePipeline"),
    },
    "AWS::Events::Rule": {
        "create": (
            "events:PutRule",
            "events:PutTargets Targets",
            "iam:PassRole Targets",
            "events:TagResource Tags",
        ),
        "read": ("events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"),
        "update": (
            "events:PutRule",
            "events:PutTargets Targets",
            "iam:PassRole Targets",
            "events:RemoveTargets -Targets",
            "events:TagResource Tags",
            "events:UntagResource -Tags",
        ),
        "delete": (
            "events:DescribeRule",
            "events:ListTargetsByRule",
            "events:RemoveTargets Targets",
            "events:DeleteRule",
        ),
    },
    "AWS::IAM::ManagedPolicy": {
        "create": ("iam:CreatePolicy",),
        "read": ("iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy"),
        "update": (
            "iam:ListPolicyVersions",
            "iam:CreatePolicyVersion PolicyDocument",
            "iam:DeletePolicyVersion PolicyDocument",
        ),
        "delete": ("iam:ListPolicyVersions", "iam:DeletePolicyVersion", "iam:DeletePolicy"),
    },
    # Of roles only: the lab has no other use for it.
    "AWS::IAM::Policy": {
        "create": ("iam:PutRolePolicy Roles",),
        "update": ("iam:PutRolePolicy Roles", "iam:PutRolePolicy PolicyDocument"),
        "delete": ("iam:DeleteRolePolicy Roles",),
    },
    "AWS::IAM::Role": {
        "create": (
            "iam:CreateRole",
            "iam:PutRolePolicy Policies",
            "iam:AttachRolePolicy ManagedPolicyArns",
            "iam:TagRole Tags",
        ),
        "read": (
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:GetRolePolicy",
            "iam:ListRoleTags",
        ),
        "update": (
            "iam:UpdateRole Description",
            "iam:UpdateRoleDescription Description",
            "iam:UpdateAssumeRolePolicy AssumeRolePolicyDocument",
            "iam:AttachRolePolicy ManagedPolicyArns",
            "iam:DetachRolePolicy -ManagedPolicyArns",
            "iam:PutRolePolicy Policies",
            "iam:DeleteRolePolicy -Policies",
            "iam:PutRolePermissionsBoundary PermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary -PermissionsBoundary",
            "iam:TagRole Tags",
            "iam:UntagRole -Tags",
        ),
        "delete": (
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:DetachRolePolicy ManagedPolicyArns",
            "iam:DeleteRolePolicy Policies",
            "iam:DeleteRole",
        ),
    },
    "AWS::KMS::Alias": {
        "create": ("kms:CreateAlias",),
        "read": ("kms:ListAliases",),
        "update": ("kms:UpdateAlias",),
        "delete": ("kms:DeleteAlias",),
    },
    "AWS::KMS::Key": {
        "create": (
            "kms:CreateKey",
            "kms:PutKeyPolicy KeyPolicy",
            "kms:EnableKeyRotation EnableKeyRotation",
            "kms:TagResource Tags",
        ),
        "read": (
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
        ),
        "update": (
            "kms:PutKeyPolicy KeyPolicy",
            "kms:EnableKeyRotation EnableKeyRotation",
            "kms:DisableKeyRotation -EnableKeyRotation",
            "kms:EnableKey Enabled",
            "kms:UpdateKeyDescription Description",
            "kms:TagResource Tags",
            "kms:UntagResource -Tags",
        ),
        "delete": ("kms:DescribeKey", "kms:ScheduleKeyDeletion"),
    },
    "AWS::Lambda::Function": {
        "create": (
            "lambda:CreateFunction",
            "iam:PassRole",
            "lambda:PutFunctionConcurrency ReservedConcurrentExecutions",
            "lambda:TagResource Tags",
        ),
        "read": (
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionRecursionConfig",
            "lambda:GetFunctionScalingConfig",
            "lambda:GetRuntimeManagementConfig",
            "lambda:ListTags",
        ),
        "update": (
            "lambda:UpdateFunctionConfiguration",
            "iam:PassRole",
            "lambda:UpdateFunctionCode Code",
            "lambda:PutFunctionConcurrency ReservedConcurrentExecutions",
            "lambda:DeleteFunctionConcurrency -ReservedConcurrentExecutions",
            "lambda:TagResource Tags",
            "lambda:UntagResource -Tags",
        ),
        "delete": ("lambda:GetFunction", "lambda:DeleteFunction"),
    },
    # Its code is read where the layer is made.
    "AWS::Lambda::LayerVersion": {
        "create": ("lambda:PublishLayerVersion",),
        "read": ("lambda:GetLayerVersion",),
        "delete": ("lambda:GetLayerVersion", "lambda:DeleteLayerVersion"),
    },
    "AWS::Lambda::Permission": {
        "create": ("lambda:AddPermission",),
        "read": ("lambda:GetPolicy",),
        "update": (),
        "delete": ("lambda:RemovePermission",),
    },
    "AWS::Logs::LogGroup": {
        "create": (
            "logs:CreateLogGroup",
            "logs:PutRetentionPolicy RetentionInDays",
            "logs:TagResource Tags",
        ),
        "read": (
            "logs:DescribeLogGroups",
            "logs:ListTagsForResource",
            "logs:GetDataProtectionPolicy",
            "logs:DescribeIndexPolicies",
            "logs:DescribeResourcePolicies",
        ),
        "update": (
            "logs:PutRetentionPolicy RetentionInDays",
            "logs:DeleteRetentionPolicy -RetentionInDays",
            "logs:TagResource Tags",
            "logs:UntagResource -Tags",
        ),
        "delete": ("logs:DescribeLogGroups", "logs:DeleteLogGroup"),
    },
    "AWS::S3::Bucket": {
        "create": (
            "s3:CreateBucket",
            "s3:PutEncryptionConfiguration BucketEncryption",
            "s3:PutLifecycleConfiguration LifecycleConfiguration",
            "s3:PutBucketNotification NotificationConfiguration",
            "s3:PutBucketOwnershipControls OwnershipControls",
            "s3:PutBucketPublicAccessBlock PublicAccessBlockConfiguration",
            "s3:PutBucketVersioning VersioningConfiguration",
            "s3:PutBucketTagging Tags",
            "s3:TagResource Tags",
        ),
        "read": (
            "s3:GetAccelerateConfiguration",
            "s3:GetAnalyticsConfiguration",
            "s3:GetBucketAbac",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketMetadataTableConfiguration",
            "s3:GetBucketNotification",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            "s3:GetInventoryConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetMetricsConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListTagsForResource",
        ),
        "update": (
            "s3:PutEncryptionConfiguration BucketEncryption",
            "s3:PutLifecycleConfiguration LifecycleConfiguration",
            "s3:PutBucketNotification NotificationConfiguration",
            "s3:PutBucketOwnershipControls OwnershipControls",
            "s3:PutBucketPublicAccessBlock PublicAccessBlockConfiguration",
            "s3:PutBucketVersioning VersioningConfiguration",
            "s3:PutBucketTagging Tags",
            "s3:TagResource Tags",
            "s3:UntagResource -Tags",
        ),
        "delete": ("s3:ListBucket", "s3:DeleteBucket"),
    },
    "AWS::S3::BucketPolicy": {
        "create": ("s3:PutBucketPolicy",),
        "read": ("s3:GetBucketPolicy",),
        "update": ("s3:PutBucketPolicy",),
        "delete": ("s3:GetBucketPolicy", "s3:DeleteBucketPolicy"),
    },
    "AWS::SNS::Topic": {
        "create": ("sns:CreateTopic", "sns:TagResource Tags"),
        "read": (
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "sns:ListSubscriptionsByTopic",
            "sns:GetDataProtectionPolicy",
        ),
        "update": (
            "sns:SetTopicAttributes DisplayName",
            "sns:SetTopicAttributes KmsMasterKeyId",
            "sns:TagResource Tags",
            "sns:UntagResource -Tags",
        ),
        "delete": ("sns:GetTopicAttributes", "sns:DeleteTopic"),
    },
    "AWS::SNS::Subscription": {
        "create": ("sns:Subscribe",),
        "read": ("sns:GetSubscriptionAttributes",),
        "update": ("sns:SetSubscriptionAttributes",),
        "delete": ("sns:GetSubscriptionAttributes", "sns:Unsubscribe"),
    },
    "AWS::SNS::TopicPolicy": {
        "create": ("sns:SetTopicAttributes",),
        "read": (),
        "update": ("sns:SetTopicAttributes",),
        "delete": ("sns:SetTopicAttributes",),
    },
    "AWS::SQS::Queue": {
        "create": ("sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:TagQueue Tags"),
        "read": ("sqs:GetQueueAttributes", "sqs:ListQueueTags"),
        "update": (
            "sqs:SetQueueAttributes MessageRetentionPeriod",
            "sqs:TagQueue Tags",
            "sqs:UntagQueue -Tags",
        ),
        "delete": ("sqs:GetQueueAttributes", "sqs:DeleteQueue"),
    },
}


def needed(resource_type: str, operation: str, old: Properties, new: Properties) -> Iterator[str]:
    """The actions of one handler; creation and update end with reading."""
    table = TABLE.get(resource_type, {})
    for entry in table.get(operation, ()):
        action, _unused, condition = entry.partition(" ")
        if _applies(condition, old, new):
            yield action
    if operation in ("create", "update"):
        yield from table.get("read", ())


def _applies(condition: str, old: Properties, new: Properties) -> bool:
    name = condition.lstrip("+-")
    if not name:
        return True
    before, after = old.get(name), new.get(name)
    if condition.startswith("+"):
        return bool(after) and not before
    if condition.startswith("-"):
        return bool(_names(before) - _names(after))
    if not new:
        return bool(before)
    return bool(after) and before != after


def _names(value: Any) -> set[str]:
    """The members of a list by their names; a scalar that is set is one member."""
    if not isinstance(value, list):
        return {"it"} if value else set()
    return {
        next(str(item[key]) for key in ("Id", "Key", "PolicyName") if key in item)
        if isinstance(item, dict)
        else str(item)
        for item in value
    }


__all__ = ("TABLE", "needed")
