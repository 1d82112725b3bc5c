# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator does with the temporary pipelines of a canary run, and with no others."""

from __future__ import annotations

from collections.abc import Iterator

from tests.policy.foundation import Foundation
from tests.policy.request import Denied, Request

_NAME = "crossaccount-prove-3f9a1c-1"
_WATCHED = ("StartPipelineExecution", "GetPipelineExecution", "ListActionExecutions")


def allowed_canaries(foundation: Foundation, role: str) -> Iterator[Request]:
    """Return what a canary run does beyond what a bootstrap does."""
    for action in _WATCHED:
        yield _on_pipeline(foundation, role, action, _NAME)
    yield _upload(foundation, role, _NAME)
    for bucket in _buckets(foundation):
        yield _list(role, bucket, "crossaccount-prove-")
        for action in ("DeleteObject", "DeleteObjectVersion"):
            yield _remove(role, f"{bucket}/crossaccount-prove-3/canary/a1b2c3", action)
    yield _remove(role, f"{_buckets(foundation)[0]}/templates/crossaccount-prove-0a.template")
    yield _read_key_policy(foundation, role, "CrossAccountPrimary")
    yield _read_key_policy(foundation, role, "CrossAccountRegional")
    for service in ("codeconnections", "codestar-connections"):
        yield _read_connection(foundation, role, service)
    yield Request(principal=role, action="codebuild:ListSourceCredentials", resource="*")


def denied_canaries(foundation: Foundation, role: str) -> Iterator[Denied]:
    """Return the same for another pipeline, and for other objects."""
    for action in _WATCHED:
        own = _on_pipeline(foundation, role, action, _NAME)
        other = _on_pipeline(foundation, role, action, "hello")
        yield Denied.of(f"the operator's {action} of a pipeline", own, resource=other.resource)
    own, other = _upload(foundation, role, _NAME), _upload(foundation, role, "hello")
    yield Denied.of("the operator uploads a build", own, resource=other.resource)
    bucket = _buckets(foundation)[0]
    everything = _list(role, bucket, "crossaccount-prove-")
    yield Denied.of("the operator lists builds", everything, context={"s3:prefix": "hello/"})
    for action in ("DeleteObject", "DeleteObjectVersion"):
        own = _remove(role, f"{bucket}/{_NAME}/canary.zip", action)
        build = f"{bucket}/hello/application.zip"
        yield Denied.of(f"the operator's {action} of a build", own, resource=build)
    policy = _read_key_policy(foundation, role, "CrossAccountPrimary")
    tag = {"aws:ResourceTag/crossaccount:stack": "Payments"}
    yield Denied.of("the operator reads the policy of another key", policy, context=tag)
    for service in ("codeconnections", "codestar-connections"):
        own = _read_connection(foundation, role, service)
        foreign = own.resource.replace(foundation.primary.account, "999999999999")
        yield Denied.of(f"the operator reads another account's {service}", own, resource=foreign)


def _read_key_policy(foundation: Foundation, role: str, stack: str) -> Request:
    return Request(
        principal=role,
        action="kms:GetKeyPolicy",
        resource=foundation.build_store.key_arn,
        context={"aws:ResourceTag/crossaccount:stack": stack},
    )


def _read_connection(foundation: Foundation, role: str, service: str) -> Request:
    primary = foundation.primary
    return Request(
        principal=role,
        action=f"{service}:GetConnection",
        resource=f"arn:aws:{service}:{primary.region}:{primary.account}:connection/one",
    )


def _on_pipeline(foundation: Foundation, role: str, action: str, name: str) -> Request:
    primary = foundation.primary
    return Request(
        principal=role,
        action=f"codepipeline:{action}",
        resource=f"arn:aws:codepipeline:{primary.region}:{primary.account}:{name}",
    )


def _upload(foundation: Foundation, role: str, name: str) -> Request:
    uploader = f"role/crossaccount/build/{name}-uploader"
    return Request(
        principal=role,
        action="sts:AssumeRole",
        resource=f"arn:aws:iam::{foundation.primary.account}:{uploader}",
    )


def _list(role: str, bucket: str, prefix: str) -> Request:
    return Request(
        principal=role,
        action="s3:ListBucketVersions",
        resource=bucket,
        context={"s3:prefix": prefix},
    )


def _remove(role: str, resource: str, action: str = "DeleteObjectVersion") -> Request:
    return Request(principal=role, action=f"s3:{action}", resource=resource)


def _buckets(foundation: Foundation) -> list[str]:
    """Return the build bucket, then the pipeline buckets."""
    stores = [foundation.build_store, *foundation.stores.values()]
    return list(dict.fromkeys(store.bucket_arn for store in stores))


__all__ = ("allowed_canaries", "denied_canaries")
