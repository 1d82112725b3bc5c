# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The S3 deploy action of a pipeline, done with the action's role."""

from __future__ import annotations

import mimetypes

from .archives import content_of_input, open_input
from .work import Work


def deploy_files(work: Work) -> str:
    """Upload the artifact, or what is in it; a line about it. Raises ActionFailedError.

    AWS: asks for the bucket's location, versioning and ACL too, by the permissions that it lists.
    """
    given = work.configuration
    bucket, key = given["BucketName"], given.get("ObjectKey", "")
    s3, objects = work.client("s3"), work.objects()
    with objects.reporting("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}"):
        s3.get_bucket_location(Bucket=bucket)
    objects.keeps_versions(bucket)
    with objects.reporting("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}"):
        s3.get_bucket_acl(Bucket=bucket)
    if given["Extract"] == "false":
        files = {key: content_of_input(work)}
    else:
        with open_input(work) as archive:
            prefix = f"{key.rstrip('/')}/" if key else ""
            names = [name for name in archive.namelist() if not name.endswith("/")]
            files = {f"{prefix}{name}": archive.read(name) for name in names}
    headers = {
        name: given[field]
        for name, field in (("CacheControl", "CacheControl"), ("ACL", "CannedACL"))
        if field in given
    }
    if arn := given.get("KMSEncryptionKeyARN"):
        headers |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    for name, content in files.items():
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with objects.reporting("s3:PutObject", f"arn:aws:s3:::{bucket}/{name}"):
            s3.put_object(Bucket=bucket, Key=name, Body=content, ContentType=kind, **headers)
    work.run.external_id = bucket
    return "Deployment Succeeded"


__all__ = ("deploy_files",)
