# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The templates of access.yml, the policies that they name inserted.

``PolicyDocument: '@@ operator-policy.json @@'`` becomes that policy: its placeholders, and the
default names in it, refer to the template's parameters.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t
from pathlib import Path

from .._stack.template import parse

FILES = Path(__file__).parents[3] / "playbooks" / "files"

_POLICY = re.compile(
    r"^(?P<indent> *)PolicyDocument: '@@ (?P<file>[\w.-]+\.json) @@'$", re.MULTILINE
)
_REFERENCES = {
    "${Partition}": "${AWS::Partition}",
    "${BuildAccountId}": "${AWS::AccountId}",
    "CrossAccountPrimary": "${PrimaryStackName}",
    "CrossAccountRegional": "${RegionalStackName}",
    "CrossAccountCodePipeline": "${CodePipelineRoleName}",
    "crossaccountprimary-": "${PrimaryBucketPrefix}",
    "crossaccountregional-": "${RegionalBucketPrefix}",
}


@functools.cache
def template(name: str) -> str:
    """Return the template of this name as it is deployed."""
    text = (FILES / f"{name}.template").read_text(encoding="ascii")
    return _POLICY.sub(_policy, text)


@functools.cache
def version(name: str) -> int:
    """Return the version of the template of this name, which is one of its outputs."""
    return int(parse(template(name))["Outputs"]["Version"]["Value"])


def _policy(match: re.Match[str]) -> str:
    document = json.loads((FILES / match["file"]).read_text(encoding="ascii"))
    lines = json.dumps(_referring(document), indent=2).split("\n")
    indent = match["indent"] + "  "
    return "\n".join([f"{match['indent']}PolicyDocument:", *(f"{indent}{line}" for line in lines)])


def _referring(value: t.Any) -> t.Any:
    """Return part of a policy with references to parameters."""
    if isinstance(value, dict):
        return {key: _referring(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_referring(item) for item in value]
    if not isinstance(value, str):
        return value
    for name, reference in _REFERENCES.items():
        value = value.replace(name, reference)
    return {"Fn::Sub": value} if "${" in value else value


__all__ = ("FILES", "template", "version")
