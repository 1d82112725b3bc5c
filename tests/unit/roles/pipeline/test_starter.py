# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: N803  # arguments as AWS has them

"""The starter: every build is released once, whole, or a newer one is; developers get it too."""

from __future__ import annotations

import copy
import importlib.util
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.service import FakeService, Refusal, refuse
from tools.environment import ROOT

ACCOUNT, DEVELOPER, OTHER = "111111111111", "777777777777", "888888888888"
BUILDS, RECEIVER, AWAY = "builds", "developer-builds", "other-builds"
QUEUE = "https://sqs.us-east-1.amazonaws.com/111111111111/hello-starter"
BUILD = "hello-release:00000000-0000-0000-0000-00000000000"
OBJECTS = {"application": "application.zip", "function": "code/function.zip"}
REGIONS = {BUILDS: "us-east-1", RECEIVER: "us-east-1", AWAY: "eu-west-1"}
OWNERS = {BUILDS: ACCOUNT, RECEIVER: DEVELOPER, AWAY: OTHER}


class Aws(FakeService):
    """CodeBuild, CodePipeline, S3 and SQS of one region, with what the others hold in common."""

    def __init__(self, region: str = "us-east-1", beside: Aws | None = None) -> None:
        super().__init__("codebuild", "codepipeline", "s3", "sqs", region=region)
        self.region = region
        self.builds: dict[str, dict[str, Any]] = beside.builds if beside else {}
        # What each object is a copy of, by bucket and key.
        self.objects: dict[tuple[str, str], str] = beside.objects if beside else {}
        self.executions: dict[str, dict[str, str]] = beside.executions if beside else {}
        self.copied: list[str] = beside.copied if beside else []
        self.failed: list[dict[str, Any]] = beside.failed if beside else []
        self.refuses: set[str] = beside.refuses if beside else set()

    def build(self, number: int, status: str = "SUCCEEDED", *, left: int = 2) -> dict[str, Any]:
        """Add a build, and what it leaves; the event of its end."""
        build_id = f"{BUILD}{number}"
        keys = {name: f"builds/hello/{build_id[-1]}/{name}.zip" for name in list(OBJECTS)[:left]}
        self.builds[build_id] = {
            "id": build_id,
            "projectName": "hello-release",
            "buildNumber": number,
            "buildStatus": status,
            "artifacts": {"location": f"arn:aws:s3:::{BUILDS}/{keys.pop('application')}"},
            "secondaryArtifacts": [
                {"artifactIdentifier": name, "location": f"arn:aws:s3:::{BUILDS}/{key}"}
                for name, key in keys.items()
            ],
        }
        arn = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/{build_id}"
        return {"source": "aws.codebuild", "detail": {"build-id": arn}}

    def _batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        return {"builds": [self.builds[build_id] for build_id in ids if build_id in self.builds]}

    def _list_builds_for_project(self, projectName: str, nextToken: str = "0") -> dict[str, Any]:
        assert projectName == "hello-release"
        newest_first = sorted(
            self.builds, key=lambda found: -int(self.builds[found]["buildNumber"])
        )
        # Two on a page.
        start = int(nextToken)
        page: dict[str, Any] = {"ids": newest_first[start : start + 2]}
        return page | ({"nextToken": str(start + 2)} if newest_first[start + 2 :] else {})

    def _start_pipeline_execution(
        self, name: str, clientRequestToken: str, sourceRevisions: list[dict[str, str]]
    ) -> dict[str, str]:
        assert name == "hello"
        revisions = {
            f"{revision['actionName']} {revision['revisionType']}": revision["revisionValue"]
            for revision in sourceRevisions
        }
        self.executions.setdefault(clientRequestToken, revisions)
        return {"pipelineExecutionId": clientRequestToken}

    def _head_bucket(self, Bucket: str) -> dict[str, Any]:
        headers = {"x-amz-bucket-region": REGIONS[Bucket]}
        return {"ResponseMetadata": {"HTTPHeaders": headers}}

    def _head_object(self, Bucket: str, Key: str, **request: str) -> dict[str, Any]:
        assert Bucket == BUILDS
        assert request.get("ExpectedBucketOwner", ACCOUNT) == ACCOUNT
        return {"VersionId": f"version of {Key}", "ContentLength": 10, "ETag": "tag"}

    def _copy_object(
        self,
        CopySource: str,
        Bucket: str,
        Key: str,
        ExpectedBucketOwner: str,
        TaggingDirective: str,
        **_checks: str,
    ) -> dict[str, Any]:
        assert self.region == REGIONS[Bucket]
        assert ExpectedBucketOwner == OWNERS[Bucket]
        assert TaggingDirective == "REPLACE"
        if f"{Bucket}/{Key}" in self.refuses:
            raise Refusal("AccessDenied", "refused by S3")
        self.objects[Bucket, Key] = CopySource
        self.copied.append(f"{Bucket}/{Key}")
        return {}

    def _send_message(
        self, QueueUrl: str, MessageBody: str, MessageAttributes: dict[str, Any]
    ) -> dict[str, Any]:
        assert QueueUrl == QUEUE
        message = MessageAttributes["ErrorMessage"]["StringValue"]
        self.failed.append({"event": json.loads(MessageBody), "message": message})
        return {}


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with the environment that the template gives to the function."""
    receivers = [
        {"account_id": DEVELOPER, "bucket": RECEIVER},
        {"account_id": OTHER, "bucket": AWAY},
    ]
    for name, value in {
        "PIPELINE": "hello",
        "BUILD_BUCKET": BUILDS,
        "BUCKET_OWNER": ACCOUNT,
        "ARTIFACTS": json.dumps(OBJECTS),
        "TRIGGER": "application",
        "RECEIVERS": json.dumps(receivers),
        "FAILED_QUEUE": QUEUE,
    }.items():
        monkeypatch.setenv(name, value)
    path = ROOT / "roles" / "pipeline" / "files" / "starter.py"
    spec = importlib.util.spec_from_file_location("starter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aws(code: Any, monkeypatch: pytest.MonkeyPatch) -> Aws:
    home = Aws()
    regions = {"us-east-1": home, "eu-west-1": Aws("eu-west-1", home)}

    def client(service: str, *, region_name: str | None = None, config: Any) -> Any:
        assert config.retries["mode"] == "standard"
        # One of its own, as the caller may register events.
        found = copy.copy(regions[region_name or "us-east-1"])
        FakeService.__init__(found, service, region=found.region)
        return found.clients[service]

    monkeypatch.setattr(code.boto3, "client", client)
    return home


def test_a_build_is_released_with_exactly_its_artifacts(code: Any, aws: Aws) -> None:
    code.handler(aws.build(1), None)

    assert aws.executions == {
        "00000000-0000-0000-0000-000000000001": {
            "application S3_OBJECT_KEY": "builds/hello/1/application.zip",
            "application S3_OBJECT_VERSION_ID": "version of builds/hello/1/application.zip",
            "function S3_OBJECT_KEY": "builds/hello/1/function.zip",
            "function S3_OBJECT_VERSION_ID": "version of builds/hello/1/function.zip",
        }
    }


def test_a_start_by_hand_releases_the_same_build(code: Any, aws: Aws) -> None:
    code.handler(aws.build(1), None)

    for name, item in OBJECTS.items():
        key = f"builds/hello/1/{name}.zip"
        source = f"{BUILDS}/{key}?versionId=version of {key}"
        assert aws.objects[BUILDS, f"hello/{item}"] == source


@pytest.mark.parametrize("later", range(2, 6))
def test_a_build_that_a_newer_one_has_overtaken_is_not_released(
    code: Any, aws: Aws, later: int
) -> None:
    event = aws.build(1)
    for number in range(2, 6):
        aws.build(number, "SUCCEEDED" if number == later else "FAILED")

    code.handler(event, None)

    assert aws.executions == {}
    assert aws.copied == []


def test_newer_builds_that_run_or_have_failed_do_not_count(code: Any, aws: Aws) -> None:
    event = aws.build(3)
    aws.build(1)
    aws.build(2)
    aws.build(4, "IN_PROGRESS")
    aws.build(5, "FAILED")

    code.handler(event, None)

    assert list(aws.executions) == ["00000000-0000-0000-0000-000000000003"]


def test_the_same_event_again_releases_nothing_more(code: Any, aws: Aws) -> None:
    event = aws.build(1)

    code.handler(event, None)
    code.handler(event, None)

    assert len(aws.executions) == 1


def test_a_build_of_before_is_where_a_start_by_hand_finds_it(code: Any, aws: Aws) -> None:
    event = aws.build(1)
    build = aws.builds[f"{BUILD}1"]
    build["artifacts"]["location"] = f"arn:aws:s3:::{BUILDS}/hello/application.zip"
    build["secondaryArtifacts"][0]["location"] = f"arn:aws:s3:::{BUILDS}/hello/code/function.zip"

    code.handler(event, None)

    [revisions] = aws.executions.values()
    assert revisions["application S3_OBJECT_KEY"] == "hello/application.zip"
    assert (BUILDS, "hello/application.zip") not in aws.objects


def test_a_build_without_all_artifacts_is_an_error(code: Any, aws: Aws) -> None:
    with pytest.raises(code.StartError, match="has not left function"):
        code.handler(aws.build(1, left=1), None)

    assert aws.executions == {}


def test_a_build_that_is_gone_is_an_error(code: Any, aws: Aws) -> None:
    event = aws.build(1)
    aws.builds.clear()

    with pytest.raises(code.StartError, match=f"no build {BUILD}1"):
        code.handler(event, None)


# Developers


def test_developers_get_every_artifact_and_the_trigger_last(code: Any, aws: Aws) -> None:
    code.handler(aws.build(1), None)

    sent = [item for item in aws.copied if not item.startswith(f"{BUILDS}/")]
    assert sent == [
        f"{RECEIVER}/hello/code/function.zip",
        f"{RECEIVER}/hello/application.zip",
        f"{AWAY}/hello/code/function.zip",
        f"{AWAY}/hello/application.zip",
    ]
    assert aws.failed == []


def test_the_trigger_is_withheld_when_a_copy_failed(code: Any, aws: Aws) -> None:
    aws.refuses.add(f"{RECEIVER}/hello/code/function.zip")
    event = aws.build(1)

    code.handler(event, None)

    assert (RECEIVER, "hello/application.zip") not in aws.objects
    # The others have theirs, and the queue the event.
    assert (AWAY, "hello/application.zip") in aws.objects
    [failed] = aws.failed
    assert failed["event"] == event
    assert failed["message"].startswith(f"not sent to {RECEIVER}: ")
    assert "AccessDenied" in failed["message"]


def upload(version: str = "version of hello/application.zip") -> dict[str, Any]:
    item = {"key": "hello/application.zip", "version-id": version}
    return {"source": "aws.s3", "detail": {"bucket": {"name": BUILDS}, "object": item}}


def test_an_upload_is_released_with_its_version_and_sent(code: Any, aws: Aws) -> None:
    code.handler(upload(), None)

    assert list(aws.executions.values()) == [
        {
            "application S3_OBJECT_VERSION_ID": "version of hello/application.zip",
            "function S3_OBJECT_VERSION_ID": "version of hello/code/function.zip",
        }
    ]
    assert aws.copied[:2] == [
        f"{RECEIVER}/hello/code/function.zip",
        f"{RECEIVER}/hello/application.zip",
    ]


def test_an_upload_that_a_newer_one_has_overtaken_is_released_and_not_sent(
    code: Any, aws: Aws
) -> None:
    code.handler(upload("an older version"), None)

    [revisions] = aws.executions.values()
    assert revisions["application S3_OBJECT_VERSION_ID"] == "an older version"
    assert aws.copied == []


def test_what_fails_before_anything_is_sent_is_an_error(
    code: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = aws.build(1)
    busy = refuse("ConflictException", "busy")
    monkeypatch.setattr(Aws, "_start_pipeline_execution", lambda *_self, **_request: busy())

    with pytest.raises(ClientError, match="busy"):
        code.handler(event, None)

    assert aws.copied == []
