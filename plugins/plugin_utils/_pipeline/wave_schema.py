# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The waves of a pipeline: every field. Data."""

from __future__ import annotations

from .._fields import LIST, Field
from .._organisation.schema import REGION_OF_LIST
from .approval_schema import APPROVAL
from .conditions_schema import ALARMS, ON_FAILURE_FIELD, WINDOW
from .parameters import parameters_field
from .wave_test_schema import TESTS

# The stages before the first wave.
SOURCE_STAGE, BUILD_STAGE, SYNC_STAGE = "Source", "Build", "SyncArtifacts"
STAGE_NAME = r"[A-Za-z0-9.@_-]{1,100}"


_ENVIRONMENTS = Field(
    name="environments",
    type=LIST,
    required=True,
    minimum=1,
    fix="List the hosts to deploy to",
    doc="What is released together.",
    fields=(
        Field(
            name="host",
            kind="a host",
            doc="A host of `deploy_accounts` that is not absent.",
        ),
        Field(
            name="group",
            kind="a group",
            doc="Instead of `host`: a group whose hosts are all in `deploy_accounts`."
            " [Groups](#groups).",
        ),
        Field(
            name="regions",
            type=LIST,
            minimum=1,
            item=REGION_OF_LIST,
            unique=("",),
            fix="List at least one region",
            kind="list of regions",
            default_words="all of each host's",
            doc="Where to deploy to.",
        ),
        parameters_field("They override those of the stacks."),
    ),
)
WAVES = Field(
    name="waves",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name",),
    fix="List what is released one after the other",
    doc="What is released one after the other.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=rf"(?!({SOURCE_STAGE}|{SYNC_STAGE})$){STAGE_NAME}",
            words=f"a name of 1 to 100 letters, digits and .@_- other than {SOURCE_STAGE} and {SYNC_STAGE}",
            kind="letters, digits, `.@_-`",
            doc="The wave, and its stage. Not `Source` or `SyncArtifacts`.",
        ),
        _ENVIRONMENTS,
        TESTS,
        APPROVAL,
        ON_FAILURE_FIELD,
        ALARMS,
        WINDOW,
    ),
)


__all__ = ("BUILD_STAGE", "SOURCE_STAGE", "STAGE_NAME", "SYNC_STAGE", "WAVES")
