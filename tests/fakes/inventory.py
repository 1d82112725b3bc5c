# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory for tests, in the form in which Ansible gives it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

BUILD, DEVELOPMENT, TESTING, PRODUCTION = (digit * 12 for digit in "1234")
HOSTS_FILE, SHARED_FILE = "inventories/org/hosts.yml", "inventories/org/group_vars/all.yml"


class Inventory:
    """The foundation of the inventory that the collection ships; a test changes it."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {
            "regional": ["eu-west-1", "ap-southeast-2"],
            "primary": ["build"],
            "deploy_accounts": ["production", "development", "testing"],
        }
        self.hosts: dict[str, dict[str, Any]] = {
            "eu-west-1": {},
            "ap-southeast-2": {},
            "build": {},
            "development": {"account_id": DEVELOPMENT, "regions": ["us-east-1"]},
            "testing": {"account_id": TESTING, "regions": ["us-east-1", "eu-west-1"]},
            "production": {
                "account_id": PRODUCTION,
                "regions": ["us-east-1", "eu-west-1", "ap-southeast-2"],
            },
        }
        for variables in self.hosts.values():
            variables["inventory_file"] = HOSTS_FILE
        for name in self.groups["deploy_accounts"]:
            self.hosts[name]["deploy_account_execution_policies"] = ["arn:aws:iam::aws:policy/One"]
        self.shared: dict[str, Any] = {
            "build_account_id": BUILD,
            "primary_region": "us-east-1",
            "access_role_name": "CrossAccountAccess",
        }

    def add(self, group: str, name: str, **variables: Any) -> None:
        """Add a host."""
        self.groups.setdefault(group, []).append(name)
        self.hosts[name] = {"inventory_file": HOSTS_FILE, **variables}

    def add_pipeline(self, name: str, **environments: Any) -> None:
        """Add a pipeline that deploys to hosts; each value is the regions, or None for all."""
        places = [
            {"host": host, **({"regions": regions} if regions else {})}
            for host, regions in environments.items()
        ]
        artifact = {"name": "application", "object": "application.zip", "trigger": True}
        uploader = {"role_arns": [f"arn:aws:iam::{BUILD}:role/Uploader"]}
        self.add(
            "pipelines",
            name,
            pipeline={
                "source": {"type": "s3", "artifacts": [artifact], "uploader": uploader},
                "stacks": [{"name": name, "artifact": "application", "template": "one.template"}],
                "waves": [{"name": "all", "environments": places}],
            },
        )

    def retire(self, region: str) -> None:
        """Make a region absent, as the rules want it."""
        self.hosts[region]["state"] = "absent"
        for name in self.groups["deploy_accounts"]:
            regions = self.hosts[name]["regions"]
            self.hosts[name]["regions"] = [other for other in regions if other != region]

    def add_account(self, name: str, account_id: Any, regions: Any = ("us-east-1",)) -> None:
        """Add a deploy account."""
        self.add(
            "deploy_accounts",
            name,
            account_id=account_id,
            regions=list(regions) if isinstance(regions, tuple) else regions,
            deploy_account_execution_policies=["arn:aws:iam::aws:policy/One"],
        )

    def remove(self, *names: str) -> None:
        """Remove hosts."""
        for name in names:
            for members in self.groups.values():
                if name in members:
                    members.remove(name)
            del self.hosts[name]

    def variables(self) -> Variables:
        """Return the groups and variables, as Ansible has them."""
        groups = {"all": list(self.hosts), **self.groups}
        hostvars = {name: {**self.shared, **given} for name, given in self.hosts.items()}
        return Variables(groups, hostvars)

    def read(self) -> Organisation:
        """Return the organisation. Raises PipelineError that lists the problems."""
        variables = self.variables()
        organisation = read_organisation(variables, variables.problems)
        variables.problems.raise_any()
        return organisation


def regional_stack(region: str, accounts: Iterable[str] = (), **more: Any) -> Found:
    """Return a regional stack as AWS describes it."""
    name = more.pop("name", "CrossAccountRegional")
    values = {
        "stack_id": f"arn:aws:cloudformation:{region}:{BUILD}:stack/{name}/1",
        "name": name,
        "status": "UPDATE_COMPLETE",
        "parameters": {"DeployAccountIds": ",".join(sorted(accounts))},
        "tags": {},
        "outputs": regional_outputs(region),
    }
    return Found(**{**values, **more})


def primary_stack(
    accounts: Iterable[str] = (), registered: Iterable[str] = (), **more: Any
) -> Found:
    """Return the primary stack as AWS describes it, with the regions of its register."""
    regions = sorted(registered)
    parameters = {
        "DeployAccountIds": ",".join(sorted(accounts)),
        "Regions": ",".join(regions),
        "RegionKeyArns": ",".join(key_arn(region) for region in regions),
        "RegionBucketArns": ",".join(bucket_arn(region) for region in regions),
        "RegionAssetBucketArns": ",".join(asset_bucket_arn(region) for region in regions),
    }
    values = {"name": "CrossAccountPrimary", "parameters": parameters, "outputs": PRIMARY_OUTPUTS}
    return regional_stack("us-east-1", **{**values, **more})


def regional_outputs(region: str) -> dict[str, str]:
    """Return the outputs of a regional stack."""
    return {
        "AssetBucketArn": asset_bucket_arn(region),
        "KeyArn": key_arn(region),
        "PipelineBucketArn": bucket_arn(region),
        "PipelineBucketName": f"pipeline-{region}",
    }


def key_arn(region: str, name: str = "1234") -> str:
    """Return the ARN of a region's key."""
    return f"arn:aws:kms:{region}:{BUILD}:key/{name}"


def bucket_arn(region: str) -> str:
    """Return the ARN of a region's pipeline bucket."""
    return f"arn:aws:s3:::pipeline-{region}"


def asset_bucket_arn(region: str) -> str:
    """Return the ARN of a region's asset bucket."""
    return f"arn:aws:s3:::assets-{region}"


def entry(region: str, key: str = "1234") -> dict[str, str]:
    """Return a region's entry in the register."""
    return {
        "region": region,
        "key_arn": key_arn(region, key),
        "bucket_arn": bucket_arn(region),
        "asset_bucket_arn": asset_bucket_arn(region),
    }


PRIMARY_OUTPUTS = {
    **regional_outputs("us-east-1"),
    "ApprovalTopicArn": f"arn:aws:sns:us-east-1:{BUILD}:approvals",
    "BuildBucketName": "builds",
    "SyncArtifactsFunctionName": "sync-artifacts",
}
