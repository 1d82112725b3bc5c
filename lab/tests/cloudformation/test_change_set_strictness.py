# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change sets: what refuses them before their execution, and which changes they list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Hook, Lab
from lab.tests.stacks import TOPIC, Stacks, another, parameters, refused

NAMED = {
    "AWS::SNS::Topic": {"TopicName": "taken-early"},
    "AWS::S3::Bucket": {"BucketName": "taken-early"},
}
CONDITIONAL = json.dumps(
    {
        "Parameters": {"Second": {"Type": "String", "Default": "no"}},
        "Conditions": {"HasSecond": {"Fn::Equals": [{"Ref": "Second"}, "yes"]}},
        "Resources": {"First": TOPIC, "Second": {**TOPIC, "Condition": "HasSecond"}},
    }
)


def described(stacks: Stacks, change_set: Any) -> Any:
    return stacks.api.describe_change_set(ChangeSetName=change_set["Id"])


def changes(stacks: Stacks, change_set: Any) -> list[tuple[str, str]]:
    found = (change["ResourceChange"] for change in described(stacks, change_set)["Changes"])
    return [(change["Action"], change["LogicalResourceId"]) for change in found]


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_that_is_taken_fails_the_change_set(stacks: Stacks, kind: str) -> None:
    template = {"T": {"Type": kind, "Properties": NAMED[kind]}}
    stacks.create(template)
    second = another(stacks)
    change_set = second.change_set("early", "CREATE", template)
    found = described(second, change_set)
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in found["StatusReason"]
    answer = stacks.api.describe_events(
        ChangeSetName=change_set["Id"], Filters={"FailedEvents": True}
    )
    whole, event = answer["OperationEvents"]
    assert (whole["EventType"], whole["OperationStatus"]) == ("STACK_EVENT", "FAILED")
    assert event["EventType"] == "VALIDATION_ERROR"
    assert event["ValidationName"] == "NAME_CONFLICT_VALIDATION"
    assert (event["LogicalResourceId"], event["ResourceType"]) == ("T", kind)
    assert "with identifier 'taken-early' already exists" in event["ValidationStatusReason"]


def test_the_name_of_a_change_set_alone_names_none(stacks: Stacks) -> None:
    stacks.change_set("alone", "CREATE", {"T": TOPIC})
    assert "must be specified" in refused(lambda: stacks.api.describe_events(ChangeSetName="alone"))


def test_a_resource_whose_condition_is_false_is_no_change(stacks: Stacks) -> None:
    created = stacks.change_set("create", "CREATE", CONDITIONAL)
    assert changes(stacks, created) == [("Add", "First")]
    stacks.execute("create")
    more = stacks.change_set("more", "UPDATE", CONDITIONAL, Parameters=parameters(Second="yes"))
    assert changes(stacks, more) == [("Add", "Second")]
    stacks.execute("more")
    fewer = stacks.change_set("fewer", "UPDATE", CONDITIONAL, Parameters=parameters(Second="no"))
    assert changes(stacks, fewer) == [("Remove", "Second")]


def test_outputs_alone_are_changed_by_a_change_set_without_changes(stacks: Stacks) -> None:
    stacks.create({"T": TOPIC})
    template = {"Resources": {"T": TOPIC}, "Outputs": {"Version": {"Value": "2"}}}
    change_set = stacks.change_set("outputs", "UPDATE", json.dumps(template))
    found = described(stacks, change_set)
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert found["Changes"] == []
    assert stacks.execute("outputs") == "UPDATE_COMPLETE"
    [output] = stacks.describe()["Outputs"]
    assert (output["OutputKey"], output["OutputValue"]) == ("Version", "2")


def test_a_hook_fails_the_change_set(lab: Lab, stacks: Stacks) -> None:
    guard = Hook(
        type_name="Private::Guard::Rules",
        reason="Template failed validation",
        rule="TOPIC_ENCRYPTED",
        message="The topic has no key.",
        remediation="Set KmsMasterKeyId.",
    )
    lab.set_hooks([guard])
    change_set = stacks.change_set("hooked", "CREATE", {"T": TOPIC})
    found = described(stacks, change_set)
    assert found["Status"] == "FAILED"
    assert "hook(s) failed: [Private::Guard::Rules]" in found["StatusReason"]
    (summary,) = stacks.api.list_hook_results(TargetType="CHANGE_SET", TargetId=change_set["Id"])[
        "HookResults"
    ]
    assert (summary["Status"], summary["FailureMode"]) == ("HOOK_COMPLETE_FAILED", "FAIL")
    result = stacks.api.get_hook_result(HookResultId=summary["HookResultId"])
    assert [note["RemediationMessage"] for note in result["Annotations"]] == ["Set KmsMasterKeyId."]


def test_a_change_set_without_hooks_has_no_results(stacks: Stacks) -> None:
    change_set = stacks.change_set("free", "CREATE", {"T": TOPIC})
    with pytest.raises(ClientError, match="HookResultNotFound"):
        stacks.api.list_hook_results(TargetType="CHANGE_SET", TargetId=change_set["Id"])


def test_a_stored_parameter_shows_its_name_and_what_it_stood_for(lab: Lab, stacks: Stacks) -> None:
    ssm = lab.client("ssm", "222222222222")
    ssm.put_parameter(Name="/lab/display", Value="first & <one>", Type="String")
    template = json.dumps(
        {
            "Parameters": {
                "Display": {
                    "Type": "AWS::SSM::Parameter::Value<String>",
                    "Default": "/lab/display",
                }
            },
            "Resources": {"T": {**TOPIC, "Properties": {"DisplayName": {"Ref": "Display"}}}},
        }
    )
    stacks.create(template)
    ssm.put_parameter(Name="/lab/display", Value="second", Type="String", Overwrite=True)
    assert stacks.describe()["Parameters"] == [
        {
            "ParameterKey": "Display",
            "ParameterValue": "/lab/display",
            "ResolvedValue": "first & <one>",
        }
    ]
    assert changes(stacks, stacks.change_set("again", "UPDATE", template)) == [("Modify", "T")]
