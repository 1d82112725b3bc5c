# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes: they change a repository, then reach whoever listens to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from ..codebuild import webhooks
from ..codepipeline import triggers
from .push import CLOSED, OPEN, UPDATED, Push
from .store import found_or_made

_CODECOMMIT = "arn:aws:codecommit:"


def push(
    *,
    repository: str,
    files: Mapping[str, str],
    branch: str,
    tag: str,
    pull_request: str,
    target: str,
    message: str,
    from_fork: bool,
) -> dict[str, Any]:
    """Push files, a tag or a pull request.

    files: what the commit adds or changes, by path, in base64. tag: given to the branch's head.
    pull_request: OPEN, UPDATED or CLOSED, from the branch into *target*. Raises ValueError.
    """
    if pull_request and pull_request not in (OPEN, UPDATED, CLOSED):
        raise ValueError(f"A pull request is OPEN, UPDATED or CLOSED, not {pull_request}")
    store = found_or_made(repository)
    is_new = branch not in store.branches
    if files:
        content = {path: base64.b64decode(data) for path, data in files.items()}
        store.commit(branch, content, message, onto=target)
    head = store.head(branch)
    if head is None:
        raise ValueError(f"{repository} has no branch {branch}, and nothing is pushed to it")
    if tag:
        store.tags[tag] = head.id
    whole = Push(
        repository=repository,
        commit=head.id,
        message=head.message,
        branch=branch,
        tag=tag,
        paths=tuple(sorted(files)),
        is_new=is_new,
        event=pull_request,
        number=store.number(branch) if pull_request else 0,
        target=target,
        from_fork=from_fork,
    )
    for part in _parts(whole):
        if repository.startswith(_CODECOMMIT):
            _send_event(part)
        else:
            triggers.start_for(part)
            webhooks.build_for(part)
    return {"commit": head.id, "pull_request": whole.number}


def _parts(whole: Push) -> Iterator[Push]:
    """A provider calls a webhook for each of branch, tag and pull request.

    What a fork pushes, its own repository hears.
    """
    if whole.paths and not whole.from_fork:
        yield replace(whole, tag="", event="")
    if whole.tag:
        yield replace(whole, branch="", paths=(), event="")
    if whole.event:
        yield replace(whole, tag="")


def _send_event(part: Push) -> None:
    """The event 'CodeCommit Repository State Change', for branches and tags.

    https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
    """
    if part.event:
        return
    _arn, _aws, _service, region, account, name = part.repository.split(":")
    kind, reference = ("tag", part.tag) if part.tag else ("branch", part.branch)
    detail = {
        "event": "referenceCreated" if part.is_new or part.tag else "referenceUpdated",
        "repositoryName": name,
        "repositoryId": "00000000-0000-0000-0000-000000000000",
        "referenceType": kind,
        "referenceName": reference,
        "referenceFullName": f"refs/{'tags' if part.tag else 'heads'}/{reference}",
        "commitId": part.commit,
    }
    with request_scope(account, region):
        eventbridge._put_events(
            {
                "Entries": [
                    {
                        "Source": "aws.codecommit",
                        "DetailType": "CodeCommit Repository State Change",
                        "Resources": [part.repository],
                        "Detail": json.dumps(detail),
                    }
                ]
            },
            allow_aws_source=True,
        )


__all__ = ("push",)
