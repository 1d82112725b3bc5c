# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lets the build bucket of a developer account receive builds of others. Pure."""

from __future__ import annotations

import json
import typing as t

Statement = dict[str, t.Any]

# Where the statements go in the template of the primary stack.
_OF_BUCKET, _OF_KEY = "# @@ builds_from: the bucket @@", "# @@ builds_from: the key @@"


def receive_builds(
    template: str, builds_from: t.Sequence[t.Mapping[str, t.Any]], organisation_id: str
) -> str:
    """Return the template of the primary stack with what the senders may do.

    Each writes below its pipeline's name and encrypts by way of S3; none reads.
    """
    senders = [(entry["account_id"], name) for entry in builds_from for name in entry["pipelines"]]
    of_bucket = [_writes(account, name, organisation_id) for account, name in senders]
    of_key = [_encrypts(senders, organisation_id)] if senders else []
    for place, statements in ((_OF_BUCKET, of_bucket), (_OF_KEY, of_key)):
        head, mark, rest = template.partition(place)
        # JSON is YAML, and each statement one line of it.
        indent = head.rpartition("\n")[2]
        lines = f"\n{indent}".join(f"- {json.dumps(statement)}" for statement in statements)
        template = f"{head}{lines or mark}{rest}"
    return template


def _role(account_id: str, pipeline: str) -> Statement:
    path = f"role/crossaccount/build/{pipeline}-starter"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account_id}:{path}"}


def _condition(roles: t.Any, organisation_id: str, **more: t.Any) -> Statement:
    equals = {**({"aws:PrincipalOrgID": organisation_id} if organisation_id else {}), **more}
    found: Statement = {"ArnEquals": {"aws:PrincipalArn": roles}}
    return {**found, "StringEquals": equals} if equals else found


def _writes(account_id: str, pipeline: str, organisation_id: str) -> Statement:
    return {
        "Sid": "ReceiveBuilds"
        + "".join(part.title() for part in f"{pipeline}-{account_id}".split("-")),
        "Effect": "Allow",
        "Principal": {"AWS": account_id},
        "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
        "Resource": {"Fn::Sub": f"${{BuildBucket.Arn}}/{pipeline}/*"},
        "Condition": _condition(_role(account_id, pipeline), organisation_id),
    }


def _encrypts(senders: t.Sequence[tuple[str, str]], organisation_id: str) -> Statement:
    return {
        "Sid": "SendersEncrypt",
        "Effect": "Allow",
        "Principal": {"AWS": sorted({account_id for account_id, _name in senders})},
        # Decrypt: S3 reads the parts of a multipart upload before it joins them.
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": _condition(
            [_role(account_id, name) for account_id, name in senders],
            organisation_id,
            **{"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}},
        ),
    }


__all__ = ("receive_builds",)
