# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit as a user runs it, against the lab, with credentials that only read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lab import Lab
from tests.commands import run_command
from tests.policy.foundation import Foundation
from tools.environment import ROOT


def audit(lab: Lab, inventory: Path) -> tuple[int, str]:
    done = run_command(
        [
            *(sys.executable, "-m", "tests.policy.audit", "-i", str(inventory)),
            *("--access-role-name", lab.organisation.drift.access_role),
        ],
        environment=lab.environment("drift"),
        folder=ROOT,
    )
    return done.returncode, done.stdout


def test_a_right_organisation_passes_and_an_open_bucket_does_not(
    lab: Lab, foundation: Foundation, inventory: Path
) -> None:
    lab.add_drift_operator()
    # In the build account it reads for its own stacks only; there is a deploy account's too.
    read = {
        "Effect": "Allow",
        "Action": ["cloudformation:Describe*", "cloudformation:List*", "iam:Get*", "iam:List*"],
        "Resource": "*",
    }
    lab.client("iam", lab.organisation.build).put_role_policy(
        RoleName=lab.organisation.drift.operator_role,
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [read]}),
    )
    code, output = audit(lab, inventory)
    assert code == 0, output
    assert "ALLOWED" not in output
    assert "refused" not in output

    arn = foundation.build_store.bucket_arn
    name = arn.rpartition(":")[2]
    s3 = lab.client("s3", foundation.primary.account, foundation.primary.region)
    before = s3.get_bucket_policy(Bucket=name)["Policy"]
    policy = json.loads(before)
    account = foundation.accounts[0].stack.account
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "s3:GetObject",
            "Resource": f"{arn}/*",
        }
    )
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    try:
        code, output = audit(lab, inventory)
    finally:
        s3.put_bucket_policy(Bucket=name, Policy=before)
    assert code == 1
    reader = foundation.role(foundation.accounts[0].stack, "CodePipelineRole")
    assert f"ALLOWED: {reader}" in output
    writes = [call for call in lab.calls() if call.write and "CrossAccountDrift" in call.principal]
    assert writes == []
