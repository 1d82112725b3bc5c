# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a subscriber of a pipeline's notifications hears, by way of a queue."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.approval import (
    Approval,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
    Wave,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.notifications import (
    Notifications,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source import Source
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.notices import (
    notices,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from lab import Lab
from tests.integration.held import Held
from tests.integration.waiting import wait_until
from tools import sample_pipelines
from tools.environment import ROOT

Data = dict[str, Any]

_CODE = ROOT / "roles" / "pipeline" / "files" / "notify.py"
_NAME = "subscriber"


class Subscriber:
    """A queue that subscribes to the notifications of a pipeline, which has none yet.

    The stack of the pipeline is updated as its data would have it, with a topic of its own, which
    is encrypted.
    """

    def __init__(self, lab: Lab, held: Held, pipeline: str) -> None:
        self._lab = lab
        account = lab.organisation.build
        self._sqs = lab.client("sqs", account)
        self._notify(held, pipeline)
        topic = held.outputs(held.stack_of(pipeline))["NotificationTopicArn"]
        self._queue = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
        policy = json.dumps(
            {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]}
        )
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        lab.client("sns", account).subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{topic.split(':')[3]}:{account}:{_NAME}",
            Attributes={"RawMessageDelivery": "true"},
        )
        self._heard: list[Data] = []

    def heard(self, count: int) -> list[Data]:
        """Every notice so far, once so many have come and nothing is under way."""
        wait_until(lambda: len(self._receive()) >= count, f"{count} notices are heard")
        self._lab.wait_for_events()
        return self._receive()

    def _receive(self) -> list[Data]:
        while found := self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            self._heard.extend(json.loads(message["Body"]) for message in found)
        return self._heard

    def _notify(self, held: Held, name: str) -> None:
        """Add to the pipeline's stack what reports its releases."""
        stack = held.stack_of(name)
        client = self._lab.client("cloudformation", stack.account_id, stack.region)
        template = parse(client.get_template(StackName=stack.name)["TemplateBody"])
        part = notices(
            Pipeline(
                name=name,
                source=Source(type="codebuild", artifacts=()),
                waves=(Wave(name="production", environments=(), approval=Approval()),),
                notifications=Notifications(mail=("team@example.com",), own=("mail",)),
            ),
            sample_pipelines.foundation(),
        )
        function = part.resources["NoticesFunction"]["Properties"]
        function["Code"] = {"ZipFile": _CODE.read_text(encoding="ascii")}
        template["Resources"] |= part.resources
        template["Outputs"] |= part.outputs
        # Too large for a request.
        s3 = self._lab.client("s3", stack.account_id, stack.region)
        s3.create_bucket(Bucket=_NAME)
        s3.put_object(Bucket=_NAME, Key="template", Body=json.dumps(template).encode())
        client.update_stack(
            StackName=stack.name,
            TemplateURL=f"{self._lab.url}/{_NAME}/template",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[
                {"ParameterKey": parameter, "UsePreviousValue": True}
                for parameter in template["Parameters"]
            ],
        )
        wait_until(
            lambda: not held.status(stack).endswith("_IN_PROGRESS"), f"{stack.name} is updated"
        )
        assert held.status(stack) == "UPDATE_COMPLETE"


__all__ = ("Subscriber",)
