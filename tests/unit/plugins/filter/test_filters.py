# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters do what their names in Ansible say, with what an action registered."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.fakes.inventory import (
    BUILD,
    DEVELOPMENT,
    PRODUCTION,
    TESTING,
    Inventory,
    entry,
    no_stack,
    primary_stack,
    regional_stack,
)
from tools import sample_pipelines
from tools.sample_pipelines import PRIMARY_OUTPUTS, foundation

COLLECTION = "ansible_collections.crossaccount.pipeline.plugins.filter"
ROOT = Path(__file__).resolve().parents[4]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("*.py"))


def apply(name: str, *arguments: Any) -> Any:
    """Call a filter as a template does, and return what a variable would hold."""
    filters = importlib.import_module(f"{COLLECTION}.{name}").FilterModule().filters()
    return json.loads(json.dumps(filters[name](*arguments)))


@pytest.fixture
def organisation() -> dict[str, Any]:
    return Inventory().read().as_data()


def test_there_are_filters() -> None:
    assert NAMES == [
        "accounts_to_check",
        "application_parameters",
        "application_problems",
        "application_template",
        "bootstrap_plan",
        "bootstrap_postponed",
        "converged_stacks",
        "drift_targets",
        "orphaned_applications",
        "read_register",
        "wanted_register",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_the_filter_of_its_name_alone(name: str) -> None:
    filters = importlib.import_module(f"{COLLECTION}.{name}").FilterModule().filters()

    assert list(filters) == [name]


def test_accounts_to_check_are_ways_into_accounts(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["production"]["profile"] = "production"

    assert apply("accounts_to_check", organisation, [], ["build", "production"])[:3] == [
        {"name": "build", "account_id": BUILD, "access_role_name": "CrossAccountAccess"},
        {
            "name": "development",
            "account_id": DEVELOPMENT,
            "access_role_name": "CrossAccountAccess",
        },
        {
            "name": "production",
            "account_id": PRODUCTION,
            "profile": "production",
            "access_role_name": "CrossAccountAccess",
        },
    ]


def test_bootstrap_plan_tells_grants_failures_and_quarantine(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["development"]["state"] = "quarantined"
    stacks = [no_stack(primary_stack()), regional_stack("eu-west-1", [PRODUCTION])]
    access = [{"name": "testing"}, {"name": "production", "error": "refused"}]

    assert apply("bootstrap_plan", organisation, stacks, access) == {
        "grants": {
            "us-east-1": [TESTING],
            "eu-west-1": [TESTING, PRODUCTION],
            "ap-southeast-2": [],
        },
        "failures": {"production": "refused"},
        "quarantined": ["development"],
        "gone": [],
        "orphans": [],
    }


def test_bootstrap_plan_tells_what_is_gone_and_what_nobody_owns(
    organisation: dict[str, Any],
) -> None:
    organisation["hosts"]["eu-west-1"]["state"] = "absent"
    orphan = {"account_id": BUILD, "region": "eu-west-1", "stack_name": "Old"}

    plan = apply(
        "bootstrap_plan",
        organisation,
        [primary_stack(), no_stack(regional_stack("eu-west-1"))],
        [],
        [orphan | {"value": "regional"}],
    )

    assert (plan["gone"], plan["orphans"]) == (["eu-west-1"], [orphan])


def test_bootstrap_plan_refuses_what_pipelines_need(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["production"]["state"] = "absent"
    store = primary_stack()["outputs"]["PipelineBucketName"]
    shop = {"name": "shop", "stores": {"us-east-1": store}, "accounts": [PRODUCTION]}

    plan = apply("bootstrap_plan", organisation, [primary_stack()], [], [], [shop])

    assert "production (pipelines shop)" in plan["failures"]["production"]


@pytest.mark.parametrize("allowed", [False, True])
def test_bootstrap_plan_lets_roles_be_replaced_at_the_users_word(
    organisation: dict[str, Any], allowed: bool
) -> None:
    primary = primary_stack()
    primary["parameters"]["CodePipelineRoleName"] = "Another"

    plan = apply("bootstrap_plan", organisation, [primary], [], [], [], allowed)

    assert ("build" in plan["failures"]) is not allowed


def test_bootstrap_plan_lets_go_what_is_removed_first(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["production"]["state"] = "absent"
    store = primary_stack()["outputs"]["PipelineBucketName"]
    shop = {"name": "shop", "stores": {"us-east-1": store}, "accounts": [PRODUCTION]}
    ours = {"account_id": BUILD, "region": "us-east-1", "stack_name": "shop-pipeline"}
    owned = [ours | {"value": "pipelines"}]

    plan = apply(
        "bootstrap_plan", organisation, [primary_stack()], [], owned, [shop], False, ["shop"]
    )

    assert plan["failures"] == {}


def test_application_problems_tells_who_has_to_wait() -> None:
    waves = [{"environments": [{"regions": ["eu-west-1"]}]}]
    applications = [{"name": "hello", "state": "present", "waves": waves}]
    complete = {"regions": {"eu-west-1": entry("eu-west-1")}, "problem": None}

    assert apply("application_problems", applications, complete) == {}
    assert list(apply("application_problems", applications, complete, "it broke")) == ["hello"]


def test_orphaned_applications_tells_what_nobody_declares(organisation: dict[str, Any]) -> None:
    stack = {"account_id": BUILD, "region": "us-east-1", "stack_name": "shop-pipeline"}
    owned = [stack | {"value": "pipelines"}]

    assert apply("orphaned_applications", organisation, [], owned) == [stack]
    assert apply("orphaned_applications", organisation, [{"name": "shop"}], owned) == []


def test_bootstrap_postponed_tells_who_has_to_wait(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["production"]["state"] = "absent"
    done = {"operation": "none", "stack": {}}
    hostvars: dict[str, dict[str, Any]] = {name: {} for name in organisation["hosts"]}
    hostvars["build"]["primary_result"] = done
    plan: dict[str, Any] = {"gone": ["ap-southeast-2"]}

    assert apply("bootstrap_postponed", organisation, plan, hostvars) == {
        "production": "postponed: eu-west-1 did not let go of it yet"
    }
    hostvars["eu-west-1"]["regional_result"] = done
    assert apply("bootstrap_postponed", organisation, plan, hostvars) == {}


def test_wanted_register_tells_entries(organisation: dict[str, Any]) -> None:
    stacks = [no_stack(primary_stack()), regional_stack("eu-west-1")]

    assert apply("wanted_register", organisation, stacks) == [entry("eu-west-1")]
    pending = apply("wanted_register", organisation, stacks, ["ap-southeast-2"])
    assert [one["region"] for one in pending] == ["ap-southeast-2", "eu-west-1"]


def test_read_register_tells_regions_and_problem(organisation: dict[str, Any]) -> None:
    primary = primary_stack(registered=["eu-west-1"])

    assert apply("read_register", organisation, primary) == {
        "regions": {"eu-west-1": entry("eu-west-1"), "us-east-1": entry("us-east-1")},
        "outputs": primary["outputs"],
        "problem": None,
    }
    assert apply("read_register", organisation, primary, "it broke")["problem"] == (
        "the primary stack failed in this run"
    )
    pending = apply("read_register", organisation, primary, None, ["ap-southeast-2"])
    assert len(pending["regions"]) == 3


def test_converged_stacks_are_those_of_hosts_that_were_done(organisation: dict[str, Any]) -> None:
    hostvars: dict[str, dict[str, Any]] = {name: {} for name in organisation["hosts"]}
    hostvars["build"]["primary_result"] = {"operation": "none", "stack": {"stack_name": "One"}}
    hostvars["eu-west-1"]["regional_result"] = {"failed": True, "msg": "it broke"}
    hostvars["testing"]["deploy_account_result"] = {"skipped": True}

    assert apply("converged_stacks", organisation, hostvars) == {"build": {"stack_name": "One"}}


@pytest.mark.parametrize("operation", ["none", "create", "update", "repair", "delete"])
def test_converged_stacks_of_a_slice_are_those_of_its_hosts(
    organisation: dict[str, Any], operation: str
) -> None:
    for name in ("build", "eu-west-1", "ap-southeast-2"):
        del organisation["hosts"][name]
    stack = {"stack_name": "CrossAccountDeploy", "status": None}
    hostvars: dict[str, dict[str, Any]] = {name: {} for name in organisation["hosts"]}
    hostvars["production"] = {
        "deploy_account_result": {"operation": operation, "stack": stack},
        "primary_result": {"operation": operation, "stack": {}},
    }

    assert apply("converged_stacks", organisation, hostvars) == {"production": stack}


def test_drift_targets_are_what_the_play_may_look_at(organisation: dict[str, Any]) -> None:
    accounts = [{"name": "production", "error": "no"}, {"name": "testing", "error": None}]
    hosts = sorted(organisation["hosts"])
    application = {"stack_name": "hello-pipeline"}
    primary = organisation["primary"]["name"]

    everything = apply("drift_targets", organisation, accounts, hosts, [application])
    a_part = apply("drift_targets", organisation, accounts, ["testing"], [application])

    names = [name for name in hosts if name != "production"]
    assert [one["name"] for one in everything] == [*names, primary]
    assert everything[-1]["stack_name"] == "hello-pipeline"
    assert [one["name"] for one in a_part] == ["testing"]


def test_a_quarantined_account_is_no_drift_target(organisation: dict[str, Any]) -> None:
    organisation["hosts"]["testing"]["state"] = "quarantined"

    assert apply("drift_targets", organisation, [], ["testing"]) == []


def test_an_applications_template_and_parameters_fit_each_other() -> None:
    application = sample_pipelines.application("hello").as_data()
    register = {region: dict(entry) for region, entry in foundation().register.items()}

    template = apply(
        "application_template",
        application,
        sample_pipelines.BASE.read_text("ascii"),
        register,
        "us-east-1",
        "CrossAccountCodePipeline",
        "CrossAccountCloudFormation",
    )
    parameters = apply(
        "application_parameters", application, register, "us-east-1", PRIMARY_OUTPUTS
    )

    assert template == sample_pipelines.template("hello")
    assert set(parameters) <= set(parse(template)["Parameters"])
    assert parameters["Repository"] == "https://github.com/example/hello.git"
