# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of one run, for ``-e``. Data."""

from __future__ import annotations

from .._fields import FLAG, LIST, Field
from .grants import READMIT_ACCOUNTS

ALLOW_REPLACEMENT = Field(
    name="allow_replacement",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="Lets a change set replace or remove keys, buckets and roles.",
)
ACCEPT_NEW_MEMBERS = Field(
    name="accept_new_members",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="Lets pipelines deploy to hosts that are new in a [group](pipelines.md#groups), in waves"
    " with an approval.",
)
PURGE_DATA = Field(
    name="purge_data",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="[Deletes](removal.md#purging-data) the buckets and keys of absent hosts for good.",
)
RESOURCES_TO_SKIP = Field(
    name="resources_to_skip",
    type=LIST,
    default=[],
    is_extra=True,
    item=Field(required=True),
    kind="list of logical ids",
    doc="Resources that a stopped rollback continues without.",
)

REMOVE_ACCESS = Field(
    name="remove_access",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="Lets access.yml remove all its stacks. Takes `confirm`.",
)

RUN = (
    ALLOW_REPLACEMENT,
    ACCEPT_NEW_MEMBERS,
    PURGE_DATA,
    RESOURCES_TO_SKIP,
    READMIT_ACCOUNTS,
    REMOVE_ACCESS,
    Field(name="confirm", doc="For a teardown, and for `remove_access`: the `organisation_name`."),
)

__all__ = (
    "ACCEPT_NEW_MEMBERS",
    "ALLOW_REPLACEMENT",
    "PURGE_DATA",
    "REMOVE_ACCESS",
    "RESOURCES_TO_SKIP",
    "RUN",
)
