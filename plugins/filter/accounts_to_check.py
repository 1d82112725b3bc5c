# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.accounts_to_check``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: accounts_to_check
short_description: Names the accounts whose credentials a bootstrap has to prove
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Those of the hosts of the play; and, whatever C(--limit) says, those that the run would newly
    grant, because a policy may name only accounts that exist.
  - Quarantined hosts are left out.
positional: stacks, play_hosts
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  stacks:
    description: What M(crossaccount.pipeline.stack_outputs_info) read of the foundation.
    type: list
    elements: dict
    required: true
  play_hosts:
    description: The hosts of the play, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Prove the credentials of every account
  crossaccount.pipeline.account_access_info:
    accounts: >-
      {{ organisation | crossaccount.pipeline.accounts_to_check(stacks, ansible_play_hosts_all) }}
"""

RETURN = r"""
_value:
  description: Accounts in the form that M(crossaccount.pipeline.account_access_info) takes.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import plan as _plan
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)

_KEYS = ("name", "account_id", "profile", "role_arn", "access_role_name")


def accounts_to_check(
    organisation: dict[str, t.Any], stacks: list[dict[str, t.Any]], play_hosts: list[str]
) -> list[dict[str, t.Any]]:
    """Return the accounts to check, as targets."""
    hosts = _plan.accounts_to_check(Organisation.from_data(organisation), stacks, play_hosts)
    return [{key: value for key, value in host.target().items() if key in _KEYS} for host in hosts]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"accounts_to_check": accounts_to_check}
