# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The foundation's stacks by what they are, as cases name them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.policy.export import Export, Stack
from tests.policy.release import Store


@dataclass(frozen=True, kw_only=True)
class Account:
    """A deploy account.

    regions: where pipelines deploy to in it. access_role: the ARN of the role that deploys it.
    """

    name: str
    stack: Stack
    regions: tuple[str, ...]
    access_role: str


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """The organisation as its inventory describes it.

    regional: every region but the primary one, by its stack.
    admits_organization: whether policies admit an organization instead of naming accounts.
    """

    export: Export
    primary: Stack
    regional: tuple[Stack, ...]
    accounts: tuple[Account, ...]
    admits_organization: bool = False

    @property
    def stacks(self) -> list[Stack]:
        """Every foundation stack."""
        return [self.primary, *self.regional, *(one.stack for one in self.accounts)]

    @property
    def stores(self) -> dict[str, Store]:
        """The artifact store of each region."""
        return self._stores("PipelineBucket")

    @property
    def assets(self) -> dict[str, Store]:
        """The asset bucket of each region, with its key."""
        return self._stores("AssetBucket")

    def _stores(self, logical_id: str) -> dict[str, Store]:
        return {
            stack.region: Store(
                region=stack.region,
                bucket_arn=self._bucket_arn(stack, logical_id),
                key_arn=self._key_arn(stack),
            )
            for stack in (self.primary, *self.regional)
        }

    @property
    def build_store(self) -> Store:
        """The build bucket with its key."""
        return Store(
            region=self.primary.region,
            bucket_arn=self._bucket_arn(self.primary, "BuildBucket"),
            key_arn=self._key_arn(self.primary),
        )

    def role(self, stack: Stack, logical_id: str) -> str:
        """Return the ARN of a role."""
        made_by = f"{stack.name}/{logical_id}"
        policies = (one for one in self.export.policies if one.made_by == made_by)
        return next(one.owner for one in policies if one.account == stack.account)

    def _bucket_arn(self, stack: Stack, logical_id: str) -> str:
        name = self.export.physical_id(stack, logical_id)
        made_by = f"{stack.name}/{logical_id}"
        owners = (one.owner for one in self.export.policies if one.made_by == made_by)
        return next(owner for owner in owners if owner.endswith(f":{name}"))

    def _key_arn(self, stack: Stack) -> str:
        name = self.export.physical_id(stack, "Key").rpartition("/")[2]
        owners = (one.owner for one in self.export.policies if one.kind == "resource")
        return next(owner for owner in owners if owner.endswith(f":key/{name}"))


__all__ = ("Account", "Foundation")
