# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How CodeBuild builds or tests. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

COMPUTE_TYPES = (
    "BUILD_GENERAL1_SMALL",
    "BUILD_GENERAL1_MEDIUM",
    "BUILD_GENERAL1_LARGE",
    "BUILD_GENERAL1_XLARGE",
    "BUILD_GENERAL1_2XLARGE",
)
X86_64, ARM64 = "x86_64", "arm64"
ARCHITECTURES = (X86_64, ARM64)
NO_CACHE, LOCAL, S3_CACHE = "none", "local", "s3"
CACHES = (NO_CACHE, LOCAL, S3_CACHE)

DEFAULT_BUILDSPEC = "buildspec.yml"
DEFAULT_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
DEFAULT_COMPUTE_TYPE = COMPUTE_TYPES[0]
DEFAULT_TIMEOUT = 60  # minutes, as CodeBuild's own
DEFAULT_RETENTION = 365  # days

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+/"
    r"(?P<repository>[\w./-]+?)(?:[:@].*)?"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of a build: a plain value, a parameter of SSM, a secret or an output.

    :param json_key: the key of the secret's JSON; the whole secret without it.
    :param key_arn: the KMS key of parameter or secret, unless AWS manages it.
    :param output: stack, output, host and region of what a test gets from a deployed stack.
    """

    value: str = ""
    parameter: str = ""
    secret: str = ""
    json_key: str = ""
    key_arn: str = ""
    output: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether everybody who reads the project sees its value."""
        return not (self.parameter or self.secret or self.output)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Variable:
        """Return the variable that ``as_dict`` of its pipeline wrote."""
        return cls(**{**data, "output": tuple(data.get("output") or ())})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vpc:
    """The network that builds run in."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class EcrImage:
    """The repository of an image in a private registry of ECR."""

    account_id: str
    region: str
    repository: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Build:
    """What runs, and where.

    :param buildspec: its path in the source, unless there are *commands*.
    :param architecture: of the machine; by the image's name without it.
    """

    buildspec: str = ""
    commands: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE
    registry_secret_arn: str = ""
    architecture: str = ""
    compute_type: str = DEFAULT_COMPUTE_TYPE
    privileged: bool = False
    timeout_minutes: int = DEFAULT_TIMEOUT
    environment: dict[str, Variable] = dataclasses.field(default_factory=dict)
    vpc: Vpc | None = None
    cache: str = NO_CACHE
    reports: bool = False
    managed_policy_arns: tuple[str, ...] = ()
    log_retention_days: int = DEFAULT_RETENTION

    @property
    def container_type(self) -> str:
        """The container type of the machine."""
        by_name = ARM64 if "aarch64" in self.image or "arm64" in self.image else X86_64
        is_arm = (self.architecture or by_name) == ARM64
        return "ARM_CONTAINER" if is_arm else "LINUX_CONTAINER"

    @property
    def ecr_image(self) -> EcrImage | None:
        """The repository of the image, if it is in a private registry of ECR."""
        match = _ECR.fullmatch(self.image)
        if match is None:
            return None
        return EcrImage(
            account_id=match["account"], region=match["region"], repository=match["repository"]
        )

    @property
    def for_pull_requests(self) -> Build:
        """The build of code that nobody has reviewed.

        It gets no secret, no network, no cache and no policy: its code may use whatever it gets.
        """
        plain = {name: item for name, item in self.environment.items() if item.is_plain}
        return dataclasses.replace(
            self, environment=plain, vpc=None, cache=NO_CACHE, managed_policy_arns=()
        )

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Build:
        """Return the build that ``as_dict`` of its pipeline wrote."""
        fields = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in data.items() if name in fields}
        if vpc := given.get("vpc"):
            given["vpc"] = Vpc(
                vpc_id=vpc["vpc_id"],
                subnet_ids=tuple(vpc["subnet_ids"]),
                security_group_ids=tuple(vpc["security_group_ids"]),
            )
        for name in ("commands", "managed_policy_arns"):
            given[name] = tuple(given.get(name) or ())
        variables = (given.get("environment") or {}).items()
        given["environment"] = {
            name: Variable.from_dict(item) for name, item in variables if item is not None
        }
        return cls(**given)


__all__ = (
    "ARCHITECTURES",
    "CACHES",
    "COMPUTE_TYPES",
    "DEFAULT_BUILDSPEC",
    "DEFAULT_COMPUTE_TYPE",
    "DEFAULT_IMAGE",
    "DEFAULT_RETENTION",
    "DEFAULT_TIMEOUT",
    "LOCAL",
    "NO_CACHE",
    "S3_CACHE",
    "Build",
    "EcrImage",
    "Variable",
    "Vpc",
)
