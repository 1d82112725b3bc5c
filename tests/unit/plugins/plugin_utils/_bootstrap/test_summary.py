# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary: one line a host, and everybody who is not complete ends as failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    RESULTS,
    ApplicationRow,
    Row,
    applications_as_text,
    as_text,
    incomplete,
    summarise,
    summarise_applications,
)

from tests.fakes.inventory import BUILD, PRODUCTION, Inventory, entry

ORDER = ["ap-southeast-2", "eu-west-1", "build", "development", "production", "testing"]
REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
INCOMPLETE = (
    "nothing can be deployed to {} yet: not in the register. Run the bootstrap again, without"
    " --limit, once its region is complete"
)
ROLES = dict(zip(ORDER, ["regional"] * 2 + ["primary"] + ["deploy_account"] * 3, strict=True))


class Run:
    """What is known at the end of a run; a test changes what it is about."""

    def __init__(self, operation: str = "none") -> None:
        self.inventory = Inventory()
        self.plan: dict[str, Any] = {"failures": {}}
        register = {"regions": {region: entry(region) for region in REGIONS}, "problem": None}
        self.variables: dict[str, dict[str, Any]] = {
            name: {
                f"{ROLES[name]}_result": {
                    "operation": operation,
                    "changed": operation != "none",
                    "stack": {"parameters": {}},
                }
            }
            for name in ORDER
        }
        for name in ORDER[3:]:
            self.variables[name]["bootstrap_register"] = register

    def rows(self, *play_hosts: str, check_mode: bool = False) -> dict[str, Row]:
        rows = summarise(
            self.inventory.read(),
            self.plan,
            self.variables,
            play_hosts=play_hosts or ORDER,
            check_mode=check_mode,
        )
        return {row.host.name: row for row in rows}

    def row(self, name: str, *, check_mode: bool = False) -> tuple[str, str | None]:
        row = self.rows(check_mode=check_mode)[name]
        return row.result, row.failure


def test_hosts_come_in_the_order_of_the_phases() -> None:
    assert list(Run().rows()) == ORDER


def test_only_hosts_of_the_play_are_told() -> None:
    assert list(Run().rows("production", "build")) == ["build", "production"]


def test_results_are_those_that_the_roles_register() -> None:
    assert {f"{role}_result" for role in ROLES.values()} == set(RESULTS.values())
    assert set(RESULTS) == set(Inventory().groups)


@pytest.mark.parametrize(
    ("operation", "check_mode", "word"),
    [
        ("none", False, "unchanged"),
        ("create", False, "created"),
        ("update", False, "updated"),
        ("none", True, "unchanged"),
        ("create", True, "to create"),
        ("update", True, "to update"),
        ("repair", True, "to repair"),
    ],
)
def test_what_was_done_is_said_in_a_word(operation: str, check_mode: bool, word: str) -> None:
    rows = Run(operation).rows(check_mode=check_mode)

    assert {row.result for row in rows.values()} == {word}
    assert {row.failure for row in rows.values()} == {None}


def test_a_failure_of_the_check_is_told() -> None:
    run = Run()
    run.plan["failures"]["testing"] = "refused"
    del run.variables["testing"]["deploy_account_result"]

    assert run.row("testing") == ("FAILED", "refused")
    assert run.row("production") == ("unchanged", None)


def test_a_failure_of_a_phase_is_told() -> None:
    run = Run()
    run.variables["eu-west-1"] = {"bootstrap_failure": "it broke"}

    assert run.row("eu-west-1") == ("FAILED", "it broke")


def test_a_failure_goes_before_a_result() -> None:
    run = Run("update")
    run.variables["build"]["bootstrap_failure"] = "it broke afterwards"

    assert run.row("build") == ("FAILED", "it broke afterwards")


def test_a_quarantined_account_is_no_failure() -> None:
    run = Run()
    run.inventory.hosts["production"]["state"] = "quarantined"
    run.variables["production"] = {}

    assert run.row("production") == ("quarantined", None)


def test_a_host_that_was_not_reached_says_why() -> None:
    run = Run()
    run.variables["testing"] = {
        "bootstrap_register": {"regions": {}, "problem": "the primary stack failed in this run"}
    }

    assert run.row("testing") == (
        "NOT REACHED",
        "not reached: the primary stack failed in this run",
    )


@pytest.mark.parametrize("skipped", [{}, {"regional_result": {"skipped": True}}])
def test_a_host_that_was_not_reached_for_no_reason_says_so(skipped: dict[str, Any]) -> None:
    run = Run()
    run.variables["eu-west-1"] = skipped

    assert run.row("eu-west-1") == (
        "NOT REACHED",
        "not reached: an earlier phase ended the run",
    )


def test_an_account_is_incomplete_without_one_of_its_regions() -> None:
    run = Run("create")
    register = run.variables["production"]["bootstrap_register"]
    del register["regions"]["ap-southeast-2"], register["regions"]["eu-west-1"]

    assert run.row("production") == (
        "created but incomplete",
        INCOMPLETE.format("ap-southeast-2, eu-west-1"),
    )
    assert run.row("testing")[0] == "created but incomplete"
    assert run.row("development") == ("created", None)


def test_check_mode_tells_what_stays_incomplete() -> None:
    run = Run()
    del run.variables["production"]["bootstrap_register"]["regions"]["eu-west-1"]

    assert run.row("production", check_mode=True)[0] == "unchanged but incomplete"


# What was to be absent


def absent(name: str, operation: str = "none", granted: str = "", **result: Any) -> Run:
    """Return a run in which *name* was to be absent; its stack had *granted* access."""
    run = Run()
    for host in run.inventory.hosts.values():
        host["regions"] = [region for region in host.get("regions", ()) if region != name]
    run.inventory.hosts[name]["state"] = "absent"
    result |= {"stack": {"parameters": {"DeployAccountIds": granted} if granted else {}}}
    run.variables[name] = {f"{ROLES[name]}_result": {"operation": operation, **result}}
    return run


@pytest.mark.parametrize("name", ["eu-west-1", "production"])
@pytest.mark.parametrize(
    ("operation", "check_mode", "word"),
    [
        ("delete", False, "removed"),
        ("delete", True, "to remove"),
        ("none", False, "absent"),
        ("none", True, "absent"),
    ],
)
def test_a_removal_is_said_in_a_word(
    name: str, operation: str, check_mode: bool, word: str
) -> None:
    assert absent(name, operation).row(name, check_mode=check_mode) == (word, None)


def test_an_absent_account_is_never_incomplete() -> None:
    run = absent("production", "delete")
    run.variables["production"]["bootstrap_register"] = {"regions": {}, "problem": None}

    assert run.row("production") == ("removed", None)


def test_a_teardown_removes_without_a_register() -> None:
    run = Run("delete")
    for name in ORDER[3:]:
        del run.variables[name]["bootstrap_register"]
    organisation = run.inventory.read().all_absent()

    rows = summarise(organisation, run.plan, run.variables, play_hosts=ORDER)

    assert {(row.result, row.failure) for row in rows} == {("removed", None)}


@pytest.mark.parametrize("operation", ["none", "update"])
@pytest.mark.parametrize("name", ["eu-west-1", "production"])
def test_what_has_to_wait_is_postponed_and_fails(name: str, operation: str) -> None:
    run = absent(name, operation)
    run.variables[name]["bootstrap_postponed"] = {name: "postponed: build did not let go of it yet"}
    run.variables["build"]["bootstrap_postponed"] = {name: "postponed"}

    assert run.row(name) == ("POSTPONED", "postponed: build did not let go of it yet")
    assert run.row("build") == ("unchanged", None)


def test_a_failure_goes_before_a_postponement() -> None:
    run = absent("eu-west-1")
    run.variables["eu-west-1"] |= {
        "bootstrap_failure": "it broke",
        "bootstrap_postponed": {"eu-west-1": "postponed"},
    }

    assert run.row("eu-west-1") == ("FAILED", "it broke")


def test_a_removal_that_was_not_reached_says_why() -> None:
    run = absent("production")
    run.variables["production"] = {"bootstrap_postponed": {}}

    assert run.row("production") == (
        "NOT REACHED",
        "not reached: an earlier phase ended the run",
    )


# What was kept


def shown(*given: Any, **more: Any) -> list[str]:
    """Return the summary as lines on a screen."""
    return "\n".join(as_text(*given, **more)).split("\n")


BUCKET: dict[str, Any] = {
    "kind": "bucket",
    "name": "crossaccountregional-pipelinebucket-1a2b3c4d5e6f",
    "region": "ap-southeast-2",
    "deletion_date": None,
    "purged": False,
}
KEY: dict[str, Any] = {
    **BUCKET,
    "kind": "key",
    "name": "1a2b3c4d-1111-2222-3333-444455556666",
}
PENDING = {**KEY, "deletion_date": "2026-12-24"}
KEPT: dict[str, tuple[dict[str, Any], list[str]]] = {
    "bucket": (
        BUCKET,
        [
            f"bucket {BUCKET['name']}",
            f"  read:   aws s3 ls s3://{BUCKET['name']} --recursive",
            f"  delete: aws s3 rb s3://{BUCKET['name']} --force",
        ],
    ),
    "bucket that went": (
        {**BUCKET, "purged": True},
        [f"bucket {BUCKET['name']}: emptied and deleted"],
    ),
    "key": (
        KEY,
        [
            f"key {KEY['name']}: without it its bucket cannot be read",
            "  delete: aws kms schedule-key-deletion --region ap-southeast-2 \\",
            f"            --key-id {KEY['name']}",
        ],
    ),
    "key that is to go": (
        PENDING,
        [
            f"key {KEY['name']}: deleted for good on 2026-12-24",
            "  keep:   aws kms cancel-key-deletion --region ap-southeast-2 \\",
            f"            --key-id {KEY['name']}",
        ],
    ),
    "key that was told to go": (
        {**PENDING, "purged": True},
        [
            f"key {KEY['name']}: deleted for good on 2026-12-24",
            "  keep:   aws kms cancel-key-deletion --region ap-southeast-2 \\",
            f"            --key-id {KEY['name']}",
        ],
    ),
}


@pytest.mark.parametrize("state", ["absent", "present"])
@pytest.mark.parametrize(("kept", "lines"), KEPT.values(), ids=KEPT)
def test_what_was_kept_is_told_with_its_commands(
    kept: dict[str, Any], lines: list[str], state: str
) -> None:
    run = absent("eu-west-1", "delete", retained=[kept])
    run.inventory.hosts["eu-west-1"]["state"] = state

    row = run.rows()["eu-west-1"]

    assert row.kept == (kept,)
    assert shown([row])[3:] == [
        f"1 {row.result}",
        "",
        "eu-west-1: data without a stack",
        *(f"  {line}" for line in lines),
    ]


def test_everything_that_was_kept_is_told_host_by_host() -> None:
    run = Run("create")
    run.variables["eu-west-1"]["regional_result"]["retained"] = [BUCKET, KEY]
    run.variables["build"]["primary_result"]["retained"] = [PENDING]
    run.variables["ap-southeast-2"]["regional_result"]["retained"] = []

    lines = shown(list(run.rows().values()))

    def indented(*names: str) -> list[str]:
        return [f"  {line}" for name in names for line in KEPT[name][1]]

    assert lines[lines.index("6 created") + 1 :] == [
        "",
        "eu-west-1: data without a stack",
        *indented("bucket", "key"),
        "",
        "build: data without a stack",
        *indented("key that is to go"),
    ]


@pytest.mark.parametrize("check_mode", [False, True])
def test_who_may_still_use_what_was_kept_is_told_below_it(check_mode: bool) -> None:
    run = absent("eu-west-1", "delete", "222222222222,333333333333", retained=[BUCKET, KEY])

    row = run.rows(check_mode=check_mode)["eu-west-1"]

    assert row.granted == "222222222222,333333333333"
    assert shown([row], check_mode=check_mode)[5:] == [
        "eu-west-1: data without a stack",
        *(f"  {line}" for name in ("bucket", "key") for line in KEPT[name][1]),
        "  their policies still name: 222222222222, 333333333333",
    ]


@pytest.mark.parametrize(
    ("operation", "granted", "kept"),
    [
        ("delete", "", [BUCKET]),
        ("delete", "222222222222", []),
        ("none", "222222222222", [BUCKET]),
    ],
    ids=["nobody", "nothing kept", "removed earlier"],
)
def test_nobody_is_told_to_use_what_nobody_may_use(
    operation: str, granted: str, kept: list[dict[str, Any]]
) -> None:
    run = absent("eu-west-1", operation, granted, retained=kept)

    assert "their policies" not in "\n".join(shown([run.rows()["eu-west-1"]]))


def test_the_policies_of_a_stack_that_stands_are_not_told() -> None:
    run = Run("create")
    run.variables["eu-west-1"]["regional_result"] |= {
        "retained": [BUCKET],
        "stack": {"parameters": {"DeployAccountIds": "222222222222"}},
    }

    assert run.rows()["eu-west-1"].granted == ""


# Stacks that nobody stands for


ORPHANS = [
    {"account_id": BUILD, "region": "eu-west-1", "stack_name": "CrossAccountRegionalOld"},
    {"account_id": BUILD, "region": "us-east-1", "stack_name": "CrossAccountPrimaryOld"},
]
ORPHAN_LINES = [
    "Stacks of ours that no host stands for, left alone:",
    f"  CrossAccountRegionalOld in {BUILD} eu-west-1",
    "    delete: aws cloudformation delete-stack --region eu-west-1 \\",
    "              --stack-name CrossAccountRegionalOld",
    f"  CrossAccountPrimaryOld in {BUILD} us-east-1",
    "    delete: aws cloudformation delete-stack --region us-east-1 \\",
    "              --stack-name CrossAccountPrimaryOld",
]


def test_stacks_that_nobody_stands_for_are_told_between_what_was_kept_and_what_failed() -> None:
    run = absent("eu-west-1", "delete", retained=[{**BUCKET, "purged": True}])
    run.variables["production"] = {"bootstrap_failure": "it broke"}

    lines = as_text(list(run.rows("eu-west-1", "production").values()), ORPHANS)

    assert lines[3:] == [
        "",
        "1 removed, 1 FAILED",
        "",
        "eu-west-1: data without a stack",
        *(f"  {line}" for line in KEPT["bucket that went"][1]),
        "",
        *ORPHAN_LINES,
        "",
        "production: it broke",
    ]


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        (BUCKET, f"bucket {BUCKET['name']}: to be emptied and deleted"),
        (KEY, f"key {KEY['name']}: its deletion is to be scheduled"),
    ],
    ids=["bucket", "key"],
)
@pytest.mark.parametrize("name", ["build", "eu-west-1"])
def test_check_mode_tells_what_would_be_purged(name: str, kept: dict[str, Any], line: str) -> None:
    run = Run("delete")
    run.variables[name][f"{ROLES[name]}_result"]["retained"] = [{**kept, "purged": True}]

    lines = shown([run.rows(check_mode=True)[name]], check_mode=True)

    assert lines[-2:] == [f"{name}: data without a stack", f"  {line}"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("kept", ["bucket", "key", "key that is to go"])
def test_what_is_kept_is_told_the_same_in_check_mode(kept: str, check_mode: bool) -> None:
    row = absent("eu-west-1", "delete", retained=[KEPT[kept][0]]).rows()["eu-west-1"]

    assert shown([row], check_mode=check_mode)[6:] == [f"  {line}" for line in KEPT[kept][1]]


def test_a_bucket_of_the_primary_may_have_versions() -> None:
    run = Run("delete")
    run.variables["build"]["primary_result"]["retained"] = [BUCKET]
    (row,) = summarise(
        run.inventory.read().all_absent(), run.plan, run.variables, play_hosts=["build"]
    )

    assert shown([row])[5:] == [
        "build: data without a stack",
        f"  bucket {BUCKET['name']}",
        f"    read:   aws s3 ls s3://{BUCKET['name']} --recursive",
        f"    delete: all versions in it, then aws s3 rb s3://{BUCKET['name']}",
    ]


def test_a_primary_that_was_just_made_is_not_to_be_torn_down() -> None:
    run = Run("create")
    run.variables["build"]["primary_result"]["retained"] = [BUCKET]

    assert "teardown" not in "\n".join(shown([run.rows()["build"]]))


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("name", ["build", "ap-southeast-2"])
def test_what_was_kept_has_room_on_a_screen(name: str, check_mode: bool) -> None:
    run = absent("ap-southeast-2", "delete")
    result = run.variables[name][f"{ROLES[name]}_result"]
    result["retained"] = [kept for kept, _lines in KEPT.values()]

    lines = shown([run.rows()[name]], ORPHANS, check_mode=check_mode)

    assert max(map(len, lines)) <= 100


def test_a_stack_that_nobody_stands_for_has_room_on_a_screen() -> None:
    place = {"account_id": BUILD, "region": "ap-southeast-2"}

    lines = shown([], [{**place, "stack_name": "CrossAccountRegional"}])

    assert max(map(len, lines)) <= 100


# As text


def test_the_summary_is_a_table_with_the_reasons_below() -> None:
    run = Run()
    run.variables["ap-southeast-2"]["regional_result"]["operation"] = "create"
    run.variables["production"] = {"bootstrap_failure": "it broke"}
    run.variables["testing"] = {}

    lines = as_text(list(run.rows("ap-southeast-2", "build", "production", "testing").values()))

    assert lines == [
        "HOST            ACCOUNT       REGION          STACK                 RESULT",
        f"ap-southeast-2  {BUILD}  ap-southeast-2  CrossAccountRegional  created",
        f"build           {BUILD}  us-east-1       CrossAccountPrimary   unchanged",
        f"production      {PRODUCTION}  us-east-1       CrossAccountDeploy    FAILED",
        "testing         333333333333  us-east-1       CrossAccountDeploy    NOT REACHED",
        "",
        "1 created, 1 unchanged, 1 FAILED, 1 NOT REACHED",
        "",
        "production: it broke",
        "",
        "testing: not reached: an earlier phase ended the run",
    ]


def test_hosts_that_failed_for_the_same_reason_are_told_together() -> None:
    run = Run()
    run.plan["failures"] = dict.fromkeys(["ap-southeast-2", "build"], "the inventory lost it")
    run.variables["eu-west-1"] = {"bootstrap_failure": "it broke"}
    run.variables["production"] = {}
    run.variables["testing"] = {"bootstrap_failure": "the inventory lost it"}
    run.variables["development"] = {}

    lines = as_text(list(run.rows().values()))

    assert lines[lines.index("4 FAILED, 2 NOT REACHED") + 1 :] == [
        "",
        "ap-southeast-2, build, testing: the inventory lost it",
        "",
        "eu-west-1: it broke",
        "",
        "development, production: not reached: an earlier phase ended the run",
    ]


def test_a_summary_without_failures_ends_with_the_counts() -> None:
    assert as_text(list(Run().rows().values()))[-2:] == ["", "6 unchanged"]


def test_a_summary_of_nobody_is_short() -> None:
    assert as_text([]) == ["HOST  ACCOUNT  REGION  STACK  RESULT", "", ""]


# Applications

APPLICATIONS = [
    {"name": name, "state": "absent" if name in ("gone", "went") else "present"}
    for name in ("hello", "shop", "broken", "waiting", "gone", "went", "lost")
]
RECORDED = {
    "bootstrap_application_problems": {"waiting": "nothing can be deployed to eu-west-1 yet"},
    "bootstrap_application_failures": {"broken": "the template is too large"},
    "bootstrap_application_results": {
        "hello": "create",
        "shop": "none",
        "gone": "none",
        "went": "delete",
    },
}


def application_rows(
    variables: dict[str, Any] | None = None, *, check_mode: bool = False
) -> list[ApplicationRow]:
    recorded = RECORDED if variables is None else variables
    return summarise_applications(Inventory().read(), APPLICATIONS, recorded, check_mode=check_mode)


@pytest.mark.parametrize(
    ("check_mode", "words"),
    [
        (False, ["created", "unchanged", "FAILED", "NOT REACHED", "absent", "removed"]),
        (True, ["to create", "unchanged", "FAILED", "NOT REACHED", "absent", "to remove"]),
    ],
)
def test_what_became_of_each_application_is_said_in_a_word(
    check_mode: bool, words: list[str]
) -> None:
    rows = application_rows(check_mode=check_mode)

    assert [row.result for row in rows] == [*words, "NOT REACHED"]
    assert {row.name: row.failure for row in rows if row.failure} == {
        "broken": "the template is too large",
        "waiting": "nothing can be deployed to eu-west-1 yet",
        "lost": "not reached: an earlier phase ended the run",
    }


def test_the_primary_fails_with_its_applications() -> None:
    rows = application_rows()

    assert incomplete(rows) == "pipelines that are not complete: broken, waiting, lost"
    assert incomplete(rows[:2]) is None


def test_nothing_was_reached_when_nothing_was_recorded() -> None:
    assert {row.result for row in application_rows({})} == {"NOT REACHED"}


def test_applications_are_a_table_with_the_reasons_below() -> None:
    assert applications_as_text(application_rows()[1:3], ORPHANS[:1]) == [
        "APPLICATION  ACCOUNT       REGION     STACK            RESULT",
        f"shop         {BUILD}  us-east-1  shop-pipeline    unchanged",
        f"broken       {BUILD}  us-east-1  broken-pipeline  FAILED",
        "",
        "1 unchanged, 1 FAILED",
        "",
        "Application pipelines that are not in the data, left alone:",
        *ORPHAN_LINES[1:4],
        "",
        "application broken: the template is too large",
    ]


def test_without_applications_nothing_is_told_of_them() -> None:
    assert applications_as_text([]) == []
    assert applications_as_text([], ORPHANS[:1])[0].startswith("Application pipelines that")
