# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reports the releases of a pipeline: what it needs, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.request import Denied, Request

_KEY_USES = ("Decrypt", "GenerateDataKey")


@dataclass(frozen=True, kw_only=True)
class Notices:
    """The function of a pipeline that reports its releases.

    pipeline: the pipeline's ARN. keys: a key in each region, which users might use too.
    """

    function: dict[str, Any]
    pipeline: str
    keys: Mapping[str, str]

    @property
    def role(self) -> str:
        """The function's role."""
        return str(self.function["Role"])

    def _words(self, name: str) -> list[str]:
        return str(self.function["Environment"]["Variables"].get(name, "")).split()

    @property
    def _account(self) -> str:
        return self.pipeline.split(":")[4]

    @property
    def key(self) -> str:
        """The key of the pipeline's region."""
        return self.keys[self.pipeline.split(":")[3]]

    @property
    def topics(self) -> list[str]:
        """Our topics, encrypted with our key; those of users are in other regions in tests."""
        found = [*self._words("TOPICS"), *self._words("CHAT_TOPICS")]
        return [topic for topic in found if topic.split(":")[3] == self.pipeline.split(":")[3]]

    @property
    def others(self) -> list[str]:
        """The topics of users, whose keys are not known here."""
        return [topic for topic in self._words("TOPICS") if topic not in self.topics]

    def needs(self) -> Iterator[Request]:
        """Yield what reporting takes."""
        for name in ("GetPipelineExecution", "ListActionExecutions"):
            yield self._request(f"codepipeline:{name}", self.pipeline)
        for topic in [*self.topics, *self.others]:
            yield self._request("sns:Publish", topic)
        for name in _KEY_USES:
            if self.topics:
                yield self._use(name, self.key, "sns")
            for topic in self.others:
                yield self._foreign(name, "sns", "aws:sns:topicArn", topic)
        for secret in self._words("WEBHOOKS"):
            yield self._request("secretsmanager:GetSecretValue", secret)
            yield self._foreign("Decrypt", "secretsmanager", "SecretARN", secret)
        queue = str(self.function["DeadLetterConfig"]["TargetArn"])
        yield self._request("sqs:SendMessage", queue)

    def denied(self) -> Iterator[Denied]:
        """Yield what it may not do, each beside what it may."""
        needs = list(self.needs())
        by_action = {request.action: request for request in needs}
        read = by_action["codepipeline:ListActionExecutions"]
        another = self.pipeline.rpartition(":")[0] + ":another"
        yield Denied.of("reads another pipeline's releases", read, resource=another)
        yield Denied.of("starts the pipeline", read, action="codepipeline:StartPipelineExecution")
        publish = by_action["sns:Publish"]
        elsewhere = f"{publish.resource}-other"
        yield Denied.of("publishes elsewhere", publish, resource=elsewhere)
        plain = {"aws:SecureTransport": "false"}
        for topic in self.topics:
            secure = self._request("sns:Publish", topic)
            yield Denied.of(f"{topic} over plain HTTP", secure, context=plain)
        send = by_action["sqs:SendMessage"]
        yield Denied.of("sends to another queue", send, resource=f"{send.resource}-other")
        yield Denied.of("reads its queue", send, action="sqs:ReceiveMessage")
        for request in needs:
            if request.action == "kms:Decrypt":
                yield self._misused(request)
            elif request.action == "secretsmanager:GetSecretValue":
                other = request.resource.replace(":secret:", ":secret:other-")
                yield Denied.of("reads another secret", request, resource=other)

    def _misused(self, use: Request) -> Denied:
        """A key is used by way of one service, or for one topic or secret."""
        contexts = [name for name in use.context if name.startswith("kms:EncryptionContext:")]
        if not contexts:
            value = str(use.context["kms:ViaService"]).replace("sns.", "s3.")
            return Denied.of("uses the key for objects", use, context={"kms:ViaService": value})
        value = f"{use.context[contexts[0]]}-other"
        return Denied.of(f"uses a key for {value}", use, context={contexts[0]: value})

    def _request(self, action: str, resource: str) -> Request:
        return Request(principal=self.role, action=action, resource=resource)

    def _use(self, name: str, key: str, service: str, **encryption: str) -> Request:
        region = key.split(":")[3]
        return Request(
            principal=self.role,
            action=f"kms:{name}",
            resource=key,
            context={
                "kms:ViaService": f"{service}.{region}.amazonaws.com",
                "kms:CallerAccount": self._account,
                **{f"kms:EncryptionContext:{one}": value for one, value in encryption.items()},
            },
        )

    def _foreign(self, name: str, service: str, key: str, value: str) -> Request:
        """The use of a key for a topic or a secret of a user."""
        return self._use(name, self.keys[value.split(":")[3]], service, **{key: value})


__all__ = ("Notices",)
