# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds and tests may never do, whatever policies users give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.policy.foundation import Foundation
from tests.policy.release import Release
from tests.policy.request import Denied, Request

_REPORTS = (
    "BatchPutCodeCoverages",
    "BatchPutTestCases",
    "CreateReport",
    "CreateReportGroup",
    "UpdateReport",
)
_SEEN = ("GetBucketAcl", "GetBucketLocation", "GetEncryptionConfiguration", "ListBucket")


def allowed_builds(release: Release) -> list[Request]:
    """Return what the boundary leaves to policies of users."""
    return [
        request
        for role in release.bounded
        for request in (
            _anything(role, "s3:PutObject", "arn:aws:s3:::of-the-team/a.zip", release),
            *(_anything(role, f"s3:{name}", release.build_bucket_arn, release) for name in _SEEN),
        )
    ]


def allowed_tests(release: Release) -> list[Request]:
    """Return what tests with reports do in addition to reading artifacts and logging."""
    return [
        Request(
            principal=project["serviceRole"],
            action=f"codebuild:{name}",
            resource=f"{_report_groups(project)}/{project['name']}-junit",
        )
        for _action, project in _runs(release, "Test")
        for name in _REPORTS
    ]


def denied_tests(release: Release) -> Iterator[Denied]:
    """A test changes no artifact, and logs and reports under its own name."""
    name, home = release.pipeline["name"], release.stores[release.stack.region]
    for action, project in _runs(release, "Test"):
        role, test = project["serviceRole"], project["name"]
        [(_build, build)] = _runs(release, "Build")
        key = f"{name[:20]}/application/a"
        for twin in home.write(build["serviceRole"], key):
            yield Denied.of(f"{test} writes artifacts: {twin.action}", twin, principal=role)
        _read, decrypt = home.read(role, key)
        yield Denied.of(f"{test} uses the key itself", decrypt, context={"kms:ViaService": ""})
        group = project["logsConfig"]["cloudWatchLogs"]["groupName"]
        where = f"{release.stack.region}:{release.stack.account}"
        logs = f"arn:aws:logs:{where}:log-group"
        log = Request(
            principal=role,
            action="logs:PutLogEvents",
            resource=f"{logs}:{group}:log-stream:one",
        )
        other = f"{logs}:/aws/codebuild/{build['name']}:log-stream:one"
        yield Denied.of(f"{test} writes the log of a build", log, resource=other)
        report = Request(
            principal=role,
            action="codebuild:CreateReport",
            resource=f"{_report_groups(project)}/{test}-junit",
        )
        reports = f"{_report_groups(project)}/another-test-smoke-junit"
        yield Denied.of(f"{test} writes reports of another", report, resource=reports)
        yield Denied.of(f"{test} deletes its reports", report, action="codebuild:DeleteReport")
        start = Request(
            principal=action["roleArn"], action="codebuild:StartBuild", resource=project["arn"]
        )
        yield Denied.of(f"{test} starts itself", start, principal=role)


def _runs(release: Release, category: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the actions that build or test, each with its project."""
    projects = {project["name"]: project for project in release.projects()}
    return [
        (action, projects[action["configuration"]["ProjectName"]])
        for action in release.actions("CodeBuild", category)
    ]


def _report_groups(project: dict[str, Any]) -> str:
    head, _slash, _name = project["arn"].rpartition(":project/")
    return f"{head}:report-group"


def denied_builds(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Writing objects of others, changing roles of the foundation, passing roles."""
    name, account = release.pipeline["name"], release.stack.account
    for role in release.bounded:
        stores = (release.build_store, foundation.stores[foundation.primary.region])
        for store in stores:
            put = store.write(role, f"{name}/a.zip")[0].but(administrator=True)
            for key in ("another/a.zip", f"another/{name}/a.zip"):
                yield Denied.of(
                    f"{role} writes {key} of {store.bucket_arn}",
                    put,
                    resource=f"{store.bucket_arn}/{key}",
                )
            see = _anything(role, "s3:GetBucketLocation", store.bucket_arn, release)
            for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"):
                yield Denied.of(f"{role}: {action}", see, action=action)
        iam = f"arn:aws:iam::{account}"
        change = _anything(role, "iam:PutRolePolicy", f"{iam}:role/of-the-team", release)
        yield Denied.of(f"{role} changes itself", change, resource=role)
        yield Denied.of(f"{role} changes the pipeline's role", change, resource=release.role)
        yield Denied.of(f"{role} passes a role", change, action="iam:PassRole")
        version = _anything(role, "iam:CreatePolicyVersion", f"{iam}:policy/of-the-team", release)
        boundary = f"{iam}:policy/crossaccount/{name}-build"
        yield Denied.of(f"{role} changes its boundary", version, resource=boundary)


def _anything(role: str, action: str, resource: str, release: Release) -> Request:
    return Request(
        principal=role,
        action=action,
        resource=resource,
        account=release.stack.account,
        administrator=True,
    )


__all__ = ("allowed_builds", "allowed_tests", "denied_builds", "denied_tests")
