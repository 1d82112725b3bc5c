# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of cause: what it means and what to do. docs/prove.md has the table. Pure."""

from __future__ import annotations

import dataclasses

_REVERT = "ansible-playbook drift.yml {inventory} -e remediate=true --limit {host}"
_BOOTSTRAP = "ansible-playbook bootstrap.yml {inventory}"
_ACCESS = "ansible-playbook playbooks/access.yml {inventory} --limit {host}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of cause.

    :param meaning: for people, as the table of the docs has it.
    :param cure: what to do; ``{host}``, ``{account_id}``, ``{region}``, ``{resource}`` and others
        stand for what is known of the failure.
    """

    meaning: str
    cure: str


KINDS: dict[str, Kind] = {
    # Of the build account, in one region
    "bucket_policy": Kind(
        meaning="the pipeline bucket's policy does not admit the account's roles",
        cure=f"Put the policy back: {_REVERT}",
    ),
    "bucket_missing": Kind(
        meaning="the pipeline bucket does not exist",
        cure=f"Put it back: {_REVERT}",
    ),
    "key_policy": Kind(
        meaning="the KMS key's policy does not admit the caller",
        cure=f"Put the policy back: {_REVERT}",
    ),
    "key_disabled": Kind(
        meaning="the KMS key is disabled, or its deletion is scheduled",
        cure="Cancel its deletion if that is scheduled, then enable it: aws kms enable-key --region"
        " {region} --key-id {resource}",
    ),
    "key_missing": Kind(
        meaning="the KMS key does not exist",
        cure=f"What it encrypted is lost. Make a new one: {_REVERT}",
    ),
    "not_granted": Kind(
        meaning="the region's stack does not admit the account yet",
        cure=f"Run the bootstrap without --limit: {_BOOTSTRAP}",
    ),
    "not_deployed": Kind(
        meaning="the region has no regional stack that is complete",
        cure=f"Run the bootstrap without --limit: {_BOOTSTRAP}",
    ),
    "sync_function": Kind(
        meaning="the function that copies artifacts between regions does not exist or cannot run",
        cure=f"Put it back: {_REVERT}",
    ),
    "sync_role": Kind(
        meaning="the role of that function was changed",
        cure=f"Put its policies back: {_REVERT}",
    ),
    "sync_timeout": Kind(
        meaning="that function did not report a result to CodePipeline",
        cure="Look at its log group, SyncArtifactsLogGroup of the primary stack",
    ),
    # Of a deploy account
    "role_missing": Kind(
        meaning="a role of the deploy account does not exist",
        cure=f"Make it again: {_REVERT}",
    ),
    "trust": Kind(
        meaning="a role's trust policy does not admit its caller",
        cure=f"Put the trust back: {_REVERT}",
    ),
    "role_policy": Kind(
        meaning="a role's own policies do not allow the call",
        cure=f"Put its policies back: {_REVERT}",
    ),
    "pass_role": Kind(
        meaning="the CodePipeline role may not pass the CloudFormation role",
        cure=f"Put its policies back: {_REVERT}",
    ),
    "boundary": Kind(
        meaning="the permissions boundary of a role does not allow the call",
        cure="Let the boundary of {principal} allow {permission}",
    ),
    "region_off": Kind(
        meaning="the account has not enabled the opt-in region",
        cure="Remove {region} from regions of {host}, or enable it in {account_id}: aws account"
        " enable-region --region-name {region}",
    ),
    "account_suspended": Kind(
        meaning="the account is suspended, or it is being closed",
        cure="Set state: quarantined of {host}, or reopen the account with AWS Support",
    ),
    "no_access": Kind(
        meaning="the access role of the account cannot be assumed",
        cure=f"For a closed account set state: quarantined of {{host}}. Otherwise install it: {_ACCESS}",
    ),
    # Of the organization
    "scp": Kind(
        meaning="a service control policy denies the call",
        cure="Let the policy admit {permission} of {principal} in {region}. The policies of the"
        " account: aws organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY"
        " --target-id {account_id}",
    ),
    "rcp": Kind(
        meaning="a resource control policy denies the call",
        cure="Let the policy admit {permission} of {principal} on {resource}",
    ),
    # Of a service
    "quota": Kind(
        meaning="a quota of AWS is reached",
        cure="Delete what is no longer needed, or raise it: Service Quotas in {region}",
    ),
    "stack_failed": Kind(
        meaning="CloudFormation could not deploy the canary's stack",
        cure="Fix what the message names, then run again",
    ),
    "refused": Kind(
        meaning="AWS refused for a reason that nothing here explains",
        cure="Look at the message, and at the event in CloudTrail of {account_id} in {region}",
    ),
    "failed": Kind(
        meaning="the action failed, and no permission is to blame",
        cure="Look at the message, then run again",
    ),
    # Nothing was tried
    "quarantined": Kind(
        meaning="the inventory leaves the account alone",
        cure="Set state: present of {host} once the account is in order",
    ),
    "absent": Kind(
        meaning="the inventory removes the account",
        cure="Nothing to do",
    ),
    "unseen": Kind(
        meaning="the run ended before the path did",
        cure="Run again, with a longer wait_timeout if it was too short",
    ),
    "unexpected": Kind(
        meaning="the run itself failed",
        cure="Report it as a bug",
    ),
    "left_behind": Kind(
        meaning="something that the run made could not be removed",
        cure="Fix the cause, then run prove.yml with --tags clean",
    ),
    # Notes, which stop no path of the canary
    "connection": Kind(
        meaning="a connection is not available, so its pipelines get no pushes",
        cure="Complete it in the console: Developer Tools, Settings, Connections, {resource}",
    ),
    "oauth": Kind(
        meaning="CodeBuild has no credentials for the repository of a project",
        cure="Set connection_arn of the pipeline's source, or authorize CodeBuild"
        " (docs/sources.md)",
    ),
    "no_subscribers": Kind(
        meaning="nobody has subscribed to a topic, so nobody hears of approvals or failures",
        cure="Subscribe: aws sns subscribe --region {region} --topic-arn {resource} --protocol"
        " email --notification-endpoint ADDRESS",
    ),
    "unread": Kind(
        meaning="a look-up was refused, so it can explain nothing",
        cure="Allow it (docs/permissions.md, For canaries), or ignore this note",
    ),
}


def cure_of(kind: str, **known: str | None) -> str:
    """Return the cure of *kind* with what is known of the failure.

    :param known: values of the places; an empty one becomes its name in capitals.
    """
    names = ("host", "account_id", "region", "resource", "principal", "permission", "inventory")
    places = {name: known.get(name) or name.upper() for name in names}
    places["inventory"] = known.get("inventory") or "-i inventories/org"
    return KINDS[kind].cure.format_map(places)


__all__ = ("KINDS", "Kind", "cure_of")
