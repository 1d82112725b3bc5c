# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Webhooks of projects: which builds a push starts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ministack.core.responses import request_scope
from ministack.services import codebuild

from ..repositories.push import CLOSED, OPEN, UPDATED, Push
from . import builds
from .projects import Data, ProjectRefusedError

_EVENTS = {
    OPEN: "PULL_REQUEST_CREATED",
    UPDATED: "PULL_REQUEST_UPDATED",
    CLOSED: "PULL_REQUEST_CLOSED",
}
_log = logging.getLogger(__name__)


def build_for(push: Push) -> None:
    """Start the builds of a push. A build that is refused is lost, as on AWS."""
    for (account, region, _name), project in list(codebuild._projects._data.items()):
        if _repository(project) != push.repository or not _wants(project, push):
            continue
        version = f"pr/{push.number}" if push.event else push.commit
        with request_scope(account, region):
            try:
                builds.build_for_push(project, version)
            except ProjectRefusedError as error:
                _log.info("%s does not build %s: %s", project["name"], push, error)


def _repository(project: Data) -> str:
    """Owner and name of a project's repository."""
    path = urlsplit(str(project["source"].get("location", ""))).path
    return path.strip("/").removesuffix(".git")


def _wants(project: Data, push: Push) -> bool:
    """Whether the project's webhook takes a push.

    AWS: a pull request of a fork waits for a comment, where the policy asks for that.
    """
    webhook = project.get("webhook")
    if webhook is None:
        return False
    policy = webhook.get("pullRequestBuildPolicy", {}).get("requiresCommentApproval", "DISABLED")
    if push.event and (policy == "ALL_PULL_REQUESTS" or (push.from_fork and policy != "DISABLED")):
        return False
    groups = webhook.get("filterGroups", [])
    return not groups or any(all(_passes(item, push) for item in group) for group in groups)


def _passes(item: Data, push: Push) -> bool:
    """Whether one filter lets a push through.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html
    """
    if item["type"] == "EVENT":
        wanted = [name.strip() for name in item["pattern"].split(",")]
        return _EVENTS.get(push.event, "PUSH") in wanted
    found = any(re.search(item["pattern"], text) for text in _texts(item["type"], push))
    return found != bool(item.get("excludeMatchedPattern", False))


def _texts(kind: str, push: Push) -> Iterator[str]:
    if kind == "HEAD_REF":
        yield f"refs/tags/{push.tag}" if push.tag else f"refs/heads/{push.branch}"
    elif kind == "BASE_REF":
        if push.event:
            yield f"refs/heads/{push.target}"
    elif kind == "FILE_PATH":
        yield from push.paths
    elif kind == "COMMIT_MESSAGE":
        yield push.message
    else:
        raise ValueError(f"The lab has no filters of type {kind}")


__all__ = ("build_for",)
