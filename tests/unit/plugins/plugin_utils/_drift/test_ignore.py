# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run found, put together; and what is known and set aside. Calls nothing."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import (
    Place,
    check_failed,
    outdated,
    unique_findings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    Ignore,
    apply_ignores,
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

Data = dict[str, Any]

TYPES = {"Role": "AWS::IAM::Role", "Topic": "AWS::SNS::Topic"}
TODAY = datetime.date(2026, 11, 24)
PLACE = Place(host="production", account_id="222222222222", region="us-east-1", stack="Deploy")


def difference(what: str, name: str, before: str | None, after: str | None) -> Data:
    kind = TYPES.get(name.removeprefix("Resources.").partition(".")[0], "")
    return {"what": what, "name": name, "resource_type": kind, "before": before, "after": after}


def finding(kind: str = "drifted", **more: Any) -> Data:
    return {
        "kind": kind,
        "host": "production",
        "account_id": "222222222222",
        "region": "us-east-1",
        "stack": "Deploy",
        "resource": "Role",
        "property": "Tags.team",
        "message": "differs",
        "ignored": None,
        **more,
    }


def entry(**more: Any) -> Data:
    return {"resource": "Role", "reason": "known", "until": "2026-12-31", **more}


# What differs from the inventory


@pytest.mark.parametrize(
    ("one", "resource", "name", "kind", "message"),
    [
        (
            difference("parameters", "Days", "90", "365"),
            "",
            "Parameters.Days",
            "NOT_EQUAL",
            "Parameters.Days is 90, not 365",
        ),
        (
            difference("tags", "team", None, "platform"),
            "",
            "Tags.team",
            "REMOVE",
            "Tags.team is missing: platform",
        ),
        (
            difference("tags", "owner", "me", None),
            "",
            "Tags.owner",
            "ADD",
            "Tags.owner should be gone: me",
        ),
        (
            difference("parameters", "Accounts", "1\n2", "1\n2\n3"),
            "",
            "Parameters.Accounts",
            "NOT_EQUAL",
            "Parameters.Accounts differs",
        ),
        (
            difference("template", "Resources.Role.Properties.Path", "/", "/a/"),
            "Role",
            "Properties.Path",
            "NOT_EQUAL",
            "Role (AWS::IAM::Role): Properties.Path is /, not /a/",
        ),
        (
            difference("template", "Resources.Topic", None, "{\n}"),
            "Topic",
            "",
            "REMOVE",
            "Topic (AWS::SNS::Topic) is missing",
        ),
        (
            difference("template", "Outputs.KeyArn", "x" * 61, None),
            "",
            "Template.Outputs.KeyArn",
            "ADD",
            "Template.Outputs.KeyArn should be gone",
        ),
        (
            difference("termination_protection", "TerminationProtection", "false", "true"),
            "",
            "TerminationProtection",
            "NOT_EQUAL",
            "TerminationProtection is false, not true",
        ),
    ],
)
def test_a_difference_of_the_stack_is_a_finding(
    one: Data, resource: str, name: str, kind: str, message: str
) -> None:
    (found,) = outdated(PLACE, [one])

    assert found == {
        "kind": "outdated",
        "host": "production",
        "account_id": "222222222222",
        "region": "us-east-1",
        "stack": "Deploy",
        "resource": resource,
        "resource_type": TYPES.get(resource, ""),
        "physical_id": "",
        "property": name,
        "expected": one["after"] or "",
        "actual": one["before"] or "",
        "difference": kind,
        "message": message,
        "ignored": None,
    }


# What is found twice


def test_a_property_that_two_ways_of_looking_found_is_told_once() -> None:
    drifted, policy = finding(), finding("policy")
    other = finding(property="Path")

    assert unique_findings([policy, drifted, other, other]) == [other, policy]


def test_findings_are_sorted_whatever_order_they_come_in() -> None:
    found = [finding(host=host, property=name) for host in "ba" for name in "yx"]

    ordered = unique_findings(found)

    assert [(one["host"], one["property"]) for one in ordered] == [
        ("a", "x"),
        ("a", "y"),
        ("b", "x"),
        ("b", "y"),
    ]


# What is known


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        ({"resource": "Role"}, True),
        ({"resource": "R*"}, True),
        ({"resource": "role"}, False),
        ({"stack": "Deploy", "property": "Tags.*"}, True),
        ({"stack": "Other", "property": "Tags.*"}, False),
        ({"host": "prod*"}, True),
        ({"host": "testing"}, False),
        ({"property": "Tags"}, False),
    ],
)
def test_an_entry_matches_in_all_that_it_gives(given: Data, matches: bool) -> None:
    (one,) = read_ignores([{"reason": "known", "until": "2026-12-31", **given}])

    assert one.matches(finding()) == matches


@pytest.mark.parametrize(
    "until",
    ["2026-12-31", datetime.date(2026, 12, 31), datetime.datetime(2026, 12, 31, 5)],  # noqa: DTZ001  # as YAML gives it
)
def test_a_day_is_text_or_what_yaml_makes_of_it(until: Any) -> None:
    assert read_ignores([entry(until=until)]) == [
        Ignore(resource="Role", reason="known", until=datetime.date(2026, 12, 31))
    ]


def test_every_wrong_entry_is_told() -> None:
    with pytest.raises(PipelineError) as caught:
        read_ignores(
            [
                "Role",
                entry(resorce="Role"),
                {"reason": "known", "until": "2026-12-31"},
                entry(reason=" "),
                entry(until="soon"),
                entry(until=None),
                entry(),
            ]
        )

    assert str(caught.value) == (
        "drift_ignore is not usable:\n"
        "  - entry 1: not a mapping. Set stack, resource or property, and reason and until\n"
        "  - entry 2: unknown field `resorce`. Use host, stack, resource, property, reason, until\n"
        "  - entry 3: it would ignore everything. Set stack, resource or property\n"
        "  - entry 4: reason is missing. Write why this may differ\n"
        "  - entry 5: until is not a date such as 2026-12-31\n"
        "  - entry 6: until is not a date such as 2026-12-31"
    )


def test_an_entry_holds_through_its_last_day_and_then_speaks_up() -> None:
    (one,) = read_ignores([entry(until="2026-11-24")])
    unchecked = {**finding(), "why": "no"}

    findings, not_seen, expired = apply_ignores([finding()], [unchecked], [one], today=TODAY)
    later = apply_ignores([finding()], [unchecked], [one], today=TODAY + datetime.timedelta(days=1))

    known = {"reason": "known", "until": "2026-11-24"}
    assert (findings[0]["ignored"], not_seen[0]["ignored"], expired) == (known, known, [])
    assert later == (
        [finding()],
        [unchecked],
        [
            {
                "host": "*",
                "stack": "*",
                "resource": "Role",
                "property": "*",
                "reason": "known",
                "until": "2026-11-24",
                "findings": 1,
            }
        ],
    )


# What was not looked at


@pytest.mark.parametrize(
    ("kind", "ignored", "failed"),
    [
        ("undetectable", None, False),
        ("no_result", None, True),
        ("unread", None, True),
        ("no_result", {"reason": "known"}, False),
    ],
)
def test_a_type_that_nobody_can_look_at_is_no_failure(
    kind: str, ignored: Any, failed: bool
) -> None:
    assert check_failed({"kind": kind, "ignored": ignored}) == failed
