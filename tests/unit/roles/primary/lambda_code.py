# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads the Lambda code of the primary stack, and stands in for the services that it calls."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from s3transfer.manager import TransferManager

FILES = Path(__file__).parents[4] / "roles" / "primary" / "files"
# Lambda tells this region to the function.
HOME = "us-east-1"
OWNER = "111111111111"


def load(name: str) -> Any:
    """Return a fresh module of the code file, loaded alone, as Lambda loads it."""
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(code: str, operation: str, *, headers: dict[str, str] | None = None) -> ClientError:
    """Return an error as a client raises it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": f"{code} from S3"},
            "ResponseMetadata": {
                "HTTPHeaders": headers or {},
                "HTTPStatusCode": 403,
                "HostId": "",
                "RequestId": "",
                "RetryAttempts": 0,
            },
        },
        operation,
    )


@dataclass
class Bucket:
    """A bucket of the simulated S3.

    Args:
        region: Where it is.
        key: Its default KMS key, None for a bucket that encrypts with S3's own.
        owner: The account that it belongs to.
        objects: Size in bytes by object key.
        refuses: Operations that end in an error, with the error's code.
    """

    region: str
    key: str | None = None
    owner: str = OWNER
    objects: dict[str, int] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Copy:
    """A copy that was made, with what was asked for."""

    region: str
    source: dict[str, str]
    bucket: str
    key: str
    arguments: dict[str, str]


class S3:
    """S3 of all regions: buckets, and the copies that were made."""

    def __init__(self, **buckets: Bucket) -> None:
        # Keywords cannot hold dashes, bucket names cannot hold underscores.
        self.buckets = {name.replace("_", "-"): bucket for name, bucket in buckets.items()}
        self.copies: list[Copy] = []

    def bucket(self, name: str, operation: str, *, owner: str | None = None) -> Bucket:
        """Return a bucket that the caller may use with the operation, if it is that owner's."""
        bucket = self.buckets.get(name)
        if bucket is None or (owner and owner != bucket.owner):
            raise refusal("AccessDenied", operation)
        if operation in bucket.refuses:
            headers = {"x-amz-bucket-region": bucket.region}
            raise refusal(bucket.refuses[operation], operation, headers=headers)
        return bucket


class S3Client:
    """What the Lambda code uses of a boto3 client of S3, bound to one region."""

    def __init__(self, s3: S3, region: str) -> None:
        self._s3 = s3
        self.region = region

    def get_bucket_location(self, **request: str) -> dict[str, Any]:
        """Answer as S3 does: nothing for us-east-1."""
        region = self._bucket(request, "GetBucketLocation").region
        return {"LocationConstraint": None if region == "us-east-1" else region}

    def head_bucket(self, **request: str) -> dict[str, Any]:
        """Answer with the bucket's region in a header."""
        region = self._s3.bucket(request["Bucket"], "HeadBucket").region
        return {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": region}}}

    def get_bucket_encryption(self, **request: str) -> dict[str, Any]:
        """Answer with the bucket's default encryption."""
        bucket = self._bucket(request, "GetBucketEncryption")
        assert self.region == bucket.region
        default = {"SSEAlgorithm": "aws:kms" if bucket.key else "AES256"}
        if bucket.key:
            default["KMSMasterKeyID"] = bucket.key
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        return {"ServerSideEncryptionConfiguration": {"Rules": rules}}

    def head_object(self, **request: str) -> dict[str, Any]:
        """Answer with the object's size."""
        objects = self._bucket(request, "HeadObject").objects
        if request["Key"] not in objects:
            raise refusal("404", "HeadObject")
        return {"ContentLength": objects[request["Key"]]}

    def _bucket(self, request: dict[str, str], operation: str) -> Bucket:
        owner = request.get("ExpectedBucketOwner")
        return self._s3.bucket(request["Bucket"], operation, owner=owner)

    def copy(self, **request: Any) -> None:
        """Copy as boto3's managed copy does: in parts, with a callback after each."""
        copied, bucket, key = request["CopySource"], request["Bucket"], request["Key"]
        arguments: dict[str, str] = request["ExtraArgs"]
        assert set(arguments) <= set(TransferManager.ALLOWED_COPY_ARGS)
        # A managed copy names the same owner when it looks at the source.
        owner = arguments.get("ExpectedBucketOwner")
        source = self._s3.bucket(copied["Bucket"], "GetObject", owner=owner)
        target = self._s3.bucket(bucket, "PutObject", owner=owner)
        assert request["SourceClient"].region == source.region
        assert self.region == target.region
        size = source.objects[copied["Key"]]
        for part in parts(size, request["Config"].multipart_chunksize):
            if "Callback" in request:
                request["Callback"](part)
        target.objects[key] = size
        self._s3.copies.append(Copy(self.region, copied, bucket, key, arguments))


def parts(size: int, chunk: int) -> list[int]:
    """Return the sizes of the parts that an object is copied in."""
    return [min(chunk, size - start) for start in range(0, max(size, 1), chunk)]


class CodePipeline:
    """The answers that a job got."""

    def __init__(self) -> None:
        self.successes: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        self.broken = False

    def put_job_success_result(self, **answer: Any) -> None:
        """Take a success."""
        if self.broken:
            raise refusal("ServiceUnavailable", "PutJobSuccessResult")
        self.successes.append(answer)

    def put_job_failure_result(self, **answer: Any) -> None:
        """Take a failure."""
        self.failures.append(answer)


class Clients:
    """Takes the place of boto3.client."""

    def __init__(self, s3: S3) -> None:
        self.s3 = s3
        self.codepipeline = CodePipeline()

    def __call__(self, service: str, *, region_name: str | None = None, config: Any) -> Any:
        """Return the stand-in for a service's client."""
        assert config.retries["mode"] == "standard"
        if service == "codepipeline":
            return self.codepipeline
        assert service == "s3"
        return S3Client(self.s3, region_name or HOME)


class Context:
    """The invocation's context: the time that is left at each look at the clock."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds) or [900.0]

    def get_remaining_time_in_millis(self) -> int:
        """Return the next time on the list; the last one stays."""
        seconds = self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]
        return int(seconds * 1000)
