# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variable ``pipeline`` of a host: every field. Data."""

from __future__ import annotations

from .._fields import LIST, MAPPING, NUMBER, Field
from .._organisation.notifications import notifications_field
from .._organisation.schema import STACK_NAME, STACK_NAME_WORDS
from .build_schema import BUILD
from .deploy_kinds_schema import ECS, S3
from .developers import DEVELOPERS
from .model import (
    ARTIFACT_SYNCS,
    CAPABILITIES,
    DEFAULT_ACTIONS_PER_STAGE,
    EXECUTION_MODES,
    LAMBDA,
    QUEUED,
)
from .parameters import parameters_field
from .paths import placed_path_field
from .source_schema import SOURCE
from .wave_schema import WAVES

# The stacks

_STACKS = Field(
    name="stacks",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name",),
    fix="List the stacks to deploy",
    doc="The stacks that every environment gets.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=STACK_NAME,
            words=STACK_NAME_WORDS,
            kind="stack name",
            doc="The stack in the deploy accounts.",
        ),
        Field(
            name="artifact",
            required=True,
            kind="an artifact",
            doc="The artifact that its template is in.",
        ),
        placed_path_field(
            "template",
            "The template in the artifact; `{region}` and `{host}` stand for where it is deployed.",
            required=True,
        ),
        placed_path_field(
            "template_configuration",
            "A [template configuration file](https://docs.aws.amazon.com/AWSCloudFormation/latest/"
            "UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html) in the same artifact:"
            " parameters, tags, a stack policy. With `{region}` and `{host}` too.",
        ),
        parameters_field("They override the configuration file; 1,000 characters as JSON."),
        Field(
            name="capabilities",
            type=LIST,
            item=Field(required=True, choices=CAPABILITIES),
            unique=("",),
            doc="What its template may do, as CloudFormation asks.",
        ),
        Field(
            name="after",
            kind="a stack of this pipeline",
            doc="It is deployed after that stack; others are deployed together.",
        ),
    ),
)

PIPELINE = Field(
    name="pipeline",
    type=MAPPING,
    required=True,
    fields=(
        SOURCE,
        BUILD,
        _STACKS,
        S3,
        ECS,
        WAVES,
        DEVELOPERS,
        Field(
            name="artifact_sync",
            default=LAMBDA,
            choices=ARTIFACT_SYNCS,
            doc="Who copies artifacts to other regions: a stage with the SyncArtifacts function,"
            " or CodePipeline before each action.",
        ),
        Field(
            name="execution_mode",
            default=QUEUED,
            choices=EXECUTION_MODES,
            doc="A release that meets another waits, or replaces one that waits.",
        ),
        Field(
            name="max_actions_per_stage",
            type=NUMBER,
            default=DEFAULT_ACTIONS_PER_STAGE,
            minimum=2,
            maximum=100,
            doc="A wave with more actions is spread over several stages.",
        ),
        notifications_field(
            "Who hears of its releases: each field that is set replaces the organisation's"
            " [`notifications`](notifications.md)."
        ),
    ),
)

__all__ = ("PIPELINE",)
