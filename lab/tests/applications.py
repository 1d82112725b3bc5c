# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stacks of sample applications on a lab, without Ansible."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)

from lab import Lab
from lab.clients import Clients
from lab.tests.roles import with_token
from lab.tests.stacks import Stacks, parameters, statements
from tools import sample_pipelines
from tools.environment import ROOT

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclasses.dataclass(frozen=True)
class Application:
    """A template, and the parameters that it takes there."""

    stack_name: str
    template: str
    parameters: dict[str, str]


class Foundation:
    """The primary stack, and a register in which the other regions only seem to be."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.account = lab.organisation.build
        self.region = lab.organisation.primary_region
        self.api = lab.client("cloudformation", self.account)
        primary = Stacks(self.api, "CrossAccountPrimary")
        template = _template.render(ROOT / "roles" / "primary" / "files" / "primary.template")
        assert primary.create(template, Capabilities=CAPABILITIES) == "CREATE_COMPLETE"
        self.outputs = {
            one["OutputKey"]: one["OutputValue"] for one in primary.describe()["Outputs"]
        }

    def application(self, sample: str, **changes: Any) -> Application:
        """A sample application, with fields of its data changed."""
        data = {**sample_pipelines.SAMPLES[sample](), **changes}
        [application] = sample_pipelines.read(data)
        seeming = sample_pipelines.foundation()
        own = {
            "key_arn": self.outputs["KeyArn"],
            "bucket_arn": self.outputs["PipelineBucketArn"],
            "asset_bucket_arn": self.outputs["AssetBucketArn"],
        }
        found = dataclasses.replace(seeming, register={**seeming.register, self.region: own})
        return Application(
            stack_name=application.stack_name,
            template=compose_template(
                application, sample_pipelines.BASE.read_text(encoding="ascii"), found
            ),
            parameters=compose_parameters(application, found, self.outputs),
        )

    def uploader(self, sample: str) -> Any:
        """S3 as the uploader of a sample, which a job of GitHub has assumed."""
        trusted = sample_pipelines.SAMPLES[sample]()["source"]["uploader"]
        issuer = trusted["oidc_provider_arn"].partition("/")[2]
        audience = "sts.amazonaws.com"
        iam = self.lab.client("iam", self.account)
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=[audience])
        return with_token(
            self.lab,
            f"arn:aws:iam::{self.account}:role/crossaccount/build/{sample}-uploader",
            "s3",
            issuer=issuer,
            audience=audience,
            subject=trusted["oidc_subject"],
        )

    def reader(self) -> Any:
        """S3 as a role that may read builds: the key admits roles of this path."""
        name, path = "Reader", "/crossaccount/build/"
        iam = self.lab.client("iam", self.account)
        principal = {"AWS": f"arn:aws:iam::{self.account}:root"}
        trust = statements({"Principal": principal, "Action": "sts:AssumeRole"})
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        reads = statements({"Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "*"})
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(reads))
        clients = Clients(self.lab.url)
        credentials = clients.assume(self.account, f"{path[1:]}{name}", self.region)
        return clients.client("s3", region=self.region, credentials=credentials)

    def install(self, sample: str, **changes: Any) -> Stacks:
        """Make the stack of a sample, as the account's root, with fields of its data changed."""
        application = self.application(sample, **changes)
        stacks = Stacks(self.api, application.stack_name)
        # From the bucket: it is too large for a request.
        bucket, key = self.outputs["BuildBucketName"], f"templates/{sample}"
        self.lab.client("s3", self.account).put_object(
            Bucket=bucket, Key=key, Body=application.template, ServerSideEncryption="AES256"
        )
        self.api.create_stack(
            StackName=stacks.name,
            TemplateURL=f"https://s3.{self.region}.amazonaws.com/{bucket}/{key}",
            Parameters=parameters(**application.parameters),
            Capabilities=CAPABILITIES,
        )
        assert stacks.wait() == "CREATE_COMPLETE"
        return stacks
