# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source of type s3 adds: the role that uploads, and the rule that starts. Pure."""

from __future__ import annotations

import json

from .._pipeline.model import Pipeline
from .._pipeline.source import S3, Artifact, Source
from .foundation import Foundation
from .part import Data, Part
from .roles import attribute, make_role, sub, upload_builds
from .start import make_start_rule
from .starter import make_starter
from .uploader import trust_statements


def s3_source(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what uploads of artifacts that are built elsewhere need."""
    source = pipeline.source
    if source is None or source.type != S3:
        return Part()
    resources: Data = {}
    if source.trigger:
        resources |= _start(pipeline, source, source.trigger)
    if source.uploader is None:
        return Part(resources=resources)
    # The key admits no role outside /crossaccount/, so without this role not even an administrator
    # of the account could upload.
    resources["UploaderRole"] = make_role(
        "uploader",
        "Uploads the artifacts of ${PipelineName}",
        trust=trust_statements(source.uploader),
        policy="Upload",
        statements=upload_builds(),
    )
    return Part(
        resources=resources,
        outputs={
            "UploaderRoleArn": {
                "Description": "Role that uploads the artifacts",
                "Value": attribute("UploaderRole"),
            },
            "UploadLocation": {
                "Description": "Where artifacts are uploaded to",
                "Value": sub("s3://${BuildBucketName}/${PipelineName}/"),
            },
        },
    )


def _start(pipeline: Pipeline, source: Source, trigger: Artifact) -> Data:
    """Return what starts the pipeline when the object that is last is uploaded.

    The release takes the version of that upload: a later upload is the next release. With
    developers it is a function, which sends the artifacts too.
    """
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [{"Ref": "BuildBucketName"}]},
            "object": {"key": [f"{pipeline.name}/{trigger.object}"]},
        },
    }
    if pipeline.developers:
        return make_starter(pipeline, source, pattern)
    revision = {
        "actionName": trigger.name,
        "revisionType": "S3_OBJECT_VERSION_ID",
        "revisionValue": "<version>",
    }
    return make_start_rule(
        pattern,
        {
            "InputPathsMap": {"version": "$.detail.object.version-id"},
            "InputTemplate": json.dumps({"sourceRevisions": [revision]}),
        },
    )


__all__ = ("s3_source",)
