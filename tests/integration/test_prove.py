# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary: every path gets an answer of its own, and nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove import divide
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.clean import (
    Cleaner,
    Removed,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.facts import Lookups
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import Proof

from lab import Lab, Rule, operator_policy
from lab.tests.iam.subject import actions_of, listed
from tests.integration.held import CODEPIPELINE, Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run, StackName
from tests.integration.proving import PREFIX, World, everything, statuses
from tests.integration.waiting import HANGS, survivors, wait_until

PROVE = "playbooks/prove.yml"


@pytest.fixture
def prove(playbook: Playbook, existing: None, tmp_path: Path) -> Callable[..., Run]:
    """Run the playbook, with its report in the test's own folder."""
    report = ("-e", f"prove_report_path={tmp_path / 'report'}")
    return lambda *arguments: playbook.run(*report, *arguments, playbook=PROVE)


def report_of(tmp_path: Path) -> Proof:
    text = (tmp_path / "report" / "prove-report.json").read_text(encoding="utf-8")
    found: Proof = json.loads(text)
    return found


# The run itself, in this process


@pytest.fixture
def world(lab: Lab, existing: None, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> World:
    """A bootstrapped organisation, with the operator's credentials in this process."""
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    return World(lab, inventory)


# The playbook


def test_every_path_is_proven_and_nothing_stays(
    lab: Lab,
    held: Held,
    inventory: Inventory,
    playbook: Playbook,
    prove: Callable[..., Run],
    installed_collections: Path,
    tmp_path: Path,
) -> None:
    """The preview is of the installed archive, by its full name and from an empty folder."""
    inventory.set("testing", state="quarantined")
    before = everything(lab, held)
    empty = tmp_path / "empty"
    empty.mkdir()

    preview = playbook.run(
        "--check",
        playbook="crossaccount.pipeline.prove",
        folder=empty,
        variables={"ANSIBLE_COLLECTIONS_PATH": str(installed_collections)},
    )
    assert list(empty.iterdir()) == []
    assert preview.code == 0, preview.output
    assert "4 paths by 1 temporary pipeline" in preview.output
    assert "4 paths to prove, 2 left out" in preview.output
    assert preview.writes == []

    run = prove()
    assert run.code == 0, run.output
    assert everything(lab, held) == before
    assert statuses(report_of(tmp_path)) == {
        ("development", "us-east-1"): "reached",
        ("production", "ap-southeast-2"): "reached",
        ("production", "eu-west-1"): "reached",
        ("production", "us-east-1"): "reached",
        ("testing", "eu-west-1"): "left_out",
        ("testing", "us-east-1"): "left_out",
    }


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="workers are found by their name")
def test_what_a_killed_run_left_is_removed(
    lab: Lab,
    held: Held,
    playbook: Playbook,
    prove: Callable[..., Run],
    mark: str,
    tmp_path: Path,
) -> None:
    before = everything(lab, held)
    # The run waits for an answer that never comes while the pipeline goes on.
    lab.set_faults([Rule(service="codepipeline", action="GetPipelineExecution", hang=True)])
    killed = playbook.start(
        "--limit",
        "development",
        playbook=PROVE,
        output=tmp_path / "output",
        name=mark,
    )
    wait_until(lambda: len(left(held)) == 2, "a pipeline and a stack that it deploys")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    for pid in survivors(mark):
        os.kill(pid, signal.SIGKILL)
    lab.set_faults([])
    lab.wait_for_events()
    assert len(left(held)) == 2

    _break(lab, "333333333333")
    following = prove("--limit", "testing,ap-southeast-2")

    assert following.code == 2, following.output
    assert everything(lab, held) == before
    assert statuses(report_of(tmp_path)) == {
        ("production", "ap-southeast-2"): "reached",
        ("testing", "eu-west-1"): "refused",
        ("testing", "us-east-1"): "refused",
    }


def test_clean_removes_what_is_left_and_proves_nothing(
    lab: Lab,
    held: Held,
    world: World,
    prove: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    before = everything(lab, held)
    with monkeypatch.context() as patch:
        _leave_everything(patch)
        world.prove("development")
    assert len(left(held)) == 2

    run = prove("--tags", "clean")

    assert run.code == 0, run.output
    assert everything(lab, held) == before
    assert not (tmp_path / "report").exists()


def _leave_everything(patch: pytest.MonkeyPatch) -> None:
    """Let runs remove nothing."""
    for part in ("pipelines", "stacks", "objects"):
        patch.setattr(Cleaner, part, lambda *_arguments: Removed())


def _break(lab: Lab, account: str) -> None:
    """Let nobody assume the role that pipelines deploy with."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    lab.client("iam", account).update_assume_role_policy(
        RoleName=CODEPIPELINE, PolicyDocument=policy
    )


def left(held: Held) -> list[StackName]:
    """The stacks of canaries that are complete."""
    return [
        name
        for name, stack in held.stacks().items()
        if name.name.startswith(PREFIX) and stack["StackStatus"] == "CREATE_COMPLETE"
    ]


def test_a_broken_account_hides_no_other(lab: Lab, held: Held, world: World) -> None:
    _break(lab, world.organisation.hosts["testing"].account_id)
    before = everything(lab, held)

    proof = world.prove()

    assert everything(lab, held) == before
    assert statuses(proof) == {
        (path["host"], path["region"]): "refused" if path["host"] == "testing" else "reached"
        for path in proof["paths"]
    }
    causes = [path["cause"] for path in proof["paths"] if path["cause"]]
    assert [cause["kind"] for cause in causes] == ["trust", "trust"]


def test_several_pipelines_prove_a_few_paths_each(
    lab: Lab, held: Held, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(divide, "MOST_PATHS", 2)
    before = everything(lab, held)

    proof = world.prove("production", "eu-west-1")

    assert proof["pipelines"] == 2
    assert "  pipeline 2 of 2 done: 4 reached" in world.progress
    assert everything(lab, held) == before
    assert statuses(proof) == {
        ("production", "ap-southeast-2"): "reached",
        ("production", "eu-west-1"): "reached",
        ("production", "us-east-1"): "reached",
        ("testing", "eu-west-1"): "reached",
    }


def test_a_stack_of_somebody_else_stays_whatever_its_name(
    lab: Lab, held: Held, world: World
) -> None:
    client = lab.client("cloudformation", world.organisation.hosts["development"].account_id)
    template = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    client.create_stack(StackName=f"{PREFIX}{World.RUN}", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=f"{PREFIX}{World.RUN}")
    before = everything(lab, held)

    removed = world.proving().clean()

    assert removed.stacks == ()
    assert everything(lab, held) == before


def test_each_permission_of_canaries_is_missed(
    lab: Lab, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _leave_everything(patch)
        world.prove("development")
    proving = world.proving()
    releases, cleaner = proving.prover(Lookups()).releases, proving.cleaner(["us-east-1"])
    (canary,) = world.plan("development").canaries
    patience = Patience(HANGS, report=print)

    def upload() -> None:
        releases.upload(canary, Patience(0.0, report=print))

    def release() -> None:
        releases.release(canary, patience)

    def remove() -> None:
        if problems := cleaner.objects().problems:
            raise PipelineError(problems[0])

    def look() -> None:
        for note in world.proving().look(world.plan("development")).notes:
            if note["kind"] == "unread":
                raise PipelineError(note["message"])

    # The lab has neither connections nor source credentials of CodeBuild.
    steps = {"sts": upload, "codepipeline": release, "s3": remove, "kms": look}
    policy = json.loads(operator_policy(lab.organisation, "operator-prove"))
    actions = [item for item in sorted(actions_of(policy)) if item.partition(":")[0] in steps]
    missed = []
    for action in actions:
        _put_policy(lab, policy, without=action)
        try:
            steps[action.partition(":")[0]]()
        except PipelineError as exc:
            missed += [action] if action in str(exc) else []

    assert missed == actions


def _put_policy(lab: Lab, policy: dict[str, Any], *, without: str) -> None:
    statements = [
        {**statement, "Action": actions}
        for statement in policy["Statement"]
        if (actions := [item for item in listed(statement["Action"]) if item != without])
    ]
    lab.client("iam", lab.organisation.build).put_role_policy(
        RoleName=lab.organisation.operator.operator_role,
        PolicyName="operator-prove",
        PolicyDocument=json.dumps({**policy, "Statement": statements}),
    )
