# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who was refused what, from the messages of AWS. Pure.

Most follow the forms of the IAM user guide, "Troubleshoot access denied error messages". Others
are CodePipeline's, CloudFormation's, KMS's and the SyncArtifacts function's own; public reports
show them, and each has an example in the tests. A message of another form names nobody.
"""

from __future__ import annotations

import dataclasses
import re

# What denied, by the words of AWS after "because no" and "with an explicit deny in a".
IDENTITY, RESOURCE, TRUST = "identity-based policy", "resource-based policy", "role trust policy"
SCP, RCP = "service control policy", "resource control policy"
BOUNDARY, SESSION, ENDPOINT = "permissions boundary", "session policy", "VPC endpoint policy"
_POLICIES = (IDENTITY, RESOURCE, TRUST, SCP, RCP, BOUNDARY, SESSION, ENDPOINT)

# What the code and the words of other messages mean.
DISABLED, GONE, QUOTA, REGION, TIMEOUT = "disabled", "gone", "quota", "region", "timeout"

_POLICY = "|".join(_POLICIES)
_USER = re.compile(
    r"User: (?P<principal>arn:\S+) is not authorized to perform: (?P<permission>[\w-]+:\w+)"
    r"(?: on (?:the )?resource: [\"']?(?P<resource>[^\s\"',]+))?"
)
_NO_POLICY = re.compile(rf"because no (?P<policy>{_POLICY}) allows", re.IGNORECASE)
_DENIED = re.compile(
    rf"with an explicit deny in (?:an?|the) (?P<policy>{_POLICY})(?:: (?P<arn>arn:\S+))?",
    re.IGNORECASE,
)
# KMS does not name the key of a ciphertext: its policy, or its region.
_CIPHERTEXT = re.compile(r"associated with this ciphertext because the resource does not exist")
_ASSUME = re.compile(
    r"(?P<principal>arn:\S+|[\w.]+) is not authorized to perform AssumeRole on (?:role )?"
    r"(?P<resource>arn:[^\s,;'\")]+)"
)
_CANNOT_ASSUME = re.compile(
    r"cannot be assumed: .*?assume the role '?(?P<resource>arn:[^\s,;'\")]+)", re.DOTALL
)
_INVALID_ROLE = re.compile(
    r"Role (?P<resource>arn:[^\s,;'\")]+) is invalid or cannot be assumed", re.IGNORECASE
)
_ARTIFACT = re.compile(
    r"object key '(?P<key>[^']*)' located in the Amazon S3 artifact bucket '(?P<bucket>[^']+)'"
)
_BUCKET = re.compile(r"access the Amazon S3 bucket named (?P<bucket>[\w.-]+?)[.,]?\s")
_SYNC = re.compile(r"cannot be copied to (?P<bucket>[\w.-]+):|^(?P<read>[\w.-]+) cannot be read\.")
_KEY = re.compile(
    r"(?P<resource>arn:[\w-]+:kms:\S+:key/[\w-]+)'? (?P<state>is disabled|is pending|does not exist)"
)
_FUNCTION = re.compile(r"Function not found: (?P<resource>arn:[^\s,;)\"']+)")
_NO_BUCKET = re.compile(r"\bNoSuchBucket\b|The specified bucket does not exist")

_WORDS = (
    (
        REGION,
        re.compile(
            r"RegionDisabledException|is not activated in this region|OptInRequired"
            r"|security token included in the request is invalid|UnrecognizedClientException"
            r"|InvalidClientTokenId|InvalidToken\b"
        ),
    ),
    (
        QUOTA,
        re.compile(
            r"LimitExceeded|limit exceeded|has exceeded the limit|exceeds the limit"
            r"|[Ss]ervice ?[Qq]uota|TooManyStacks|Limit for \w+ has been exceeded"
        ),
    ),
    (TIMEOUT, re.compile(r"failed to return a result|JobTimeout|timed out", re.IGNORECASE)),
)
_SESSION = re.compile(
    r"(?P<head>arn:[\w-]+:)sts::(?P<account>\d{12}):assumed-role/(?P<name>[^/\s]+)/\S+"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a message reports.

    :param principal: the role that was refused, without its session (and so without its path), or
        the service.
    :param policy: the type of policy that refused; empty where the message does not have it.
    :param policy_arn: the policy itself, where AWS names it.
    :param explicit: whether a Deny refused; otherwise nothing allowed it.
    :param condition: what it means besides a denial: DISABLED, GONE, QUOTA, REGION or TIMEOUT.
    :param key: whether it is about reading a ciphertext: which key is not named.
    """

    message: str
    principal: str | None = None
    permission: str | None = None
    resource: str | None = None
    policy: str = ""
    policy_arn: str = ""
    explicit: bool = False
    condition: str = ""
    key: bool = False

    @property
    def service(self) -> str:
        """The service of the permission; empty without one."""
        return (self.permission or "").partition(":")[0]


def read_refusal(message: str, *, code: str = "", partition: str = "aws") -> Refusal:
    """Return what *message* and *code* of a failed action or call report.

    :param partition: for the ARN of a bucket that is only named.
    """
    found = Refusal(message=message, condition=_condition(f"{code} {message}"))
    found = _named(found, message, partition)
    for pattern, explicit in ((_NO_POLICY, False), (_DENIED, True)):
        match = pattern.search(message)
        if match:
            return dataclasses.replace(
                found,
                policy=match["policy"].lower().replace("vpc", "VPC"),
                policy_arn=(match.groupdict().get("arn") or "").rstrip(".,;)"),
                explicit=explicit,
            )
    return dataclasses.replace(found, explicit="explicit deny" in message)


def _named(found: Refusal, message: str, partition: str) -> Refusal:
    """Return *found* with principal, permission and resource, from the first form that fits."""
    match = _USER.search(message)
    if match:
        return dataclasses.replace(
            found,
            principal=role_of(match["principal"]),
            permission=match["permission"],
            resource=_clean(match["resource"]),
            key=bool(_CIPHERTEXT.search(message)),
        )
    match = _ASSUME.search(message)
    if match:
        return dataclasses.replace(
            found,
            principal=role_of(match["principal"]),
            permission="sts:AssumeRole",
            resource=_clean(match["resource"]),
        )
    match = _INVALID_ROLE.search(message)
    if match:
        return dataclasses.replace(
            found,
            principal="cloudformation.amazonaws.com",
            permission="sts:AssumeRole",
            resource=_clean(match["resource"]),
        )
    match = _CANNOT_ASSUME.search(message)
    if match:
        return dataclasses.replace(
            found, permission="sts:AssumeRole", resource=_clean(match["resource"])
        )
    match = _KEY.search(message)
    if match:
        condition = GONE if match["state"] == "does not exist" else DISABLED
        return dataclasses.replace(
            found, permission="kms:Decrypt", resource=match["resource"], condition=condition
        )
    match = _FUNCTION.search(message)
    if match:
        return dataclasses.replace(
            found,
            permission="lambda:InvokeFunction",
            resource=_clean(match["resource"]),
            condition=GONE,
        )
    bucket = _bucket(message)
    if bucket:
        gone = GONE if _NO_BUCKET.search(message) else found.condition
        return dataclasses.replace(
            found,
            permission="s3:GetObject",
            resource=f"arn:{partition}:s3:::{bucket}",
            condition=gone,
        )
    return found


def _bucket(message: str) -> str:
    """Return the bucket, and the object's key if known, that a message is about."""
    match = _ARTIFACT.search(message)
    if match:
        return f"{match['bucket']}/{match['key']}"
    match = _BUCKET.search(message)
    if match:
        return match["bucket"]
    match = _SYNC.search(message)
    return (match["bucket"] or match["read"]) if match else ""


def _condition(text: str) -> str:
    return next((condition for condition, words in _WORDS if words.search(text)), "")


def _clean(resource: str | None) -> str | None:
    return resource.rstrip(".,;)'\"") if resource else None


def role_of(arn: str) -> str:
    """Return the ARN of a session's role, without its path, which the session's ARN lacks."""
    match = _SESSION.match(arn)
    return f"{match['head']}iam::{match['account']}:role/{match['name']}" if match else arn


__all__ = (
    "BOUNDARY",
    "DISABLED",
    "ENDPOINT",
    "GONE",
    "IDENTITY",
    "QUOTA",
    "RCP",
    "REGION",
    "RESOURCE",
    "SCP",
    "SESSION",
    "TIMEOUT",
    "TRUST",
    "Refusal",
    "read_refusal",
    "role_of",
)
