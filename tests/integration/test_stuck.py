# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks that were left in any state: the next ordinary run repairs them, or says what to decide.

A stack that holds a key or a bucket is never deleted to get past an error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from lab import Lab, ResourceRule
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook
from tests.integration.stacks import (
    ACCOUNT,
    BUCKET,
    DATA,
    KEY,
    NAME,
    REGION,
    SECOND_TOPIC,
    TOPIC,
    SmallStack,
    template,
)
from tests.integration.waiting import wait_until

ONE, TWO = template(), template(display_name="two")
DATA_ONE, DATA_TWO = template(DATA), template(DATA, display_name="two")
# What somebody else wanted, not we.
OTHER = template(display_name="other")


@pytest.fixture
def small(lab: Lab) -> Iterator[SmallStack]:
    """A stack that does not exist yet."""
    yield SmallStack(lab)
    lab.set_latency(0)
    lab.hold()
    lab.set_resource_faults([])


def fail(lab: Lab, operation: Any, logical_id: str, *, count: int | None = None) -> None:
    """Let a resource fail."""
    fail_all(lab, (operation, logical_id, count))


def fail_all(lab: Lab, *rules: tuple[Any, str, int | None]) -> None:
    """Let these resources fail."""
    lab.set_resource_faults(
        [
            ResourceRule(operation=operation, logical_id=logical_id, count=count)
            for operation, logical_id, count in rules
        ]
    )


# How a stack gets into a state that the next run repairs. Each leaves it there.


def create_failed(lab: Lab, small: SmallStack, body: str) -> None:
    """A creation that failed and was not rolled back."""
    fail(lab, "create", SECOND_TOPIC)
    small.create(body, OnFailure="DO_NOTHING")
    small.rests("CREATE_FAILED")


def rollback_complete(lab: Lab, small: SmallStack, body: str) -> None:
    """A creation that failed."""
    fail(lab, "create", SECOND_TOPIC)
    small.create(body)
    small.rests("ROLLBACK_COMPLETE")


def rollback_failed(lab: Lab, small: SmallStack, body: str) -> None:
    """A creation that failed and could not be undone."""
    fail_all(lab, ("create", SECOND_TOPIC, None), ("rollback", TOPIC, None))
    small.create(body)
    small.rests("ROLLBACK_FAILED")


def review_empty(lab: Lab, small: SmallStack, body: str) -> None:
    """A change set that was made and taken away again."""
    change_set = small.review(body)
    small.client.delete_change_set(ChangeSetName=change_set)
    assert small.status == "REVIEW_IN_PROGRESS"


def review_left_over(lab: Lab, small: SmallStack, body: str) -> None:
    """A run that was killed between making its change set and executing it."""
    small.review(body)
    assert small.status == "REVIEW_IN_PROGRESS"


def update_rollback_complete(lab: Lab, small: SmallStack, body: str) -> None:
    """An update that failed."""
    small.create(body)
    small.rests("CREATE_COMPLETE")
    fail(lab, "update", TOPIC)
    small.update(body.replace('"one"', '"other"'))
    small.rests("UPDATE_ROLLBACK_COMPLETE")


def update_rollback_failed(lab: Lab, small: SmallStack, body: str) -> None:
    """An update that failed and could not be undone."""
    small.create(body)
    small.rests("CREATE_COMPLETE")
    fail_all(lab, ("update", SECOND_TOPIC, None), ("rollback", TOPIC, None))
    small.update(changed_topics(body))
    small.rests("UPDATE_ROLLBACK_FAILED")


def update_failed(lab: Lab, small: SmallStack, body: str) -> None:
    """An update that failed and was told to stay as it is."""
    small.create(body)
    small.rests("CREATE_COMPLETE")
    fail(lab, "update", SECOND_TOPIC)
    small.update(changed_topics(body), DisableRollback=True)
    small.rests("UPDATE_FAILED")


def delete_failed(lab: Lab, small: SmallStack, body: str) -> None:
    """A deletion that failed."""
    small.create(body)
    small.rests("CREATE_COMPLETE")
    fail(lab, "delete", TOPIC)
    small.delete()
    small.rests("DELETE_FAILED")


def changed_topics(body: str) -> str:
    """The template with both topics changed, the first before the second."""
    return body.replace('"one"', '"other"').replace(
        f'"DependsOn": "{TOPIC}"', f'"DependsOn": "{TOPIC}", "Properties": {{"DisplayName": "x"}}'
    )


Stick = Callable[[Lab, SmallStack, str], None]


@pytest.mark.parametrize(
    "stick", [create_failed, rollback_complete], ids=lambda stick: stick.__name__
)
def test_a_stack_that_never_existed_properly_is_made_again(
    lab: Lab, small: SmallStack, stick: Stick
) -> None:
    """Talks to the lab, by the engine. Nothing of it is worth keeping: another takes its place."""
    stick(lab, small, OTHER)
    before = small.stack_id
    lab.set_resource_faults([])

    outcome = small.converge(ONE)

    assert outcome.operation == "create"
    assert small.stack_id != before
    small.check_is(ONE)
    assert not small.converge(ONE).changed


@pytest.mark.parametrize(
    "stick", [review_empty, review_left_over], ids=lambda stick: stick.__name__
)
def test_a_stack_in_review_is_made_as_we_want_it(lab: Lab, small: SmallStack, stick: Stick) -> None:
    """Talks to the lab, by the engine. The stack stays the same one, what was left in it goes."""
    stick(lab, small, OTHER)
    before = small.stack_id

    outcome = small.converge(ONE)

    assert outcome.operation == "create"
    assert small.stack_id == before
    small.check_is(ONE)
    assert small.operations() == ["CREATE", "REVIEW"]


@pytest.mark.parametrize(
    "stick", [review_empty, review_left_over], ids=lambda stick: stick.__name__
)
def test_check_mode_leaves_a_stack_in_review_as_it_was(
    lab: Lab, small: SmallStack, stick: Stick
) -> None:
    """Talks to the lab, by the engine. What another run left in it is not ours to take away."""
    stick(lab, small, OTHER)
    before = small.change_sets()

    outcome = small.converge(ONE, check_mode=True)

    assert outcome.operation == "create"
    assert small.status == "REVIEW_IN_PROGRESS"
    assert small.change_sets() == before


@pytest.mark.parametrize(
    ("stick", "operations"),
    [
        (update_rollback_complete, ["UPDATE", "UPDATE_ROLLBACK", "UPDATE", "CREATE"]),
        (
            update_rollback_failed,
            ["UPDATE", "UPDATE_ROLLBACK", "UPDATE_ROLLBACK", "UPDATE", "CREATE"],
        ),
        (update_failed, ["UPDATE", "UPDATE_ROLLBACK", "UPDATE", "CREATE"]),
    ],
    ids=["update_rollback_complete", "update_rollback_failed", "update_failed"],
)
def test_an_update_that_failed_is_taken_back_and_done_again(
    lab: Lab, small: SmallStack, stick: Stick, operations: list[str]
) -> None:
    """Talks to the lab, by the engine. The stack with its bucket and key stays the same one."""
    stick(lab, small, DATA_ONE)
    before = small.stack_id, small.resources()
    lab.set_resource_faults([])

    outcome = small.converge(DATA_TWO)

    assert outcome.operation == "update"
    assert (small.stack_id, small.resources()) == before
    small.check_is(DATA_TWO)
    cleaned = [one for one in small.operations() if not one.endswith("CLEANUP")]
    assert [one.removesuffix("_COMPLETE") for one in cleaned] == operations
    assert not small.converge(DATA_TWO).changed


@pytest.mark.parametrize(
    "stick", [update_rollback_failed, update_failed], ids=lambda stick: stick.__name__
)
def test_an_update_that_cannot_be_taken_back_is_tried_once_and_explained(
    lab: Lab, small: SmallStack, stick: Stick
) -> None:
    """Talks to the lab, by the engine. It names the resource that is in the way, and why.

    Once that is out of the way, the next run repairs it.
    """
    status = "UPDATE_ROLLBACK_FAILED"
    stick(lab, small, DATA_ONE)
    held = small.stack_id, small.resources()
    begun = len(small.operations())
    fail_all(lab, ("rollback", TOPIC, None))

    with pytest.raises(PipelineError) as refusal:
        small.converge(DATA_TWO)

    told = str(refusal.value)
    assert told.startswith(
        f"{NAME} is {status}. Its rollback failed at {TOPIC} (AWS::SNS::Topic): "
    )
    assert f"First failure: {SECOND_TOPIC} (AWS::SNS::Topic) UPDATE_FAILED: " in told
    assert f'-e \'{{"resources_to_skip": ["{TOPIC}"]}}\'' in told
    assert "fails this resource as requested" in told
    assert small.status == status
    assert len(small.operations()) <= begun + 2
    assert (small.stack_id, small.resources()) == held

    lab.set_resource_faults([])
    small.converge(DATA_TWO)
    small.check_is(DATA_TWO)
    assert small.stack_id == held[0]


@pytest.mark.parametrize(
    ("stick", "status", "told"),
    [
        (rollback_failed, "ROLLBACK_FAILED", "Its creation failed and could not be undone"),
        (delete_failed, "DELETE_FAILED", "Its deletion failed"),
    ],
    ids=["rollback_failed", "delete_failed"],
)
@pytest.mark.parametrize("body", [ONE, DATA_ONE], ids=["no_data", "data"])
def test_what_only_the_user_can_decide_is_told_and_left_alone(
    lab: Lab, small: SmallStack, stick: Stick, status: str, told: str, body: str
) -> None:
    """Talks to the lab, by the engine. Told again each time; after the user's decision it goes on.

    The user deletes the stack, keeping what it holds, as he was told.
    """
    stick(lab, small, body)
    events, resources = small.events(), small.resources()
    lab.set_resource_faults([])

    for _again in range(2):
        with pytest.raises(PipelineError) as refusal:
            small.converge(body)
        assert str(refusal.value).startswith(f"{NAME} is {status}")
        assert told in str(refusal.value)
        assert "then run again" in str(refusal.value)
        left = "Its rollback failed at" in str(refusal.value)
        assert left == (status == "ROLLBACK_FAILED")
        assert (small.events(), small.resources()) == (events, resources)
    with pytest.raises(PipelineError, match=status):
        small.converge(body, check_mode=True)

    small.delete()
    wait_until(lambda: not small.status, "it is deleted")
    small.converge(body)
    small.check_is(body)


@pytest.mark.parametrize(
    ("stick", "status"),
    [(create_failed, "CREATE_FAILED"), (rollback_complete, "ROLLBACK_COMPLETE")],
    ids=["create_failed", "rollback_complete"],
)
def test_a_stack_that_never_existed_properly_and_holds_data_is_left_to_the_user(
    lab: Lab, small: SmallStack, stick: Stick, status: str
) -> None:
    """Talks to the lab, by the engine. Its bucket and its key are named, and stay.

    After a rollback they are there because the template retains them.
    """
    retained = {name: {**part, "DeletionPolicy": "Retain"} for name, part in DATA.items()}
    body = template(retained)
    stick(lab, small, body)
    lab.set_resource_faults([])
    before = small.stack_id, small.events()

    with pytest.raises(PipelineError) as refusal:
        small.converge(body)

    assert f"{NAME} is {status} and holds" in str(refusal.value)
    for logical_id in (BUCKET, KEY):
        assert logical_id in str(refusal.value)
    assert (small.stack_id, small.events()) == before
    buckets = lab.client("s3", ACCOUNT, REGION).list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["small-data"]
    assert lab.client("kms", ACCOUNT, REGION).list_keys()["Keys"]


@pytest.mark.parametrize("status", ["IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])
def test_a_stack_that_something_was_imported_into_is_updated(
    lab: Lab, small: SmallStack, status: str
) -> None:
    """Talks to the lab, by the engine. An import leaves a stack like any other."""
    small.create(DATA_ONE)
    small.rests("CREATE_COMPLETE")
    before = small.stack_id, small.resources()
    lab.set_stack_status(ACCOUNT, REGION, NAME, status)

    assert small.converge(DATA_TWO).operation == "update"

    assert (small.stack_id, small.resources()) == before
    small.check_is(DATA_TWO)


def test_an_import_that_could_not_be_undone_is_left_to_the_user(
    lab: Lab, small: SmallStack
) -> None:
    """Talks to the lab, by the engine. Nothing is written; AWS's own reason is told."""
    small.create(DATA_ONE)
    small.rests("CREATE_COMPLETE")
    lab.set_stack_status(ACCOUNT, REGION, NAME, "IMPORT_ROLLBACK_FAILED", "The bucket is odd")
    events = small.events()

    with pytest.raises(PipelineError) as refusal:
        small.converge(DATA_TWO)

    assert "IMPORT_ROLLBACK_FAILED: The bucket is odd" in str(refusal.value)
    assert "repair it in the console" in str(refusal.value)
    assert small.events() == events


# Operations that somebody else began


def create(small: SmallStack) -> None:
    """Somebody creates it."""
    small.create(DATA_ONE)


def update(small: SmallStack) -> None:
    """Somebody updates it."""
    small.update(DATA_ONE.replace('"one"', '"other"'))


def delete(small: SmallStack) -> None:
    """Somebody deletes it."""
    small.delete()


@pytest.mark.parametrize(
    ("begin", "exists", "fails", "operation"),
    [
        (create, False, (), "update"),
        (create, False, [("create", SECOND_TOPIC, 1)], "create"),
        (update, True, (), "update"),
        (update, True, [("update", TOPIC, 1)], "update"),
        (update, True, [("update", TOPIC, 1), ("rollback", TOPIC, 1)], "update"),
        (delete, True, (), "create"),
    ],
    ids=[
        "create",
        "create_that_rolls_back",
        "update",
        "update_that_rolls_back",
        "update_whose_rollback_fails",
        "delete",
    ],
)
def test_an_operation_that_somebody_else_began_is_waited_for(
    lab: Lab,
    small: SmallStack,
    begin: Callable[[SmallStack], None],
    exists: bool,
    fails: list[tuple[Any, str, int | None]],
    operation: str,
) -> None:
    """Talks to the lab, by the engine. Whatever its end is, the run goes on from there."""
    if exists:
        small.create(DATA_ONE)
        small.rests("CREATE_COMPLETE")
    fail_all(lab, *fails)
    lab.hold("operation")
    begin(small)
    assert small.is_busy

    with released_once_seen(lab):
        outcome = small.converge(DATA_TWO)

    assert outcome.operation == operation
    small.check_is(DATA_TWO)


@contextmanager
def released_once_seen(lab: Lab) -> Iterator[None]:
    """Let what is held go on as soon as the engine has described the stack."""
    began = time.time()

    def release() -> None:
        wait_until(lambda: bool(lab.calls(began, root=True)), "the stack is described")
        lab.hold()

    thread = threading.Thread(target=release)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_an_operation_without_an_end_is_given_up_in_time_and_never_disturbed(
    lab: Lab, small: SmallStack, status: str
) -> None:
    """Talks to the lab, by the engine. The run gives up, naming the stack; a later one goes on."""
    small.create(DATA_ONE)
    small.rests("CREATE_COMPLETE")
    lab.set_stack_status(ACCOUNT, REGION, NAME, status)
    events = small.events()

    with pytest.raises(PipelineError) as refusal:
        small.converge(DATA_TWO, seconds=0.3)

    assert "gave up" in str(refusal.value)
    assert NAME in str(refusal.value)
    assert "run again" in str(refusal.value)
    assert (small.status, small.events()) == (status, events)
    assert small.change_sets() == []

    end = "UPDATE_ROLLBACK_COMPLETE" if "ROLLBACK" in status else "UPDATE_COMPLETE"
    timer = threading.Timer(0.3, lab.set_stack_status, (ACCOUNT, REGION, NAME, end))
    timer.start()
    assert small.converge(DATA_TWO).operation == "update"
    timer.join()
    small.check_is(DATA_TWO)


# The whole playbook


def test_regions_that_failed_in_every_way_and_the_next_run(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. One region rolls back, one cannot even do that; the primary goes on.

    The next run repairs the first and asks for a decision about the second, and about that alone.
    """
    first, second = inventory.regional
    build = inventory.build_account_id
    lab.set_resource_faults(
        [
            ResourceRule(operation="create", logical_id="PipelineBucketPolicy", account=build,
                         region=region)
            for region in (first, second)
        ]
        + [ResourceRule(operation="rollback", logical_id="Key", account=build, region=second)]
    )  # fmt: skip

    run = playbook.run()

    assert run.code == 2, run.output
    assert {first, second} <= run.failed
    assert "PipelineBucketPolicy (AWS::S3::BucketPolicy) CREATE_FAILED" in run.reason(first)
    assert held.status(held.foundation(first)) == "ROLLBACK_COMPLETE"
    assert held.status(held.foundation(second)) == "ROLLBACK_FAILED"

    lab.set_resource_faults([])
    keys = lab.client("kms", build, second).list_keys()["Keys"]
    run = playbook.run()
    assert run.code == 2, run.output
    assert run.results[first] == "created"
    assert run.results[second] == "FAILED"
    assert "Its creation failed and could not be undone" in run.reason(second)
    assert held.status(held.foundation(second)) == "ROLLBACK_FAILED"
    assert lab.client("kms", build, second).list_keys()["Keys"] == keys
    check_incomplete = {
        name for name, account in inventory.accounts.items() if second in account.regions
    }
    assert run.failed == {second, *check_incomplete}

    # The user's decision.
    client = lab.client("cloudformation", build, second)
    client.delete_stack(StackName=held.foundation(second).name)
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results[second] == "created"
    check_complete(held, inventory)


def test_updates_that_stopped_half_way_and_the_next_run(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The primary's update failed, and so did its way back.

    Afterwards every stack is the same one, with the same keys and buckets, and up to date.
    """
    before = {region: held.store(region) for region in inventory.regions}
    ids = {name: stack["StackId"] for name, stack in held.stacks().items()}
    lab.set_resource_faults(
        [
            ResourceRule(
                operation="update", logical_id="ApprovalTopic", stack="CrossAccountPrimary"
            ),
            ResourceRule(operation="rollback", stack="CrossAccountPrimary"),
        ]
    )
    inventory.set_group("all", stack_tags={"application": "pipelines"})
    run = playbook.run()
    assert run.code == 2, run.output
    assert run.results["build"] == "FAILED"
    assert "ApprovalTopic (AWS::SNS::Topic) UPDATE_FAILED" in run.reason("build")
    assert held.status(held.primary) == "UPDATE_ROLLBACK_FAILED"

    lab.set_resource_faults([])
    check = playbook.run("--check")
    assert check.code == 0, check.output
    assert check.results["build"] == "to repair"
    assert held.primary not in check.written

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results["build"] == "updated"
    check_complete(held, inventory)
    assert {region: held.store(region) for region in inventory.regions} == before
    assert {name: stack["StackId"] for name, stack in held.stacks().items()} == ids
    again = playbook.run()
    assert again.changed == set(), again.output


def test_a_deletion_by_hand_that_failed_is_told(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Somebody began to delete production's stack; the others go on."""
    account_id = inventory.accounts["production"].account_id
    lab.set_resource_faults(
        [ResourceRule(operation="delete", logical_id="CodePipelineRole", account=account_id)]
    )
    client = lab.client("cloudformation", account_id)
    client.delete_stack(StackName=held.deploy("production").name)
    wait_until(lambda: held.status(held.deploy("production")) != "DELETE_IN_PROGRESS", "it fails")
    assert held.status(held.deploy("production")) == "DELETE_FAILED"
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert "Its deletion failed" in run.reason("production")
    assert run.changed == {*inventory.regional, "build"}
    assert held.status(held.deploy("production")) == "DELETE_FAILED"

    lab.set_resource_faults([])
    client.delete_stack(StackName=held.deploy("production").name)
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results["production"] == "created"
    check_complete(held, inventory)
