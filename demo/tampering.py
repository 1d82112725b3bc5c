# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody does by hand in the console: a role gets a policy, a key is no longer rotated."""

from __future__ import annotations

import json

from demo.checks import check, check_equal
from demo.inventory import Inventory
from lab import Lab, operator_policy

HOST = "development"
_ROLE, _POLICY = "CrossAccountCodePipeline", "ByHand"
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Tampering:
    """Tampers with a role of development and with the key of a region."""

    def __init__(self, lab: Lab, inventory: Inventory, region: str) -> None:
        self._iam = lab.client("iam", inventory.accounts[HOST])
        self._kms = lab.client("kms", inventory.build_account_id, region)
        self._alias = "alias/CrossAccountRegional"

    def do(self) -> list[str]:
        """Do it, and return the commands that would."""
        document = {"Version": "2012-10-17", "Statement": [_EVERYTHING]}
        self._iam.put_role_policy(
            RoleName=_ROLE, PolicyName=_POLICY, PolicyDocument=json.dumps(document)
        )
        self._kms.disable_key_rotation(KeyId=self._key_id)
        return [
            f"aws iam put-role-policy --role-name {_ROLE} --policy-name {_POLICY} ...",
            f"aws kms disable-key-rotation --key-id {self._key_id[:8]}...",
        ]

    def check_reverted(self) -> None:
        """Check that AWS holds none of it any more."""
        policies = self._iam.list_role_policies(RoleName=_ROLE)["PolicyNames"]
        check(_POLICY not in policies, f"the policy {_POLICY} is still there")
        status = self._kms.get_key_rotation_status(KeyId=self._key_id)
        check_equal(status["KeyRotationEnabled"], True, "rotation of the key")

    @property
    def _key_id(self) -> str:
        return str(self._kms.describe_key(KeyId=self._alias)["KeyMetadata"]["KeyId"])


def let_operator_remediate(lab: Lab) -> None:
    """Give the operator the two policies that drift runs and remediation need."""
    organisation = lab.organisation
    for policy in ("drift", "remediation"):
        lab.client("iam", organisation.build).put_role_policy(
            RoleName=organisation.operator.operator_role,
            PolicyName=policy,
            PolicyDocument=operator_policy(organisation, policy),
        )


__all__ = ("HOST", "Tampering", "let_operator_remediate")
