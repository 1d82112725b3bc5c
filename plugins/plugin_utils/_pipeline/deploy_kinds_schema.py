# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and images that a pipeline deploys: every field. Data."""

from __future__ import annotations

from .._fields import FLAG, LIST, NUMBER, Field
from .deploy_kinds import IMAGES_FILE
from .parameters import variables_problem
from .paths import path_field

_NAME = Field(
    name="name",
    required=True,
    pattern=r"[A-Za-z0-9_-]{1,40}",
    words="1 to 40 letters, digits, - and _",
    doc="Its name in the pipeline.",
)
_ARTIFACT = Field(name="artifact", required=True, kind="an artifact", doc="What is deployed.")
_MOST_MINUTES = 60  # CodePipeline's own timeout of an ECS deployment

S3 = Field(
    name="s3",
    type=LIST,
    unique=("name",),
    doc="Artifacts that go [into a bucket](releases.md#files-to-s3) of every environment, after its"
    " stacks.",
    fields=(
        _NAME,
        _ARTIFACT,
        Field(
            name="bucket",
            required=True,
            pattern=r"(?:[a-z0-9.-]|\{host\}|\{region\})+",
            words="the name of a bucket, which may hold {host} and {region}",
            longest=63,
            kind="bucket",
            doc="The bucket, with `{host}` and `{region}` for where it is deployed.",
        ),
        Field(
            name="extract",
            type=FLAG,
            default=True,
            doc="Whether the files in the artifact are deployed, or the artifact as it is.",
        ),
        path_field("key", "The folder of the files; the object without `extract`."),
        Field(
            name="cache_control",
            longest=200,
            check=variables_problem,
            doc="The `Cache-Control` of the files.",
        ),
    ),
)
ECS = Field(
    name="ecs",
    type=LIST,
    unique=("name",),
    doc="Images that [a service](releases.md#images-to-ecs) of every environment runs, after its"
    " stacks.",
    fields=(
        _NAME,
        _ARTIFACT,
        Field(
            name="cluster",
            required=True,
            pattern=r"[A-Za-z0-9_-]{1,255}",
            words="the name of a cluster",
            doc="The cluster.",
        ),
        Field(
            name="service",
            required=True,
            pattern=r"[A-Za-z0-9_-]{1,255}",
            words="the name of a service",
            doc="The service, which exists.",
        ),
        path_field("file", "The image definitions in the artifact.", default=IMAGES_FILE),
        Field(
            name="timeout_minutes",
            type=NUMBER,
            minimum=1,
            maximum=_MOST_MINUTES,
            default_words="60",
            doc="How long the service may take.",
        ),
    ),
)

__all__ = ("ECS", "S3")
