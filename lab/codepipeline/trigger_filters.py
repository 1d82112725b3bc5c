# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters of a V2 trigger match. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-filter.html
"""

from __future__ import annotations

from typing import Any

from ..repositories.push import Push, matches

Data = dict[str, Any]


def wants(trigger: Data, action: str, push: Push) -> bool:
    """Whether a trigger of the action has a filter that matches."""
    git = trigger["gitConfiguration"]
    if git["sourceActionName"] != action:
        return False
    if push.event:
        return any(_wants_pull_request(item, push) for item in git.get("pullRequest", []))
    return any(_wants_push(item, push) for item in git.get("push", []))


def _wants_push(item: Data, push: Push) -> bool:
    if push.tag or "tags" in item:
        return bool(push.tag) and "tags" in item and _included(item["tags"], [push.tag])
    return _included(item.get("branches", {}), [push.branch]) and _has_paths(item, push)


def _wants_pull_request(item: Data, push: Push) -> bool:
    if push.event not in item.get("events", [push.event]):
        return False
    return _included(item.get("branches", {}), [push.target]) and _has_paths(item, push)


def _has_paths(item: Data, push: Push) -> bool:
    return "filePaths" not in item or _included(item["filePaths"], push.paths)


def _included(criteria: Data, names: list[str] | tuple[str, ...]) -> bool:
    """Whether a name is included and not excluded; without includes all are."""
    includes, excludes = criteria.get("includes", ["**"]), criteria.get("excludes", [])
    return any(
        any(matches(pattern, name) for pattern in includes)
        and not any(matches(pattern, name) for pattern in excludes)
        for name in names
    )


__all__ = ("wants",)
