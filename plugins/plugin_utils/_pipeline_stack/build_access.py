# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role of a build may do for each field of the build, and no more. Pure."""

from __future__ import annotations

from .._pipeline.build import S3_CACHE, Build, EcrImage, Variable, Vpc
from .part import Data
from .roles import allow, sub

_REGIONAL = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"


def build_statements(build: Build, project: str, cache: str) -> list[Data]:
    """Return what the role of the project ``project`` may do because of *build*.

    :param project: its name, with parameters of the template.
    :param cache: where its cache is in the pipeline bucket of the primary region.
    """
    image = build.ecr_image
    return [
        *(_pull(image) if image else []),
        *_parameters(build),
        *_secrets(build),
        *_keys(build),
        *(_network(build.vpc) if build.vpc else []),
        *(_cache(cache) if build.cache == S3_CACHE else []),
        *(_reports(project) if build.reports else []),
    ]


def _pull(image: EcrImage) -> list[Data]:
    repository = f"{image.region}:{image.account_id}:repository/{image.repository}"
    return [
        allow(
            "PullImage",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            sub(f"arn:${{AWS::Partition}}:ecr:{repository}"),
        ),
        # It takes no resource.
        allow("LogInToRegistry", "ecr:GetAuthorizationToken", "*"),
    ]


def _parameters(build: Build) -> list[Data]:
    names = sorted({item.parameter for item in build.environment.values() if item.parameter})
    arns = [sub(f"{_REGIONAL % 'ssm'}parameter/{name.lstrip('/')}") for name in names]
    return [allow("ReadParameters", "ssm:GetParameters", arns)] if arns else []


def _secrets(build: Build) -> list[Data]:
    names = {item.secret for item in build.environment.values() if item.secret}
    if build.registry_secret_arn:
        names.add(build.registry_secret_arn)
    arns = [_secret(name) for name in sorted(names)]
    return [allow("ReadSecrets", "secretsmanager:GetSecretValue", arns)] if arns else []


def _secret(name: str) -> str | Data:
    """Return the ARN of a secret; Secrets Manager adds a hyphen and six characters to its name."""
    if name.startswith("arn:"):
        return name
    return sub(f"{_REGIONAL % 'secretsmanager'}secret:{name}-??????")


def _keys(build: Build) -> list[Data]:
    """Return the use of the keys of parameters and secrets, by way of their services."""

    def of(service: str, variables: list[Variable]) -> list[Data]:
        arns = sorted({item.key_arn for item in variables if item.key_arn})
        if not arns:
            return []
        via = sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}")
        sid = {"ssm": "DecryptParameters", "secretsmanager": "DecryptSecrets"}[service]
        return [allow(sid, "kms:Decrypt", arns, StringEquals={"kms:ViaService": via})]

    found = list(build.environment.values())
    return [
        *of("ssm", [item for item in found if item.parameter]),
        *of("secretsmanager", [item for item in found if item.secret]),
    ]


def _network(vpc: Vpc) -> list[Data]:
    """Return what CodeBuild needs in a VPC.

    https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
    """
    ec2 = _REGIONAL % "ec2"
    subnets = [sub(f"{ec2}subnet/{name}") for name in vpc.subnet_ids]
    groups = [sub(f"{ec2}security-group/{name}") for name in vpc.security_group_ids]
    interfaces = sub(f"{ec2}network-interface/*")
    return [
        # They take no resource.
        allow(
            "SeeNetwork",
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "*",
        ),
        allow("JoinNetwork", "ec2:CreateNetworkInterface", [interfaces, *subnets, *groups]),
        allow(
            "LeaveNetwork",
            "ec2:DeleteNetworkInterface",
            interfaces,
            ArnEquals={"ec2:Subnet": subnets},
        ),
        allow(
            "AttachToBuild",
            "ec2:CreateNetworkInterfacePermission",
            interfaces,
            ArnEquals={"ec2:Subnet": subnets},
            StringEquals={"ec2:AuthorizedService": "codebuild.amazonaws.com"},
        ),
    ]


def _cache(cache: str) -> list[Data]:
    return [
        allow(
            "ReadAndWriteCache",
            ["s3:GetObject", "s3:PutObject"],
            sub(f"${{PipelineBucketArn}}/{cache}/*"),
        ),
        # With ListBucket, a missing cache gives "not found" instead of "access denied".
        allow(
            "FindCache",
            ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"],
            {"Ref": "PipelineBucketArn"},
        ),
    ]


def _reports(project: str) -> list[Data]:
    return [
        allow(
            "WriteReports",
            [
                "codebuild:BatchPutCodeCoverages",
                "codebuild:BatchPutTestCases",
                "codebuild:CreateReport",
                "codebuild:CreateReportGroup",
                "codebuild:UpdateReport",
            ],
            sub(f"{_REGIONAL % 'codebuild'}report-group/{project}-*"),
        )
    ]


__all__ = ("build_statements",)
