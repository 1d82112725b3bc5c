# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an AWX holds, read through its API."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

Item = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Api:
    """An AWX, or what stands in for it, and one organisation there."""

    url: str
    token: str
    organisation: str

    def environment(self) -> dict[str, str]:
        """The variables that the modules of awx.awx find it by."""
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": self.token}

    def all(self, endpoint: str) -> list[Item]:
        """Everything of a kind in the organisation."""
        query = urlencode({"organization": self._organisation["id"], "page_size": 200})
        return self._results(f"{endpoint}/?{query}")

    def one(self, endpoint: str, name: str) -> Item:
        """The thing of that name in the organisation."""
        (found,) = [item for item in self.all(endpoint) if item["name"] == name]
        return found

    def attached(self, item: Item, what: str) -> list[str]:
        """The names of what is attached to a thing, in order."""
        found = self._results(f"{item['url'].removeprefix('/api/v2/')}{what}/")
        return [item.get("identifier") or item["name"] for item in found]

    def nodes(self, workflow: str) -> dict[str, Item]:
        """The nodes of a workflow by their identifiers."""
        number = self.one("workflow_job_templates", workflow)["id"]
        found = self._results(f"workflow_job_template_nodes/?workflow_job_template={number}")
        return {node["identifier"]: node for node in found}

    def related(self, item: Item, what: str) -> Item:
        """What an item refers to."""
        found: Item = self._get(item["related"][what].removeprefix("/api/v2/"))
        return found

    def schedules(self, template: Item) -> list[Item]:
        """The schedules of a template."""
        return self._results(f"schedules/?unified_job_template={template['id']}")

    def galaxy_credentials(self) -> list[str]:
        """The names of the credentials that the organisation installs collections with."""
        return self.attached(self._organisation, "galaxy_credentials")

    def remove(self, *, pause: float = 1) -> None:
        """Delete the organisation with all that is in it.

        AWX answers before an inventory is deleted, and cannot delete its project meanwhile.

        pause: the seconds until it is asked again.
        """
        for endpoint in (
            *("workflow_job_templates", "job_templates", "inventories", "projects"),
            *("execution_environments", "notification_templates", "credentials"),
        ):
            for item in self.all(endpoint):
                self._ask("DELETE", item["url"].removeprefix("/api/v2/"))
            for _attempt in range(300):
                if not self.all(endpoint):
                    break
                time.sleep(pause)
            else:
                raise TimeoutError(f"{endpoint} are still being deleted")
        self._ask("DELETE", f"organizations/{self._organisation['id']}/")

    @property
    def _organisation(self) -> Item:
        (found,) = self._results(f"organizations/?name={quote(self.organisation)}")
        return found

    def _results(self, path: str) -> list[Item]:
        answer = self._get(path)
        assert answer["next"] is None, f"more than a page of {path}"
        found: list[Item] = answer["results"]
        return found

    def _get(self, path: str) -> Any:
        return json.loads(self._ask("GET", path))

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.url.rstrip('/')}/api/v2/{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=30) as response:
            text: bytes = response.read()
            return text


__all__ = ("Api", "Item")
