# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, buckets and roles are replaced or removed only when the user says so."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from lab import Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import FULL_NAME, Playbook
from tests.integration.stacks import BUCKET, GUARDED, KEY, ROLE, SmallStack, template

ALLOWED = ("-e", "allow_replacement=true")
Data = dict[str, Any]


def changed(logical_id: str, **properties: str) -> Data:
    """The guarded resources, one of them with other properties."""
    resources = copy.deepcopy(GUARDED)
    resources[logical_id]["Properties"] |= properties
    return resources


def without(logical_id: str) -> Data:
    """The guarded resources but one."""
    return {name: part for name, part in GUARDED.items() if name != logical_id}


CHANGES = [
    pytest.param(changed(BUCKET, BucketName="another-name"), BUCKET, "Modify", id="replace bucket"),
    pytest.param(changed(ROLE, RoleName="Another"), ROLE, "Modify", id="replace role"),
    pytest.param(without(BUCKET), BUCKET, "Remove", id="remove bucket"),
    pytest.param(without(KEY), KEY, "Remove", id="remove key"),
    pytest.param(without(ROLE), ROLE, "Remove", id="remove role"),
]


@pytest.mark.parametrize(("resources", "logical_id", "action"), CHANGES)
def test_losing_a_key_bucket_or_role_needs_the_users_word(
    lab: Lab, resources: Data, logical_id: str, action: str
) -> None:
    """Talks to the lab, by the engine. Refused and explained, in check mode too; then allowed.

    The refusal leaves neither a change nor a change set.
    """
    small = SmallStack(lab)
    small.converge(template(GUARDED))
    before, events = small.resources(), small.events()
    body = template(resources, display_name="two")

    for check_mode in (True, False):
        with pytest.raises(PipelineError) as refusal:
            small.converge(body, check_mode=check_mode)
        shown = str(refusal.value)
        assert f"{action} {logical_id} ({GUARDED[logical_id]['Type']})" in shown
        assert "Nothing was changed" in shown
        assert "set allow_replacement" in shown
        # Topics may change.
        assert "AWS::SNS::Topic" not in shown
    assert (small.resources(), small.events()) == (before, events)
    assert small.change_sets() == []

    small.converge(body, allow_replacement=True)
    small.check_is(body)
    after = small.resources()
    assert after.get(logical_id) != before[logical_id]
    for name in before.keys() - {logical_id}:
        assert after[name] == before[name]


def test_what_is_changed_in_place_needs_no_word(lab: Lab) -> None:
    """Talks to the lab, by the engine. A bucket's, a key's and a role's own properties."""
    small = SmallStack(lab)
    small.converge(template(GUARDED))
    before = small.resources()
    resources = changed(KEY, Description="the same key")
    resources[BUCKET]["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    resources[ROLE]["Properties"]["Description"] = "the same role"

    small.converge(template(resources))

    small.check_is(template(resources))
    assert small.resources() == before


def test_other_names_of_roles_need_the_users_word(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Refused before the first write; then done in every account and policy."""
    before = held.everything()
    inventory.set_group("all", codepipeline_role_name="Pipelines")

    run = playbook.run()

    assert run.code == 2, run.output
    assert "codepipeline_role_name from CrossAccountCodePipeline to Pipelines" in run.output
    assert "allow_replacement" in run.reason("build")
    assert run.executions.total() == 0
    assert held.everything() == before

    run = playbook.run(*ALLOWED)
    assert run.code == 0, run.output
    for account in inventory.accounts.values():
        assert held.role_policies(account.account_id, "Pipelines")


def test_a_template_that_drops_a_bucket_needs_the_users_word(
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    changed_collection: Path,
    tmp_path: Path,
) -> None:
    """Talks to the lab. The next version gives the pipeline buckets another name.

    Each region is refused and named, the rest goes on, and nothing changes there. With the user's
    word, each region has another bucket, and the old ones stay.
    """
    template_file = changed_collection / "roles" / "regional" / "files" / "regional.template"
    text = template_file.read_text(encoding="utf-8")
    head = "    Properties:\n      BucketEncryption:"
    renamed = head.replace(
        "Properties:\n", "Properties:\n      BucketName: !Sub crossaccountregional-${AWS::Region}\n"
    )
    before_bucket, found, after = text.partition("  PipelineBucket:\n")
    assert head in after
    changed = f"{before_bucket}{found}{after.replace(head, renamed, 1)}"
    template_file.write_text(changed, encoding="utf-8")
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(changed_collection.parents[2])}
    before = {region: held.store(region) for region in inventory.regional}
    data = held.data()

    run = playbook.run(playbook=FULL_NAME, folder=tmp_path, variables=variables)

    assert run.code == 2, run.output
    assert set(inventory.regional) <= run.failed
    for region in inventory.regional:
        assert "Modify PipelineBucket (AWS::S3::Bucket), replacement: True" in run.reason(region)
        assert "allow_replacement" in run.reason(region)
    assert run.executions.total() == 0
    assert {region: held.store(region) for region in inventory.regional} == before
    check_complete(held, inventory)

    run = playbook.run(*ALLOWED, playbook=FULL_NAME, folder=tmp_path, variables=variables)
    assert run.code == 0, run.output
    for region in inventory.regional:
        key, bucket = held.store(region)
        assert key == before[region][0]
        assert bucket == f"arn:aws:s3:::crossaccountregional-{region}"
    assert held.retained() == {bucket for _key, bucket in before.values()}
    assert held.data() > data
    check_complete(held, inventory)
