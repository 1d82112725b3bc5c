# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an execution shows of each path, and what of an account is the canary's."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.canary import Canary
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.clean import (
    is_deployed_stack,
    is_pipeline_stack,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import (
    FailedAction,
    Path,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.outcome import (
    may_pass,
    outcome_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.release import Execution
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.uploader import (
    uploaders_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

AWAY = Path(region="eu-west-1", host="production", account_id="444444444444")
HOME = Path(region="us-east-1", host="production", account_id="444444444444")
OTHER = Path(region="us-east-1", host="testing", account_id="333333333333")
CANARY = Canary(run="3f9a1c", number=1, paths=(AWAY, HOME, OTHER))
STACK = "crossaccount-prove-3f9a1c"


def failed(
    stage: str, action: str, *, provider: str = "CloudFormation", summary: str = "no"
) -> FailedAction:
    return FailedAction(
        pipeline=CANARY.name,
        stage=stage,
        action=action,
        provider=provider,
        region="us-east-1",
        role_arn="",
        code="",
        summary=summary,
        execution="",
    )


@pytest.mark.parametrize(
    ("stage", "action", "refused"),
    [
        ("Source", "canary", {AWAY, HOME, OTHER}),
        ("SyncArtifacts", "eu-west-1", {AWAY}),
        ("canary", f"production-us-east-1-{STACK}-prepare", {HOME}),
        ("canary", f"testing-us-east-1-{STACK}-execute", {OTHER}),
    ],
)
def test_a_failed_action_refuses_the_paths_that_need_it(
    stage: str, action: str, refused: set[Path]
) -> None:
    execution = Execution(status="Failed", done=frozenset(), failed=(failed(stage, action),))

    assert set(outcome_of(CANARY, execution).refused) == refused


def test_a_path_is_reached_by_its_execution_alone() -> None:
    done = {f"production-us-east-1-{STACK}-execute", f"testing-us-east-1-{STACK}-prepare"}
    execution = Execution(status="Failed", done=frozenset(done), failed=())

    assert outcome_of(CANARY, execution).reached == {HOME}


@pytest.mark.parametrize(
    ("action", "passes"),
    [
        (failed("Source", "canary", provider="S3"), True),
        (failed("canary", "x", summary="Rate exceeded"), True),
        (failed("canary", "x", summary="not authorized to perform: s3:GetObject"), False),
    ],
    ids=["new roles", "throttled", "denied"],
)
def test_only_what_may_pass_by_itself_is_tried_again(action: FailedAction, *, passes: bool) -> None:
    assert may_pass(action) is passes


@pytest.mark.parametrize(
    ("caller", "uploaders"),
    [
        (
            "arn:aws:sts::111111111111:assumed-role/Operator/me",
            (
                "arn:aws:iam::111111111111:role/Operator",
                "arn:aws:iam::111111111111:role/*/Operator",
            ),
        ),
        ("arn:aws:iam::111111111111:user/ops/me", ("arn:aws:iam::111111111111:user/ops/me",)),
    ],
)
def test_whoever_runs_it_uploads(caller: str, uploaders: tuple[str, ...]) -> None:
    assert uploaders_of(caller) == uploaders


def test_a_root_user_is_refused() -> None:
    with pytest.raises(PipelineError, match="can assume no role"):
        uploaders_of("arn:aws:iam::111111111111:root")


@pytest.mark.parametrize(
    ("name", "status", "tag", "is_ours"),
    [
        (STACK, "CREATE_COMPLETE", "3f9a1c", True),
        (STACK, "REVIEW_IN_PROGRESS", "", True),
        (STACK, "CREATE_COMPLETE", "", False),
        (STACK, "CREATE_COMPLETE", "abcdef", False),
        ("crossaccount-prove-mine", "CREATE_COMPLETE", "mine", False),
        (STACK, "DELETE_COMPLETE", "3f9a1c", False),
    ],
)
def test_a_stack_is_ours_by_name_and_tag(
    name: str, status: str, tag: str, *, is_ours: bool
) -> None:
    def found(name: str) -> Found:
        tags = {"crossaccount:prove": tag} if tag else {}
        return Found(stack_id=name, name=name, status=status, parameters={}, tags=tags, outputs={})

    assert is_deployed_stack(found(name)) is is_ours
    assert is_pipeline_stack(found(f"{name}-1-pipeline")) is is_ours
    assert not is_deployed_stack(found(f"{name}-1-pipeline"))
