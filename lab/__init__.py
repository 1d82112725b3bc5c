# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab: a local AWS organisation. Other parts of the tree import these names only."""

from __future__ import annotations

from .calls.call import Call
from .calls.faults import Rule
from .client.groups import end_group
from .client.lab import Lab, Setup
from .client.pipeline import Action, Pipeline
from .cloudformation.hooks import Hook
from .cloudformation.resource_faults import ResourceRule
from .codebuild.results import BuildResult
from .errors import LabError
from .organisation.example import EXAMPLE, artifacts, objects
from .organisation.model import Account, Organisation, load_organisation
from .organisation.seed import FILES, drift_policy, operator_policy, organizations_policy

__all__ = (
    "EXAMPLE",
    "FILES",
    "Account",
    "Action",
    "BuildResult",
    "Call",
    "Hook",
    "Lab",
    "LabError",
    "Organisation",
    "Pipeline",
    "ResourceRule",
    "Rule",
    "Setup",
    "artifacts",
    "drift_policy",
    "end_group",
    "load_organisation",
    "objects",
    "operator_policy",
    "organizations_policy",
)
