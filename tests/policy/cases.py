# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody may do, each beside its twin: one fact differs, and that one is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.policy.foundation import Account, Foundation
from tests.policy.release import Release, Store
from tests.policy.request import FOREIGN, Denied, Request

_HEADER = "s3:x-amz-server-side-encryption"
_KEY_HEADER = f"{_HEADER}-aws-kms-key-id"


def denied(foundation: Foundation, release: Release) -> list[Denied]:
    """Return every case, for one application on one foundation."""
    return [
        *_deploying(foundation, release),
        *_reading(foundation),
        *_writing(foundation, release),
        *_assets(foundation),
        *_bounds(foundation),
        *_build_account(foundation, release),
        *_building(foundation, release),
        *_uploading(foundation, release),
        *_passing(foundation),
        *_kinds(release),
        *_moving(foundation, release),
        *_transport(foundation, release),
        *_encryption(foundation, release),
        *(case for notices in release.notices() for case in notices.denied()),
    ]


def _deploying(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Only a pipeline's role takes a deploy role; each asks with every permission of its own."""
    for account in foundation.accounts:
        target = foundation.role(account.stack, "CodePipelineRole")
        twin = Request(
            principal=release.role,
            action="sts:AssumeRole",
            resource=target,
            administrator=True,
        )
        builder = f":{release.stack.account}:"
        others = {
            "another role of the build account": f"arn:aws:iam:{builder}role/Administrator",
            "a role beside the path": f"arn:aws:iam:{builder}role/crossaccount/pipelines",
            "the source role": release.source_role,
            "the sync role": release.sync_role,
            "a same-named role of a foreign account": release.role.replace(builder, f":{FOREIGN}:"),
            "the other deploy role": foundation.role(account.stack, "CloudFormationRole"),
        }
        for start in release.starts():
            others["the role that starts pipelines"] = start.principal
        if release.uploader:
            others["the uploader"] = release.uploader
        for project in release.projects():
            others[f"the role of {project['name']}"] = project["serviceRole"]
        for name, principal in others.items():
            yield Denied.of(f"{name} assumes the role of {account.name}", twin, principal=principal)
    service = Request(
        principal="cloudformation.amazonaws.com",
        action="sts:AssumeRole",
        resource=foundation.role(foundation.accounts[0].stack, "CloudFormationRole"),
    )
    for other in ("ec2.amazonaws.com", "lambda.amazonaws.com", release.role):
        yield Denied.of(f"{other} assumes the CloudFormation role", service, principal=other)


def _reading(foundation: Foundation) -> Iterator[Denied]:
    """Deploy roles read the stores of their own regions, whatever else they may."""
    stores, builds = foundation.stores, foundation.build_store
    for account in foundation.accounts:
        own = stores[account.regions[0]]
        # In the build account a role's own policies can allow it everything.
        sides = (False,) if _is_build(foundation, account) else (False, True)
        others = {"the build bucket": builds} | {
            f"the store of {region}": store
            for region, store in stores.items()
            if region not in account.regions
        }
        for role in ("CodePipelineRole", "CloudFormationRole"):
            principal = foundation.role(account.stack, role)
            read, decrypt = own.read(principal)
            for administrator in sides:
                yield Denied.of(
                    f"{role} of {account.name} decrypts what is not in a bucket"
                    f"{', allowed everything by its own policies' if administrator else ''}",
                    decrypt.but(administrator=administrator),
                    context={"kms:ViaService": ""},
                )
            for name, store in others.items():
                what = f"{role} of {account.name} reads {name}"
                other_read, other_decrypt = store.read(principal)
                is_admitted = foundation.admits_organization and store is not builds
                for administrator in (False,) if is_admitted else sides:
                    sure = ", allowed everything by its own policies" if administrator else ""
                    yield Denied.of(
                        f"{what}{sure}",
                        read.but(administrator=administrator),
                        resource=other_read.resource,
                    )
                    # The key's region is in the service that calls, too: the same fact.
                    if store.region not in account.regions:
                        yield Denied(
                            name=f"{what}: its key{sure}",
                            twin=decrypt.but(administrator=administrator),
                            request=other_decrypt.but(administrator=administrator),
                        )
            if True not in sides:
                continue
            for action in ("kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:CreateGrant"):
                yield Denied.of(
                    f"{role} of {account.name}: {action}",
                    decrypt.but(administrator=True),
                    action=action,
                )
            for action in ("s3:DeleteObject", "s3:PutObjectAcl"):
                yield Denied.of(
                    f"{role} of {account.name}: {action}",
                    read.but(administrator=True),
                    action=action,
                )
        if True not in sides:
            continue
        writer = foundation.role(account.stack, "CodePipelineRole")
        find = Request(
            principal=writer,
            action="s3:ListBucket",
            resource=own.bucket_arn,
            administrator=True,
        )
        for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"):
            yield Denied.of(f"CodePipelineRole of {account.name}: {action}", find, action=action)


def _writing(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Pipelines write what accounts run; no account does, whatever its administrator allows."""
    for account in foundation.accounts:
        for region in account.regions:
            for twin in foundation.stores[region].write(release.role):
                for role in ("CodePipelineRole", "CloudFormationRole"):
                    own = role == "CodePipelineRole" and _is_build(foundation, account)
                    yield Denied.of(
                        f"{role} of {account.name} writes to the store of {region}: {twin.action}",
                        twin.but(administrator=not own),
                        principal=foundation.role(account.stack, role),
                    )


def _assets(foundation: Foundation) -> Iterator[Denied]:
    """Of a deploy account, only stacks read assets, those of their regions; nobody there writes."""
    for account in foundation.accounts:
        stacks = foundation.role(account.stack, "CloudFormationRole")
        actions = foundation.role(account.stack, "CodePipelineRole")
        # In the build account a role's own policies can allow it everything.
        sides = (False,) if _is_build(foundation, account) else (False, True)
        own = foundation.assets[account.regions[0]]
        for administrator in sides:
            read = own.read(stacks)[0].but(administrator=administrator)
            sure = ", allowed everything by its own policies" if administrator else ""
            yield Denied(
                name=f"CodePipelineRole of {account.name} reads assets{sure}",
                twin=read,
                request=own.read(actions)[0].but(administrator=administrator),
            )
            for region, other in foundation.assets.items():
                is_admitted = foundation.admits_organization and administrator
                if region not in account.regions and not is_admitted:
                    yield Denied.of(
                        f"CloudFormationRole of {account.name} reads assets of {region}{sure}",
                        read,
                        resource=other.read(stacks)[0].resource,
                    )
        for region in account.regions:
            put = foundation.assets[region].write(_administrator(foundation))[0]
            yield Denied.of(
                f"CloudFormationRole of {account.name} writes assets of {region}",
                put.but(administrator=True),
                principal=stacks,
            )


def _bounds(foundation: Foundation) -> Iterator[Denied]:
    """What a pipeline deploys must not change what bounds the pipeline."""
    for account in foundation.accounts:
        pipeline = foundation.role(account.stack, "CodePipelineRole")
        stacks = foundation.role(account.stack, "CloudFormationRole")
        yield from _foundation_stacks(foundation, account, pipeline, stacks)
        yield from _foundation_roles(account, pipeline, stacks)
        yield from _execution_policies(foundation, account, stacks)


def _build_account(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """A stack in the build account becomes no pipeline, and changes nothing that one is made of."""
    for account in (one for one in foundation.accounts if _is_build(foundation, one)):
        stacks = foundation.role(account.stack, "CloudFormationRole")
        pipeline = foundation.role(account.stack, "CodePipelineRole")
        partition, number = _partition(stacks), account.stack.account

        def denied(
            action: str, free: str, resource: str, by: str, number: str = number, **more: Any
        ) -> Denied:
            twin = Request(
                principal=by,
                action=action,
                resource=free,
                account=number,
                administrator=True,
                **more,
            )
            return Denied.of(f"{by}: {action} on {resource}", twin, resource=resource)

        role = f"arn:{partition}:iam::{number}:role"
        for name in ("pipeline/new", "pipeline/hello-pipeline", "build/hello-source"):
            for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"):
                yield denied(action, f"{role}/new", f"{role}/crossaccount/{name}", stacks)
        for taken in (release.source_role, release.sync_role):
            yield denied("sts:AssumeRole", f"{role}/new", taken, stacks, trusted=True)
        cloudformation = f"arn:{partition}:cloudformation:eu-west-1:{number}:stack"
        for principal in (stacks, pipeline):
            yield denied(
                "cloudformation:UpdateStack",
                f"{cloudformation}/hello/11111111-2222-3333-4444-555555555555",
                f"{cloudformation}/hello-pipeline/11111111-2222-3333-4444-555555555555",
                principal,
            )
        for store in (*foundation.stores.values(), foundation.build_store):
            for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"):
                free = f"arn:{partition}:s3:::of-an-application"
                yield denied(action, free, store.bucket_arn, stacks)
        primary, home = foundation.primary.name, foundation.primary.region
        function = f"arn:{partition}:lambda:{home}:{number}:function"
        for ours in (f"{primary}-SyncArtifactsFunction-1", "hello-starter"):
            for name in ("AddPermission", "UpdateFunctionCode"):
                yield denied(f"lambda:{name}", f"{function}:free", f"{function}:{ours}", stacks)
        topic = f"arn:{partition}:sns:{home}:{number}"
        free, ours = f"{topic}:free", f"{topic}:{primary}-ApprovalTopic-1"
        yield denied("sns:Subscribe", free, ours, stacks)
        yield from _foundation_keys(foundation, stacks)


def _foundation_keys(foundation: Foundation, stacks: str) -> Iterator[Denied]:
    tag = "aws:ResourceTag/crossaccount:stack"
    for stack in (foundation.primary, *foundation.regional):
        store = foundation.stores[stack.region]
        for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"):
            twin = Request(
                principal=stacks,
                action=action,
                resource=store.key_arn,
                administrator=True,
                context={tag: "Other"},
            )
            yield Denied.of(f"{stacks}: {action} on {stack}", twin, context={tag: stack.name})


def _foundation_stacks(
    foundation: Foundation, account: Account, pipeline: str, stacks: str
) -> Iterator[Denied]:
    region, number = account.regions[0], account.stack.account
    where = f"arn:{_partition(pipeline)}:cloudformation:{region}:{number}:stack"
    own_names = {account.stack.name, foundation.primary.name, foundation.regional[0].name}
    for role in (pipeline, stacks):
        free = Request(
            principal=role,
            action="cloudformation:UpdateStack",
            resource=f"{where}/hello/11111111-2222-3333-4444-555555555555",
            administrator=True,
            context={"cloudformation:RoleArn": stacks},
        )
        for name in sorted(own_names):
            resource = f"{where}/{name}/11111111-2222-3333-4444-555555555555"
            yield Denied.of(f"{role} updates {name}", free, resource=resource)
    # By its own policies alone: a stack works with the CloudFormation role, or not at all.
    create = Request(
        principal=pipeline,
        action="cloudformation:CreateChangeSet",
        resource=f"{where}/hello/11111111-2222-3333-4444-555555555555",
        context={"cloudformation:RoleArn": stacks},
    )
    another = f"{stacks}Other"
    yield Denied.of(f"{pipeline}: no role", create, context={"cloudformation:RoleArn": ""})
    yield Denied.of(
        f"{pipeline}: another role", create, context={"cloudformation:RoleArn": another}
    )


def _foundation_roles(account: Account, pipeline: str, stacks: str) -> Iterator[Denied]:
    free = f"arn:{_partition(pipeline)}:iam::{account.stack.account}:role/of-an-application"
    for role in (pipeline, stacks):
        for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
            twin = Request(principal=role, action=action, resource=free, administrator=True)
            for bound in (pipeline, stacks):
                yield Denied.of(f"{role}: {action} on {bound}", twin, resource=bound)
        # Others may trust the whole account: that role's trust is not ours.
        take = Request(
            principal=role,
            action="sts:AssumeRole",
            resource=free,
            administrator=True,
            trusted=True,
        )
        yield Denied.of(f"{role} takes the access role", take, resource=account.access_role)


def _execution_policies(foundation: Foundation, account: Account, stacks: str) -> Iterator[Denied]:
    free = f"arn:{_partition(stacks)}:iam::{account.stack.account}:policy/of-an-application"
    for name in (
        "CreatePolicyVersion",
        "DeletePolicy",
        "DeletePolicyVersion",
        "SetDefaultPolicyVersion",
    ):
        twin = Request(principal=stacks, action=f"iam:{name}", resource=free, administrator=True)
        for arn in foundation.export.attached(stacks):
            yield Denied.of(f"{stacks}: {name} of {arn}", twin, resource=arn)


def _building(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """A pull request reaches neither builds nor key; a release writes its own builds only."""
    for taken in release.started_by():
        for key, value in (
            ("aws:SourceArn", f"{taken.context['aws:SourceArn']}-other"),
            ("aws:SourceAccount", FOREIGN),
        ):
            yield Denied.of(f"the start role for {value}", taken, context={key: value})
    if any(one["artifacts"]["type"] == "S3" for one in release.projects()):
        yield from _starting(release)
    for start in release.starts():
        other = release.arn.replace(f":{release.pipeline['name']}", ":another")
        yield Denied.of("the start role starts another pipeline", start, resource=other)
    yield from _building_in_a_stage(release)
    for project in release.projects():
        role = project["serviceRole"]
        for use in release.connection_uses(project)[-1:]:
            [key] = use.context
            another = {key: "example/another"}
            yield Denied.of(f"{project['name']} uses another repository", use, context=another)
        for start in release.starts():
            yield Denied.of(f"{project['name']} starts the pipeline", start, principal=role)
        yield from _uploading_assets(foundation, release, project)
        yield Denied.of(
            f"{project['name']} writes into another pipeline's part of the store",
            foundation.stores[foundation.primary.region].write(release.source_role)[0],
            principal=role,
        )
    quiet = [
        project["serviceRole"]
        for project in release.projects()
        if project["artifacts"]["type"] == "NO_ARTIFACTS"
    ]
    for store, writer, key in release.writers:
        put, encrypt = store.write(writer, key)
        for role in quiet:
            yield Denied.of("a pull request's build writes a build", put, principal=role)
            yield Denied.of("a pull request's build uses the key", encrypt, principal=role)
        yield Denied.of(
            f"{writer} writes builds of another pipeline",
            put,
            resource=f"{store.bucket_arn}/another/a.zip",
        )
        yield Denied.of(f"{writer} reads builds", put, action="s3:GetObject")
        yield Denied.of(f"{writer} deletes builds", put, action="s3:DeleteObject")
        # Nobody else gets a key for a build, whatever the account's own policies allow.
        administrator = _administrator(foundation)
        yield Denied.of(
            "an administrator of the build account uploads a build",
            encrypt.but(administrator=True),
            principal=administrator,
        )
        yield Denied.of(f"{writer} uses the key itself", encrypt, context={"kms:ViaService": ""})
    if not release.actions("S3", "Source"):
        return
    store = release.build_store
    read = store.read(release.source_role, f"{release.pipeline['name']}/a.zip")[0]
    yield Denied.of(
        "the source role reads another application's builds",
        read,
        resource=f"{store.bucket_arn}/another/a.zip",
    )
    yield Denied.of("the source role writes builds", read, action="s3:PutObject")


def _building_in_a_stage(release: Release) -> Iterator[Denied]:
    """A build of the pipeline keeps to its pipeline, and the source role to its repository."""
    home, name = release.stores[release.stack.region], release.pipeline["name"]
    for action in release.actions("CodeStarSourceConnection"):
        use = release.connection_use(action["roleArn"])
        [key] = use.context
        for value in ("example/another", ""):
            words = value or "no repository that is named"
            yield Denied.of(f"the source role uses {words}", use, context={key: value})
    for action in release.actions("CodeBuild"):
        [project] = [
            one
            for one in release.projects()
            if one["name"] == action["configuration"]["ProjectName"]
        ]
        start = Request(
            principal=action["roleArn"], action="codebuild:StartBuild", resource=project["arn"]
        )
        another = project["arn"].replace(name, "another")
        yield Denied.of(f"the source role of {name} builds another", start, resource=another)
        own = f"{name[:20]}/application/a"
        quiet = [
            one["serviceRole"]
            for one in release.projects()
            if one["artifacts"]["type"] == "NO_ARTIFACTS"
        ]
        read = home.read(project["serviceRole"], own)
        # Tests write none: denied_tests has them.
        is_build = action["actionTypeId"]["category"] == "Build"
        writes = home.write(project["serviceRole"], own) if is_build else []
        for twin in (*read, *writes):
            for role in quiet:
                yield Denied.of(f"a pull request's build: {twin.action}", twin, principal=role)
        for twin in (read[0], *writes[:1]):
            elsewhere = f"{home.bucket_arn}/another/a.zip"
            yield Denied.of(
                f"{project['name']}: {twin.action} of another pipeline", twin, resource=elsewhere
            )


def _starting(release: Release) -> Iterator[Denied]:
    """The starter handles builds of its own pipeline, and writes only what is current."""
    role, store = release.starts()[0].principal, release.build_store
    name = release.pipeline["name"]
    current = release.actions("S3", "Source")[0]["configuration"]["S3ObjectKey"]
    read = store.read(role, f"builds/{name}/1/a.zip")[0]
    put, encrypt = store.write(role, current)
    for what, twin, key in (
        ("reads builds of another pipeline", read, "builds/another/1/a.zip"),
        ("reads what another pipeline takes", read, "another/a.zip"),
        ("changes a build", put, f"builds/{name}/1/a.zip"),
        ("writes what another pipeline takes", put, "another/a.zip"),
        ("writes a template", put, "templates/a.template"),
    ):
        yield Denied.of(f"the starter {what}", twin, resource=f"{store.bucket_arn}/{key}")
    yield Denied.of("the starter deletes", put, action="s3:DeleteObject")
    yield Denied.of("the starter uses the key itself", encrypt, context={"kms:ViaService": ""})
    project = release.projects()[0]["arn"].rpartition("/")[0]
    find = Request(
        principal=role,
        action="codebuild:BatchGetBuilds",
        resource=f"{project}/{name}-release",
    )
    yield Denied.of("the starter finds other builds", find, resource=f"{project}/another-release")
    yield Denied.of("the starter starts a build", find, action="codebuild:StartBuild")
    queue = f"arn:aws:sqs:{release.stack.region}:{release.stack.account}:{name}-starter"
    send = Request(principal=role, action="sqs:SendMessage", resource=queue)
    yield Denied.of("the starter sends to another queue", send, resource=f"{queue}-other")
    yield Denied.of("the starter reads its queue", send, action="sqs:ReceiveMessage")


def _uploading_assets(
    foundation: Foundation, release: Release, project: dict[str, Any]
) -> Iterator[Denied]:
    """Builds write assets below the pipeline's name, in the regions that it deploys to."""
    role, name = project["serviceRole"], project["name"]
    given = {store.region: store for store in release.assets(project)}
    for region, store in foundation.assets.items():
        key = f"{release.pipeline['name']}/asset.zip"
        other = next(iter(given.values()), None)
        if other is None:
            twin = store.write(_administrator(foundation), key)[0].but(administrator=True)
            yield Denied(
                name=f"{name} uploads assets of {region}",
                twin=twin,
                request=store.write(role, key)[0],
            )
            continue
        if region not in given:
            put = other.write(role, key)[0]
            yield Denied(
                name=f"{name} uploads assets of {region}",
                twin=put,
                request=_of_store(foundation, put, f"{store.bucket_arn}/{key}"),
            )
            continue
        put, encrypt = store.write(role, key)
        another = f"{store.bucket_arn}/another/asset.zip"
        yield Denied.of(f"{name} uploads another pipeline's assets", put, resource=another)
        read = store.read(role, key)[0]
        yield Denied.of(f"{name} reads another pipeline's assets", read, resource=another)
        yield Denied.of(f"{name} deletes assets", put, action="s3:DeleteObject")
        yield Denied.of(f"{name} uses the key itself", encrypt, context={"kms:ViaService": ""})
        seen = Request(
            principal=role,
            action="s3:ListBucket",
            resource=store.bucket_arn,
            context={"s3:prefix": key},
        )
        for prefix in ("another/asset.zip", ""):
            yield Denied.of(f"{name} lists assets of others", seen, context={"s3:prefix": prefix})


def _uploading(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Exactly those that source.uploader names upload, and they do nothing else."""
    for twin in release.uploads():
        yield Denied.of(
            f"{twin.principal} takes the source role", twin, resource=release.source_role
        )
        if twin.is_service:
            issuer = twin.principal.partition(":oidc-provider/")[2]
            claims = {
                "sub": [
                    "repo:example/other:ref:refs/heads/main",
                    "repo:example/a:pull_request",
                    "",
                ],
                "aud": ["https://example.com", ""],
            }
            for claim, values in claims.items():
                for value in values:
                    yield Denied.of(
                        f"a job whose {claim} is {value or 'missing'} uploads",
                        twin,
                        context={f"{issuer}:{claim}": value},
                    )
        else:
            account = twin.principal.split(":")[4]
            others = {
                "another role of that account": f"arn:aws:iam::{account}:role/Administrator",
                "a same-named role of a foreign account": twin.principal.replace(account, FOREIGN),
            }
            for name, principal in others.items():
                yield Denied.of(f"{name} uploads", twin, principal=principal)
    if release.uploader:
        for start in release.starts():
            yield Denied.of("the uploader starts the pipeline", start, principal=release.uploader)
        yield Denied.of(
            "the uploader writes into a pipeline's store",
            foundation.stores[foundation.primary.region].write(release.source_role)[0],
            principal=release.uploader,
        )


def _passing(foundation: Foundation) -> Iterator[Denied]:
    """PassRole: the CloudFormation role, to CloudFormation, and nothing else."""
    for account in foundation.accounts:
        role = foundation.role(account.stack, "CodePipelineRole")
        passed = Request(
            principal=role,
            action="iam:PassRole",
            resource=foundation.role(account.stack, "CloudFormationRole"),
            context={"iam:PassedToService": "cloudformation.amazonaws.com"},
        )
        other = f"arn:{_partition(role)}:iam::{account.stack.account}:role/Administrator"
        yield Denied.of(f"{role} passes another role", passed, resource=other)
        yield Denied.of(f"{role} passes itself", passed, resource=role)
        yield Denied.of(
            f"{role} passes to another service",
            passed,
            context={"iam:PassedToService": "lambda.amazonaws.com"},
        )


def _kinds(release: Release) -> Iterator[Denied]:
    """Roles of other deploy kinds reach what the account lists, and are taken as the others are."""
    for action in release.actions("S3", "Deploy")[:1]:
        role, bucket = action["roleArn"], action["configuration"]["BucketName"]
        account, partition = role.split(":")[4], _partition(role)
        upload = Request(
            principal=role,
            action="s3:PutObject",
            resource=f"arn:{partition}:s3:::{bucket}/index.html",
            account=account,
            context={"aws:ResourceAccount": account},
        )
        other = f"arn:{partition}:s3:::another/index.html"
        yield Denied.of(f"{role} writes to another bucket", upload, resource=other)
        yield Denied.of(f"{role} writes an ACL", upload, action="s3:PutObjectAcl")
        yield Denied.of(f"{role} deletes", upload, action="s3:DeleteObject")
        taken_over = {"aws:ResourceAccount": FOREIGN}
        yield Denied.of(
            f"{role} writes to a bucket that was taken over", upload, context=taken_over
        )
        yield from _taken(release, role)
    for action in release.actions("ECS")[:1]:
        role, given = action["roleArn"], action["configuration"]
        account, partition = role.split(":")[4], _partition(role)
        services = f"arn:{partition}:ecs:{action['region']}:{account}:service"
        update = Request(
            principal=role,
            action="ecs:UpdateService",
            resource=f"{services}/{given['ClusterName']}/{given['ServiceName']}",
        )
        yield Denied.of(f"{role}: another service", update, resource=f"{services}/main/another")
        yield Denied.of(f"{role} deletes the service", update, action="ecs:DeleteService")
        passed = Request(
            principal=role,
            action="iam:PassRole",
            resource=f"arn:{partition}:iam::{account}:role/Task",
            context={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        )
        administrator = f"arn:{partition}:iam::{account}:role/Administrator"
        yield Denied.of(f"{role} passes another role", passed, resource=administrator)
        lambda_ = {"iam:PassedToService": "lambda.amazonaws.com"}
        yield Denied.of(f"{role} passes to another service", passed, context=lambda_)
        yield from _taken(release, role)


def _taken(release: Release, role: str) -> Iterator[Denied]:
    """Only a pipeline's role takes it, and no stack changes it."""
    take = Request(
        principal=release.role, action="sts:AssumeRole", resource=role, administrator=True
    )
    builder = f"arn:{_partition(role)}:iam::{release.stack.account}:role/Administrator"
    yield Denied.of(f"another role of the build account assumes {role}", take, principal=builder)
    prepare = release.actions("CloudFormation")[0]
    stacks = prepare["configuration"]["RoleArn"]
    for principal in (stacks, prepare["roleArn"]):
        change = Request(
            principal=principal,
            action="iam:PutRolePolicy",
            resource=f"arn:{_partition(role)}:iam::{role.split(':')[4]}:role/of-an-application",
            administrator=True,
        )
        yield Denied.of(f"{principal} changes {role}", change, resource=role)


def _moving(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """SyncArtifacts writes what is registered; the pipeline keeps to its stores and roles."""
    others = [one for region, one in release.stores.items() if region != release.stack.region]
    put = others[0].write(release.sync_role)[0]
    outside = {
        "a bucket that is not registered": "arn:aws:s3:::not-registered/a.zip",
        "the build bucket": f"{release.build_bucket_arn}/hello/a.zip",
        "the store that it reads": f"{release.stores[release.stack.region].bucket_arn}/a.zip",
    }
    for name, resource in outside.items():
        # The key that the request names is that of the other bucket, so that only the role's own
        # policy can refuse.
        yield Denied(
            name=f"SyncArtifacts writes to {name}",
            twin=put,
            request=_of_store(foundation, put, resource),
        )
    read = release.stores[release.stack.region].read(release.role)[0]
    yield Denied.of("the pipeline reads builds", read, resource=f"{release.build_bucket_arn}/x.zip")
    prepare = release.actions("CloudFormation")[0]
    yield Denied.of(
        "the pipeline takes the CloudFormation role",
        Request(principal=release.role, action="sts:AssumeRole", resource=prepare["roleArn"]),
        resource=prepare["configuration"]["RoleArn"],
    )
    for action in release.actions("Manual")[:1]:
        topic = action["configuration"]["NotificationArn"]
        publish = Request(principal=release.role, action="sns:Publish", resource=topic)
        yield Denied.of("the pipeline publishes elsewhere", publish, resource=f"{topic}-other")
        if not foundation.export.of_resource(topic):
            yield Denied.of(
                "the pipeline encrypts for another topic",
                next(one for one in release.needs() if topic in one.context.values()),
                context={"kms:EncryptionContext:aws:sns:topicArn": f"{topic}-other"},
            )


def _of_store(foundation: Foundation, put: Request, resource: str) -> Request:
    stores = (
        *foundation.stores.values(),
        *foundation.assets.values(),
        foundation.build_store,
    )
    keys = {store.bucket_arn: store.key_arn for store in stores}
    key_arn = keys.get(resource.partition("/")[0], str(put.context[_KEY_HEADER]))
    return Request(
        principal=put.principal,
        action=put.action,
        resource=resource,
        account=foundation.primary.account,
        context={**put.context, _KEY_HEADER: key_arn},
    )


def _transport(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Plain HTTP is refused, also to who may do everything else."""
    account = foundation.accounts[0]
    stores: dict[str, Store] = {
        f"the store of {region}": store for region, store in foundation.stores.items()
    } | {f"the assets of {region}": store for region, store in foundation.assets.items()}
    root = _administrator(foundation)
    for name, store in {**stores, "the build bucket": foundation.build_store}.items():
        secure = Request(
            principal=root,
            action="s3:GetObject",
            resource=f"{store.bucket_arn}/a.zip",
            administrator=True,
        )
        yield Denied.of(f"{name} over plain HTTP", secure, context={"aws:SecureTransport": "false"})
    own = foundation.stores[account.regions[0]]
    reader = own.read(foundation.role(account.stack, "CodePipelineRole"))[0]
    plain = {"aws:SecureTransport": "false"}
    yield Denied.of("a deploy role over plain HTTP", reader, context=plain)
    for action in release.actions("Manual")[:1]:
        topic = action["configuration"]["NotificationArn"]
        if foundation.export.of_resource(topic):
            publish = Request(principal=release.role, action="sns:Publish", resource=topic)
            yield Denied.of("the approval topic over plain HTTP", publish, context=plain)


def allowed_around(foundation: Foundation) -> list[Request]:
    """Return what is allowed without any release.

    Administrators undo the deletion of a key, and act after an incident; stacks read assets.
    """
    keys = [
        Request(
            principal=_administrator(foundation),
            action=f"kms:{name}",
            resource=store.key_arn,
            administrator=True,
        )
        for store in foundation.stores.values()
        for name in ("CancelKeyDeletion", "RotateKeyOnDemand")
    ]
    assets = [
        read.but(managed=False)
        for account in foundation.accounts
        for region in account.regions
        for read in foundation.assets[region].read(
            foundation.role(account.stack, "CloudFormationRole")
        )
    ]
    return [*keys, *assets]


def allowed_uploads(foundation: Foundation, release: Release) -> list[Request]:
    """Return the uploads that are right: with our key, and with no header at all."""
    return [
        request
        for store, writer, key in _writers(foundation, release)
        for request in (*store.write(writer, key), _without_headers(store.write(writer, key)[0]))
    ]


def _encryption(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """The header cases of S3: our key and no other, and no other algorithm."""
    puts = [
        *(
            (store, store.write(writer, key)[0])
            for store, writer, key in _writers(foundation, release)
        ),
        *(
            (store, store.write(_administrator(foundation))[0].but(administrator=True))
            for store in foundation.assets.values()
        ),
    ]
    for store, ours in puts:
        another = store.key_arn.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
        where = store.bucket_arn
        yield Denied.of(f"{where}: another key", ours, context={_KEY_HEADER: another})
        yield Denied.of(f"{where}: the algorithm alone", ours, context={_KEY_HEADER: ""})
        yield Denied.of(f"{where}: dsse with our key", ours, context={_HEADER: "aws:kms:dsse"})
        bare = _without_headers(ours)
        yield Denied.of(f"{where}: AES256", bare, context={_HEADER: "AES256"})
        yield Denied.of(f"{where}: another key alone", bare, context={_KEY_HEADER: another})


def _writers(foundation: Foundation, release: Release) -> list[tuple[Store, str, str]]:
    """Return who writes into each bucket, by permissions of its own, and the object."""
    home = foundation.primary.region
    key = f"{release.pipeline['name']}/a.zip"
    return [
        *(
            (store, release.source_role if region == home else release.sync_role, key)
            for region, store in foundation.stores.items()
        ),
        *release.writers[:1],
    ]


def _without_headers(put: Request) -> Request:
    return put.but(context={_KEY_HEADER: ""}).but(context={_HEADER: ""})


def _administrator(foundation: Foundation) -> str:
    return f"arn:aws:iam::{foundation.primary.account}:role/Administrator"


def _is_build(foundation: Foundation, account: Account) -> bool:
    return account.stack.account == foundation.primary.account


def _partition(arn: str) -> str:
    return arn.split(":")[1]


__all__ = ("FOREIGN", "allowed_around", "allowed_uploads", "denied")
