# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake of an account's roles, by name."""

from __future__ import annotations

from typing import Any

from tests.fakes.service import FakeService, Refusal


class FakeRoles(FakeService):
    """The roles of an account."""

    def __init__(self) -> None:
        super().__init__("iam")
        self.client = self.clients["iam"]
        self.names: set[str] = set()

    def _get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803  # as AWS has it
        if RoleName not in self.names:
            raise Refusal("NoSuchEntity", f"The role {RoleName} cannot be found")
        return {"Role": {"RoleName": RoleName}}
