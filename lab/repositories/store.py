# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What repositories hold: commits, branches, tags. Pure data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit with all files of its tree."""

    id: str
    message: str
    files: dict[str, bytes]


@dataclass
class Repository:
    """A repository: heads of branches and tags by name, commits by id."""

    name: str
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: dict[str, int] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes], message: str, *, onto: str) -> Commit:
        """Add files to a branch, which begins at the head of *onto*."""
        parent = self.branches.get(branch) or self.branches.get(onto, "")
        tree = {**(self.commits[parent].files if parent else {}), **files}
        text = f"{parent} {len(self.commits)} {message} {sorted(tree)}"
        commit_id = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        commit = Commit(id=commit_id, message=message, files=tree)
        self.commits[commit_id] = commit
        self.branches[branch] = commit_id
        return commit

    def head(self, branch: str) -> Commit | None:
        """Return the newest commit of a branch."""
        found = self.branches.get(branch)
        return self.commits[found] if found else None

    def number(self, branch: str) -> int:
        """Return the number of the branch's pull request."""
        return self.pull_requests.setdefault(branch, len(self.pull_requests) + 1)


REPOSITORIES: dict[str, Repository] = {}


def found_or_made(name: str) -> Repository:
    """Return a repository; the first push makes it."""
    return REPOSITORIES.setdefault(name, Repository(name))


__all__ = ("REPOSITORIES", "Commit", "Repository", "found_or_made")
