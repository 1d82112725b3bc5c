# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts as hosts: which, their names, regions and states."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts import hosts
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.model import (
    Account,
    Choice,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.options import (
    check_config,
    choice_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError


def account(
    number: int = 1, name: str = "One", ou: str = "Workloads/Production", **more: Any
) -> Account:
    names = ou.split("/")
    found = Account(
        id=f"{number:012}",
        name=name,
        state="ACTIVE",
        ou=names,
        ou_ids=["r-root", *(f"ou-root-{item.lower():0>10}" for item in names)],
        tags=None,
    )
    return {**found, **more}  # type: ignore[typeddict-item]


def chosen(accounts: list[Account], **choice: Any) -> list[str]:
    found = hosts.choose(accounts, Choice(ous=("/",), **choice))
    return [item["name"] for item in found]


def test_tags_choose_and_exclude() -> None:
    accounts = [
        account(1, "One", tags={"stage": "prod-eu", "team": "a"}),
        account(2, "Two", tags={"stage": "test"}),
        account(3, "Three", tags={}),
    ]
    assert chosen(accounts, tags={"stage": ["prod*", "none"]}) == ["One"]
    assert chosen(accounts, tags={"stage": ["*"]}) == ["One", "Two"]
    assert chosen(accounts, tags={"stage": ["*"], "team": ["*"]}) == ["One"]
    assert chosen(accounts, excluded_tags={"stage": ["test"], "team": ["b"]}) == ["One", "Three"]


def test_accounts_are_excluded_by_id_or_name() -> None:
    accounts = [account(1, "One"), account(2, "Two"), account(3, "Three")]
    excluded = ("000000000001", "T*o", "Legacy")
    assert chosen(accounts, excluded_accounts=excluded) == ["Three"]
    choice = Choice(ous=("/",), excluded_accounts=excluded)
    assert hosts.unused(accounts, choice) == ["Legacy"]


def test_regions_come_from_the_tag_the_nearest_ou_or_the_default() -> None:
    regions = hosts.Regions(
        default=("us-east-1",),
        by_ou={"Workloads": ["eu-west-1"], "ou-root-production": ["eu-central-1"]},
        tag="regions",
    )
    assert regions.of(account(ou="Other")) == ["us-east-1"]
    assert regions.of(account(ou="Workloads/Testing")) == ["eu-west-1"]
    assert regions.of(account()) == ["eu-central-1"]
    assert regions.of(account(ou="Workloads/Production/Inner")) == ["eu-central-1"]
    tagged = account(tags={"regions": "us-west-2 ap-southeast-2"})
    assert regions.of(tagged) == ["us-west-2", "ap-southeast-2"]
    assert hosts.Regions(by_ou={"/": ["us-east-2"]}).of(account()) == ["us-east-2"]


def test_an_empty_tag_is_not_the_default() -> None:
    """Fewer regions would be removed from the policies."""
    regions = hosts.Regions(default=("us-east-1",), tag="regions")
    variables = hosts.variables_of(account(tags={"regions": ""}), regions)
    with pytest.raises(PipelineError, match="host one: no regions"):
        hosts.check([("one", variables)])


@pytest.mark.parametrize(
    "state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "PENDING_ACTIVATION", "A_LATER_STATE"]
)
def test_an_account_that_is_not_active_is_quarantined(state: str) -> None:
    assert hosts.variables_of(account(state=state), hosts.Regions())["state"] == "quarantined"
    assert "state" not in hosts.variables_of(account(), hosts.Regions())


def test_a_host_has_the_name_of_its_account() -> None:
    assert hosts.default_name("Data Platform (EU) - Prod") == "data-platform-eu-prod"


def test_everything_wrong_with_the_hosts_is_reported_together() -> None:
    regions = hosts.Regions(default=("us-east-1",))
    found = [
        ("same", hosts.variables_of(account(1, "Same"), regions)),
        ("same", hosts.variables_of(account(2, "same"), regions)),
        ("a b", hosts.variables_of(account(3, "a b"), regions)),
        ("wrong", hosts.variables_of(account(4), hosts.Regions(default=("Ireland",)))),
        *((f"n{n}", hosts.variables_of(account(n), hosts.Regions())) for n in range(5, 10)),
    ]
    with pytest.raises(PipelineError) as caught:
        hosts.check(found)
    assert str(caught.value) == (
        "the accounts do not make an inventory:\n"
        "  - account 000000000003 (a b): its host name 'a b' has characters other than letters,"
        " digits and . _ - + = / @. Change hostname\n"
        "  - host name same: accounts 000000000001 (Same), 000000000002 (same) have it. Make"
        " hostname differ, such as {{ account_name }}-{{ account_id }}\n"
        "  - host n5, n6, n7 and 2 more: no regions. Set regions, regions_by_ou or the account's"
        " tag\n"
        "  - host wrong: 'Ireland' is not a region. Correct the option or the tag"
    )


# Options

OPTIONS: dict[str, Any] = {
    "organizational_units": ["Workloads"],
    "nested": True,
    "tags": {},
    "exclude": {},
    "regions_by_ou": {},
    "regions_tag": None,
}


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({}, False),
        ({"tags": {"a": "b"}}, True),
        ({"exclude": {"tags": {"a": "b"}}}, True),
        ({"regions_tag": "regions"}, True),
    ],
)
def test_tags_are_needed_by_the_options_that_name_them(changes: Any, needs: bool) -> None:
    choice = choice_of({**OPTIONS, **changes}, connection={}, uses_tags=False)
    assert choice.needs_tags is needs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exclude": {"accounts": [222222222222]}}, "exclude.accounts: 222222222222 is not text"),
        ({"exclude": {"accounts": "Legacy"}}, "exclude.accounts is not a list"),
        ({"tags": ["stage"]}, "tags is not a mapping"),
        ({"tags": {"stage": 1}}, "tags.stage: 1 is not text. Quote it"),
        ({"regions_by_ou": {"Workloads": "us-east-1"}}, "regions_by_ou is not a mapping"),
    ],
)
def test_an_option_of_the_wrong_type_is_an_error(changes: Any, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        choice_of({**OPTIONS, **changes}, connection={}, uses_tags=False)


def test_a_misspelt_option_is_an_error() -> None:
    definitions: dict[str, Any] = {"exclude": {}, "plugin": {}, "profile": {"aliases": ["aws"]}}
    check_config({"plugin": "x", "aws": "y", "exclude": {"accounts": []}}, definitions)
    with pytest.raises(PipelineError, match=r"unknown option exlude. Did you mean exclude\?"):
        check_config({"exlude": {}}, definitions)
    with pytest.raises(PipelineError, match=r"unknown option exclude.acounts. Did you mean"):
        check_config({"exclude": {"acounts": []}}, definitions)
