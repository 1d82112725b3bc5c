# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build: every field. Data."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from .._fields import FLAG, LIST, MAPPING, NUMBER, Field, Reader
from .._organisation.account_schema import KEY_ARN
from .build import (
    ARCHITECTURES,
    CACHES,
    COMPUTE_TYPES,
    DEFAULT_BUILDSPEC,
    DEFAULT_COMPUTE_TYPE,
    DEFAULT_IMAGE,
    DEFAULT_RETENTION,
    DEFAULT_TIMEOUT,
    NO_CACHE,
)
from .outputs import GET_OUTPUT
from .paths import path_field

_STORED_NAME = r"[\w/+=.@-]{1,512}"
_STORED_ARN = rf"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:{_STORED_NAME}"
_POLICY_ARN = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+"
# CodeBuild's own, and the collection's.
_RESERVED = ("CODEBUILD_", "CROSSACCOUNT_")


def _image_problem(image: str) -> tuple[str, str] | None:
    """Return why CodeBuild would not run an image."""
    if _NOT_LINUX.match(image):
        return f"{image!r} does not run in a Linux container", "Use an image for Linux"
    return None


_NOT_LINUX = re.compile(r"aws/codebuild/(.*(windows|lambda|macos)|ami/)")


def _variable(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return a variable: plain text, or where its value is."""
    if not isinstance(value, Mapping):
        text = reader.scalar(Field(), value, where)
        return None if text is None else {"value": text}
    found = reader.mapping(VARIABLE, value, where)
    if found is None:
        return None
    if bool(value.get("parameter")) == bool(value.get("secret")):
        reader.problem(where, "names not exactly one of parameter and secret", "Name one")
    if value.get("json_key") and not value.get("secret"):
        reader.problem(f"{where}.json_key", "is for a secret", "Remove it")
    return found


def _variable_or_output(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return a variable of a test, which may be the output of a deployed stack."""
    if not isinstance(value, Mapping) or GET_OUTPUT not in value:
        return _variable(reader, value, where)
    output = value[GET_OUTPUT]
    is_text = isinstance(output, (list, tuple)) and all(isinstance(item, str) for item in output)
    if len(value) > 1 or not is_text or len(output) != _ARGUMENTS:
        reader.problem(
            where,
            f"{GET_OUTPUT} takes [stack, output, host, region] and nothing else",
            "Correct it",
        )
        return None
    return {"output": list(output)}


_ARGUMENTS = 4  # a test belongs to no environment, so it names host and region too
VARIABLE = Field(
    type=MAPPING,
    fields=(
        Field(
            name="parameter",
            pattern=r"[\w./-]{1,512}",
            words="the name of a parameter",
            kind="name",
            doc="A parameter of Systems Manager in the build account.",
        ),
        Field(
            name="secret",
            pattern=rf"{_STORED_ARN}|{_STORED_NAME}",
            words="the name or ARN of a secret",
            kind="name or ARN",
            doc="A secret of Secrets Manager.",
        ),
        Field(
            name="json_key",
            pattern=r"[\w.-]+",
            words="a key",
            kind="key",
            default_words="the whole secret",
            doc="The key whose value the variable gets, if the secret is JSON.",
        ),
        Field(
            name="key_arn",
            pattern=KEY_ARN,
            words="the ARN of a KMS key",
            kind="ARN",
            default_words="AWS's key",
            doc="The KMS key that encrypts it.",
        ),
    ),
)


def environment_field(*, takes_outputs: bool = False) -> Field:
    """Return the field of a build's variables.

    :param takes_outputs: whether they may be outputs of stacks, which are there during a release.
    """
    names = " and ".join(_RESERVED)
    more = f", or [outputs](builds.md#tests) (`{GET_OUTPUT}`)" if takes_outputs else ""
    return Field(
        name="environment",
        type=MAPPING,
        keys=Field(
            pattern=rf"(?!{'|'.join(_RESERVED)})[A-Za-z_][A-Za-z0-9_]*",
            words=f"the name of a variable ({names} are reserved)",
            fix="Rename it",
        ),
        item=Field(
            type=MAPPING,
            read=_variable_or_output if takes_outputs else _variable,
            json={"type": ["string", "integer", "boolean"]},
            fields=(*VARIABLE.fields, *((_OUTPUT,) if takes_outputs else ())),
        ),
        kind="name to text, or to a mapping",
        doc="Variables of the build: plain, which whoever reads the project sees, or"
        f" [parameters and secrets](builds.md#secrets){more}.",
    )


_OUTPUT = Field(name=GET_OUTPUT, type=LIST, item=Field(), doc="[stack, output, host, region]")


def _ids(name: str, prefix: str, most: int, doc: str) -> Field:
    return Field(
        name=name,
        type=LIST,
        required=True,
        minimum=1,
        maximum=most,
        unique=("",),
        item=Field(
            required=True, pattern=rf"{prefix}-[0-9a-f]+", words=f"an id such as {prefix}-0a1b"
        ),
        kind="list of ids",
        doc=doc,
    )


BUILD_FIELDS = (
    path_field(
        "buildspec",
        f"The build specification in the source; `{DEFAULT_BUILDSPEC}` unless there are `commands`.",
    ),
    Field(
        name="commands",
        type=LIST,
        item=Field(required=True),
        kind="list of shell commands",
        doc="What runs instead of a build specification. The first that fails ends the build.",
    ),
    Field(
        name="image",
        default=DEFAULT_IMAGE,
        pattern=r"[\w./:@-]+",
        words="an image",
        check=_image_problem,
        doc="The image of the builds, for Linux: CodeBuild's, a public one, or in a private registry of ECR.",
    ),
    Field(
        name="registry_secret_arn",
        pattern=_STORED_ARN,
        words="the ARN of a secret",
        kind="ARN",
        doc="The secret with the credentials of another private registry.",
    ),
    Field(
        name="architecture",
        choices=ARCHITECTURES,
        default_words="by the image's name",
        doc="The machine; with `aarch64` or `arm64` in the image's name, ARM.",
    ),
    Field(
        name="compute_type",
        default=DEFAULT_COMPUTE_TYPE,
        choices=COMPUTE_TYPES,
        kind="`BUILD_GENERAL1_*`",
        doc="The size of the machine.",
    ),
    Field(
        name="privileged",
        type=FLAG,
        doc="Docker works in the build, as root of its machine.",
    ),
    Field(
        name="timeout_minutes",
        type=NUMBER,
        default=DEFAULT_TIMEOUT,
        minimum=5,
        maximum=2160,
        doc="A build that takes longer fails.",
    ),
    environment_field(),
    Field(
        name="vpc",
        type=MAPPING,
        fields=(
            Field(
                name="vpc_id",
                required=True,
                pattern=r"vpc-[0-9a-f]+",
                words="the id of a VPC",
                kind="id",
                doc="The VPC.",
            ),
            _ids("subnet_ids", "subnet", 16, "Private subnets with a way to AWS and the internet."),
            _ids("security_group_ids", "sg", 5, "Security groups of the builds."),
        ),
        doc="The network of the builds.",
    ),
    Field(
        name="cache",
        default=NO_CACHE,
        choices=CACHES,
        doc="Files that builds reuse: on CodeBuild's machine, or in the pipeline bucket.",
    ),
    Field(
        name="reports",
        type=FLAG,
        doc="The `reports` of the build specification become report groups.",
    ),
    Field(
        name="managed_policy_arns",
        type=LIST,
        item=Field(required=True, pattern=_POLICY_ARN, words="the ARN of a policy"),
        unique=("",),
        maximum=10,
        kind="list of ARNs",
        doc="What builds may do in addition, within [limits](builds.md#limits).",
    ),
    Field(
        name="log_retention_days",
        type=NUMBER,
        default=DEFAULT_RETENTION,
        minimum=1,
        maximum=3653,
        doc="How long logs remain, as CloudWatch takes it.",
    ),
)
BUILD = Field(
    name="build",
    type=MAPPING,
    fields=BUILD_FIELDS,
    default_words=f"`{DEFAULT_BUILDSPEC}` of the source",
    doc="How artifacts are built from the source. Not for `s3`.",
)

__all__ = ("BUILD", "BUILD_FIELDS", "VARIABLE", "environment_field")
