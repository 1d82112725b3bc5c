# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stacks of accounts and regions, each listed once for every step of a task."""

from __future__ import annotations

from .._aws.batch import Options, account_of
from .._aws.gateway import Gateway
from .._errors import PipelineError
from .api import StackApi
from .model import Found

_GONE = "DELETE_COMPLETE"

_Region = tuple[str, str]  # account id and region


class Listings:
    """Lists of stacks, read when they are first needed; safe to share between threads."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers: dict[_Region, dict[str, Found] | PipelineError] = {}

    def of(self, target: Options) -> dict[str, Found]:
        """Return the stacks of a target's account and region, by name. Raises PipelineError."""
        region = target["account_id"], target["region"]
        if region not in self._answers:
            try:
                stacks = self._api(target).all()
                self._answers[region] = {
                    stack.name: stack for stack in stacks if stack.status != _GONE
                }
            except PipelineError as exc:
                self._answers[region] = exc
        answer = self._answers[region]
        if isinstance(answer, PipelineError):
            raise answer
        return answer

    def find(self, target: Options, name: str) -> Found | None:
        """Return one stack of a target's account and region; by its name where nobody may list.

        Raises PipelineError.
        """
        try:
            return self.of(target).get(name)
        except PipelineError:
            found: Found | None = self._api(target).find(name)
            return found

    def _api(self, target: Options) -> StackApi:
        return StackApi.of(self._gateway.open(account_of(target)), target["region"])


__all__ = ("Listings",)
