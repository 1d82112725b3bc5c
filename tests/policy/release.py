# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release has to be allowed to do, derived from what is deployed.

The pipeline's own definition, its projects and its rule say who acts where: nothing of an
application is written down here a second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.policy.export import Clients, Export, Policy, Stack
from tests.policy.notices import Notices
from tests.policy.request import Request


@dataclass(frozen=True, kw_only=True)
class Store:
    """The artifact store of one region."""

    region: str
    bucket_arn: str
    key_arn: str

    def read(self, principal: str, key: str = "hello/artifact.zip") -> list[Request]:
        """Return what reading an encrypted object of it takes."""
        return [
            Request(
                principal=principal, action="s3:GetObject", resource=f"{self.bucket_arn}/{key}"
            ),
            self._use_key(principal, "kms:Decrypt"),
        ]

    def write(self, principal: str, key: str = "hello/artifact.zip") -> list[Request]:
        """Return what writing an object that is encrypted with its key takes."""
        return [
            Request(
                principal=principal,
                action="s3:PutObject",
                resource=f"{self.bucket_arn}/{key}",
                context={
                    "s3:x-amz-server-side-encryption": "aws:kms",
                    "s3:x-amz-server-side-encryption-aws-kms-key-id": self.key_arn,
                },
            ),
            self._use_key(principal, "kms:GenerateDataKey"),
        ]

    def find(self, principal: str, *more: str) -> list[Request]:
        """Return what finding out about it takes, as CodePipeline does.

        more: actions beside the two that every role has.
        """
        names = ("GetBucketLocation", "GetBucketVersioning", *more)
        return [
            Request(principal=principal, action=f"s3:{name}", resource=self.bucket_arn)
            for name in names
        ]

    def documented(self, principal: str, key: str) -> list[Request]:
        """Return what AWS documents for CodePipeline in its artifact bucket.

        https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
        """
        objects = [
            Request(principal=principal, action=f"s3:{name}", resource=f"{self.bucket_arn}/{key}")
            for name in ("GetObject", "GetObjectVersion", "PutObjectAcl")
        ]
        return [*self.find(principal, "GetBucketAcl"), *self.write(principal, key), *objects]

    def _use_key(self, principal: str, action: str) -> Request:
        return use_key(principal, action, self.key_arn, via="s3")


def use_key(principal: str, action: str, key_arn: str, *, via: str) -> Request:
    """Return the use of a key by a service that calls for its caller."""
    region, partition = key_arn.split(":")[3], key_arn.split(":")[1]
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return Request(
        principal=principal,
        action=action,
        resource=key_arn,
        context={
            "kms:ViaService": f"{via}.{region}.{suffix}",
            "kms:CallerAccount": principal.split(":")[4],
        },
    )


class Release:
    """One application's release: who takes part, and what each must be allowed to do.

    stack: the application's stack.
    """

    def __init__(self, clients: Clients, export: Export, stack: Stack) -> None:
        self._clients = clients
        self._export = export
        self.stack = stack
        self.pipeline = self._read_pipeline()
        self.stores = {
            region: Store(
                region=region,
                bucket_arn=f"arn:{self._partition}:s3:::{store['location']}",
                key_arn=store["encryptionKey"]["id"],
            )
            for region, store in self.pipeline["artifactStores"].items()
        }

    @property
    def role(self) -> str:
        """The pipeline's own role."""
        return str(self.pipeline["roleArn"])

    @property
    def arn(self) -> str:
        """The pipeline."""
        where = f"{self.stack.region}:{self.stack.account}"
        return f"arn:{self._partition}:codepipeline:{where}:{self.pipeline['name']}"

    def actions(self, provider: str, category: str = "") -> list[dict[str, Any]]:
        """Return the actions of one provider, of any category by default, in order."""
        return [
            action
            for stage in self.pipeline["stages"]
            for action in stage["actions"]
            if action["actionTypeId"]["provider"] == provider
            and category in ("", action["actionTypeId"]["category"])
        ]

    @property
    def source_role(self) -> str:
        """The role that reads the source."""
        return str(self.pipeline["stages"][0]["actions"][0]["roleArn"])

    @property
    def sync_role(self) -> str:
        """The role of the function that SyncArtifacts invokes."""
        return str(self._function(self.actions("Lambda")[0])["Role"])

    @property
    def build_bucket_arn(self) -> str:
        """Where builds land."""
        bucket = next(
            one.physical_id
            for one in self._export.resources
            if one.type == "AWS::S3::Bucket" and "-buildbucket-" in one.physical_id
        )
        return f"arn:{self._partition}:s3:::{bucket}"

    @property
    def build_store(self) -> Store:
        """The build bucket with the key of its region."""
        home = self.stores[self.stack.region]
        return Store(region=home.region, bucket_arn=self.build_bucket_arn, key_arn=home.key_arn)

    @property
    def uploader(self) -> str:
        """The role that uploads what is built elsewhere; empty where CodeBuild builds."""
        return self._uploader_trust.owner if self._uploader_trust else ""

    @property
    def writers(self) -> list[tuple[Store, str, str]]:
        """Who writes builds, with the bucket and the key of the object."""
        keys = [action["configuration"]["S3ObjectKey"] for action in self.actions("S3", "Source")]
        if self.uploader:
            return [(self.build_store, self.uploader, key) for key in keys]
        return [
            (self.build_store, project["serviceRole"], f"{artifact['path']}/1/{artifact['name']}")
            for project in self.projects()
            for artifact in [project["artifacts"], *project.get("secondaryArtifacts", [])]
            if artifact["type"] == "S3"
        ]

    def uploads(self) -> list[Request]:
        """Return how each of those who may take the uploader's role takes it."""
        found = []
        for statement in self._uploader_trust.statements if self._uploader_trust else ():
            [condition] = statement["Condition"].values()
            if "Federated" in statement["Principal"]:
                principals, context = [statement["Principal"]["Federated"]], condition
            else:
                named = condition["aws:PrincipalArn"]
                principals, context = [named] if isinstance(named, str) else named, {}
            found += [
                Request(
                    principal=principal,
                    action=statement["Action"],
                    resource=self.uploader,
                    administrator=not context,
                    context=context,
                )
                for principal in principals
            ]
        return found

    @property
    def _uploader_trust(self) -> Policy | None:
        made_by = f"{self.stack.name}/UploaderRole"
        trusts = (one for one in self._export.policies if one.kind == "trust")
        return next((one for one in trusts if one.made_by == made_by), None)

    def needs(self) -> list[Request]:
        """Return everything that a release does, from the build to the last stack."""
        found = [_assumed_by("codepipeline.amazonaws.com", self.role)]
        for action in (one for stage in self.pipeline["stages"] for one in stage["actions"]):
            if "roleArn" in action:
                found.append(
                    Request(
                        principal=self.role, action="sts:AssumeRole", resource=action["roleArn"]
                    )
                )
            region = action.get("region", self.stack.region)
            if region != self.stack.region:
                found += self._copies(region)
            kind = action["actionTypeId"]
            # S3 is a source too.
            prefix = "_deploy_" if (kind["category"], kind["provider"]) == ("Deploy", "S3") else "_"
            found += getattr(self, f"{prefix}{kind['provider'].lower()}")(action)
        found += self._rules()
        found += self._functions()
        found += [request for notices in self.notices() for request in notices.needs()]
        found += self._builds()
        found += self.uploads()
        for store, writer, key in self.writers:
            # Decrypt: the parts of a large artifact are read again before they are joined.
            decrypt = use_key(writer, "kms:Decrypt", store.key_arn, via="s3")
            found += [*store.write(writer, key), decrypt]
        found += self._starts()
        # Many actions ask for the same.
        return list({str(one): one for one in found}.values())

    def _rules(self) -> Iterator[Request]:
        """The alarms that stages are checked by."""
        for stage in self.pipeline["stages"]:
            for condition in stage.get("onSuccess", {}).get("conditions", []):
                for rule in condition["rules"]:
                    role = rule.get("roleArn", self.role)
                    where = f"{rule.get('region', self.stack.region)}:{role.split(':')[4]}"
                    alarm = f"alarm:{rule['configuration']['AlarmName']}"
                    yield Request(
                        principal=role,
                        action="cloudwatch:DescribeAlarms",
                        resource=f"arn:{self._partition}:cloudwatch:{where}:{alarm}",
                    )

    def _copies(self, region: str) -> list[Request]:
        """CodePipeline brings an action's input into the store of the action's region."""
        name = self.pipeline["name"]
        source, target = self.stores[self.stack.region], self.stores[region]
        return [
            *source.read(self.role, f"{name}/a.zip"),
            *source.find(self.role, "ListBucket"),
            *target.documented(self.role, f"{name}/a.zip"),
        ]

    def _s3(self, action: dict[str, Any]) -> list[Request]:
        role, key = action["roleArn"], action["configuration"]["S3ObjectKey"]
        home = self.stores[self.stack.region]
        # The tags are in the permissions that the S3 source documents.
        names = ("GetObjectTagging", "GetObjectVersion", "GetObjectVersionTagging")
        # A start names the build; one by hand takes the newest.
        named = action["configuration"].get("AllowOverrideForS3ObjectKey") == "true"
        keys = [key, f"builds/{self.pipeline['name']}/1/{key}"] if named else [key]
        versions = [
            Request(principal=role, action=f"s3:{name}", resource=f"{self.build_bucket_arn}/{one}")
            for name in names
            for one in keys
        ]
        read = [request for one in keys for request in self.build_store.read(role, one)]
        return [
            # A missing build gives "not found" instead of "access denied".
            *self.build_store.find(role, "GetBucketAcl", "ListBucket"),
            *versions,
            *read,
            *home.documented(role, f"{self.pipeline['name']}/a.zip"),
        ]

    def _codestarsourceconnection(self, action: dict[str, Any]) -> list[Request]:
        return [self.connection_use(action["roleArn"]), *self._takes_source(action)]

    def connection_use(self, role: str) -> Request:
        """Return how a role uses the connection of the source, for its repository."""
        configuration = self.pipeline["stages"][0]["actions"][0]["configuration"]
        connection = configuration["ConnectionArn"]
        service = connection.split(":")[2]
        return Request(
            principal=role,
            action=f"{service}:UseConnection",
            resource=connection,
            context={f"{service}:FullRepositoryId": configuration["FullRepositoryId"]},
        )

    def _codecommit(self, action: dict[str, Any]) -> list[Request]:
        """What AWS documents for the action, of which it uses some to clone or to give up."""
        names = (
            *("CancelUploadArchive", "GetBranch", "GetCommit", "GetRepository"),
            *("GetUploadArchiveStatus", "UploadArchive"),
        )
        repository = self._in_region(f"codecommit:{action['configuration']['RepositoryName']}")
        uses = [
            Request(principal=action["roleArn"], action=f"codecommit:{name}", resource=repository)
            for name in names
        ]
        return [*uses, *self._takes_source(action)]

    def _ecr(self, action: dict[str, Any]) -> list[Request]:
        find = Request(
            principal=action["roleArn"],
            action="ecr:DescribeImages",
            resource=self._image_repository(action),
        )
        return [find, *self._takes_source(action)]

    def _image_repository(self, action: dict[str, Any]) -> str:
        return self._in_region(f"ecr:repository/{action['configuration']['RepositoryName']}")

    def _in_region(self, service_and_rest: str) -> str:
        service, _colon, rest = service_and_rest.partition(":")
        return f"arn:{self._partition}:{service}:{self.stack.region}:{self.stack.account}:{rest}"

    def _takes_source(self, action: dict[str, Any]) -> list[Request]:
        home = self.stores[self.stack.region]
        (artifact,) = action["outputArtifacts"]
        return home.documented(action["roleArn"], self._key(artifact["name"]))

    def _key(self, artifact: str) -> str:
        return f"{self.pipeline['name'][:20]}/{artifact[:10]}/abcdefg"

    def _codebuild(self, action: dict[str, Any]) -> list[Request]:
        """A build of the pipeline: who starts it, and what it reads, fetches and writes."""
        (project,) = (
            one for one in self.projects() if one["name"] == action["configuration"]["ProjectName"]
        )
        role, home = project["serviceRole"], self.stores[self.stack.region]
        starts = [
            Request(
                principal=action["roleArn"], action=f"codebuild:{name}", resource=project["arn"]
            )
            for name in ("BatchGetBuilds", "StartBuild")
        ]
        keys = [self._key(artifact["name"]) for artifact in action["inputArtifacts"]]
        reads = [
            request
            for key in keys
            for request in (
                *home.read(role, key),
                Request(
                    principal=role,
                    action="s3:GetObjectVersion",
                    resource=f"{home.bucket_arn}/{key}",
                ),
            )
        ]
        writes = [
            request
            for artifact in action.get("outputArtifacts", [])
            for request in home.write(role, self._key(artifact["name"]))
        ]
        find = [
            Request(principal=role, action=f"s3:{name}", resource=home.bucket_arn)
            for name in ("GetBucketAcl", "GetBucketLocation")
        ]
        return [*starts, *reads, *writes, *find, *self._fetches(role)]

    def _fetches(self, role: str) -> list[Request]:
        """What a build does to the source itself: it clones it, or pulls the image."""
        source = self.pipeline["stages"][0]["actions"][0]
        provider, configuration = source["actionTypeId"]["provider"], source["configuration"]
        if provider == "ECR":
            names = ("BatchGetImage", "GetDownloadUrlForLayer")
            pull = [
                Request(
                    principal=role, action=f"ecr:{name}", resource=self._image_repository(source)
                )
                for name in names
            ]
            log_in = Request(
                principal=role,
                action="ecr:GetAuthorizationToken",
                resource="*",
                account=self.stack.account,
            )
            return [*pull, log_in]
        if configuration.get("OutputArtifactFormat") != "CODEBUILD_CLONE_REF":
            return []
        if provider == "CodeCommit":
            repository = self._in_region(f"codecommit:{configuration['RepositoryName']}")
            return [Request(principal=role, action="codecommit:GitPull", resource=repository)]
        return [self.connection_use(role)]

    def _lambda(self, action: dict[str, Any]) -> list[Request]:
        function = self._function(action)
        role = function["Role"]
        destination = json.loads(action["configuration"]["UserParameters"])["DestinationBucket"]
        target = next(
            one for one in self.stores.values() if one.bucket_arn.endswith(f":{destination}")
        )
        report = [
            Request(
                principal=role,
                action=f"codepipeline:PutJob{result}Result",
                resource="*",
                account=self.stack.account,
            )
            for result in ("Success", "Failure")
        ]
        find = [
            Request(principal=role, action=f"s3:{name}", resource=target.bucket_arn)
            for name in ("GetBucketLocation", "GetEncryptionConfiguration")
        ]
        # Parts of a large artifact are read again before they are joined.
        join = [
            use_key(role, "kms:Decrypt", target.key_arn, via="s3"),
            Request(
                principal=role,
                action="s3:AbortMultipartUpload",
                resource=f"{target.bucket_arn}/hello/a.zip",
            ),
        ]
        home = self.stores[self.stack.region]
        missing = Request(principal=role, action="s3:ListBucket", resource=home.bucket_arn)
        return [
            # CodePipeline looks a function up before it invokes it.
            Request(
                principal=action["roleArn"],
                action="lambda:ListFunctions",
                resource="*",
                account=self.stack.account,
            ),
            Request(
                principal=action["roleArn"],
                action="lambda:InvokeFunction",
                resource=function["FunctionArn"],
            ),
            # What it passes on, with credentials of the action.
            *home.read(action["roleArn"]),
            *home.read(role),
            missing,
            *find,
            *target.write(role),
            *join,
            *report,
        ]

    def _cloudformation(self, action: dict[str, Any]) -> list[Request]:
        role, configuration = action["roleArn"], action["configuration"]
        region, account = action["region"], role.split(":")[4]
        stack = f"arn:{self._partition}:cloudformation:{region}:{account}:stack"
        stack = f"{stack}/{configuration['StackName']}/11111111-2222-3333-4444-555555555555"

        def on_stack(name: str, **context: str) -> Request:
            keys = {f"cloudformation:{key}": value for key, value in context.items()}
            return Request(
                principal=role, action=f"cloudformation:{name}", resource=stack, context=keys
            )

        if configuration["ActionMode"] == "CHANGE_SET_EXECUTE":
            # With DescribeStackEvents the error of an action names the resource that failed.
            names = (
                *("DescribeChangeSet", "DescribeStackEvents"),
                *("DescribeStacks", "ExecuteChangeSet"),
            )
            return [on_stack(name) for name in names]
        store, works_as = self.stores[region], configuration["RoleArn"]
        missing = Request(principal=role, action="s3:ListBucket", resource=store.bucket_arn)
        version = Request(
            principal=role,
            action="s3:GetObjectVersion",
            resource=f"{store.bucket_arn}/hello/a.zip",
        )
        return [
            *store.read(role),
            version,
            *store.find(role),
            missing,
            # AWS's own example of an action role has it.
            Request(
                principal=role,
                action="cloudformation:ValidateTemplate",
                resource="*",
                account=account,
            ),
            *(on_stack(name) for name in ("DescribeStacks", "DescribeChangeSet")),
            # A template configuration has tags and a stack policy too.
            *(on_stack(name) for name in ("SetStackPolicy", "TagResource", "UntagResource")),
            on_stack("DeleteChangeSet"),
            on_stack("CreateChangeSet", RoleArn=works_as),
            Request(
                principal=role,
                action="iam:PassRole",
                resource=works_as,
                context={"iam:PassedToService": "cloudformation.amazonaws.com"},
            ),
            # What the stack itself takes out of the artifacts: code, nested templates.
            _assumed_by("cloudformation.amazonaws.com", works_as),
            *(one.but(managed=False) for one in store.read(works_as)),
        ]

    def _read_by(self, role: str, region: str) -> list[Request]:
        """What a deploy action needs to read its artifact."""
        store = self.stores[region]
        artifact = f"{store.bucket_arn}/{self.pipeline['name']}/a.zip"
        return [
            *store.read(role, f"{self.pipeline['name']}/a.zip"),
            *store.find(role, "ListBucket"),
            Request(principal=role, action="s3:GetObjectVersion", resource=artifact),
        ]

    def _deploy_s3(self, action: dict[str, Any]) -> list[Request]:
        """The permissions that AWS lists, but ACLs and tags."""
        role, given = action["roleArn"], action["configuration"]
        bucket, account = f"arn:{self._partition}:s3:::{given['BucketName']}", role.split(":")[4]
        names = ("GetBucketAcl", "GetBucketLocation", "GetBucketVersioning")
        return [
            *self._read_by(role, action["region"]),
            *(
                Request(principal=role, action=f"s3:{name}", resource=bucket, account=account)
                for name in names
            ),
            Request(
                principal=role,
                action="s3:PutObject",
                resource=f"{bucket}/index.html",
                account=account,
                context={"aws:ResourceAccount": account},
            ),
            *(
                # The key is the account's, and so is its policy.
                use_key(role, name, given["KMSEncryptionKeyARN"], via="s3").but(trusted=True)
                for name in ("kms:Decrypt", "kms:GenerateDataKey")
            ),
        ]

    def _ecs(self, action: dict[str, Any]) -> list[Request]:
        role, given = action["roleArn"], action["configuration"]
        account, where = role.split(":")[4], f"{action['region']}:{role.split(':')[4]}"
        ecs = f"arn:{self._partition}:ecs:{where}"
        service = f"{ecs}:service/{given['ClusterName']}/{given['ServiceName']}"
        definition = f"{ecs}:task-definition/web:2"
        return [
            *self._read_by(role, action["region"]),
            *(
                Request(principal=role, action=f"ecs:{name}", resource=service)
                for name in ("DescribeServices", "UpdateService")
            ),
            Request(
                principal=role, action="ecs:DescribeTaskDefinition", resource="*", account=account
            ),
            Request(principal=role, action="ecs:RegisterTaskDefinition", resource=definition),
            Request(
                principal=role,
                action="ecs:TagResource",
                resource=definition,
                context={"ecs:CreateAction": "RegisterTaskDefinition"},
            ),
            Request(
                principal=role,
                action="iam:PassRole",
                resource=f"arn:{self._partition}:iam::{account}:role/Task",
                context={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
            ),
        ]

    def _manual(self, action: dict[str, Any]) -> list[Request]:
        topic = action["configuration"]["NotificationArn"]
        key = self.stores[self.stack.region].key_arn
        encrypt = [
            use_key(self.role, f"kms:{name}", key, via="sns")
            for name in ("GenerateDataKey", "Decrypt")
        ]
        topic_context = {"kms:EncryptionContext:aws:sns:topicArn": topic}
        return [
            Request(principal=self.role, action="sns:Publish", resource=topic),
            *(request.but(context=topic_context) for request in encrypt),
        ]

    def projects(self) -> list[dict[str, Any]]:
        """Return the CodeBuild projects of the application."""
        names = self._names("AWS::CodeBuild::Project")
        if not names:
            return []
        codebuild = self._clients("codebuild", self.stack.account, self.stack.region)
        return list(codebuild.batch_get_projects(names=names)["projects"])

    def _builds(self) -> Iterator[Request]:
        for project in self.projects():
            role = project["serviceRole"]
            yield _assumed_by("codebuild.amazonaws.com", role, SourceArn=project["arn"])
            yield from self._logs(role, project["logsConfig"]["cloudWatchLogs"]["groupName"])
            yield from self.connection_uses(project)
            for assets in self.assets(project):
                yield from self._uploads_assets(role, assets)
            for artifact in [project["artifacts"], *project.get("secondaryArtifacts", [])]:
                if artifact["type"] == "S3":
                    # CodeBuild makes sure whose bucket it is.
                    for name in ("GetBucketAcl", "GetBucketLocation"):
                        yield Request(
                            principal=role, action=f"s3:{name}", resource=self.build_bucket_arn
                        )

    @property
    def bounded(self) -> list[str]:
        """The roles of builds and tests, which have a boundary."""
        roles = [project["serviceRole"] for project in self.projects()]
        return [role for role in roles if self._export.bounds(role)]

    def assets(self, project: dict[str, Any]) -> list[Store]:
        """Return where the builds of a project upload assets; those of pull requests do not."""
        if project["artifacts"]["type"] == "NO_ARTIFACTS":
            return []
        variables = project["environment"]["environmentVariables"]
        found = [one["value"] for one in variables if one["name"] == "CROSSACCOUNT_ASSETS"]
        return [
            Store(
                region=region,
                bucket_arn=f"arn:{self._partition}:s3:::{assets['bucket']}",
                key_arn=assets["key_arn"],
            )
            for value in found
            for region, assets in json.loads(value).items()
        ]

    def _uploads_assets(self, role: str, assets: Store) -> list[Request]:
        key = f"{self.pipeline['name']}/asset.zip"
        return [
            # The head of an object, and the parts of a large one.
            *assets.read(role, key),
            *assets.write(role, key),
            Request(principal=role, action="s3:GetBucketLocation", resource=assets.bucket_arn),
            Request(
                principal=role,
                action="s3:ListBucket",
                resource=assets.bucket_arn,
                context={"s3:prefix": key},
            ),
        ]

    def connection_uses(self, project: dict[str, Any]) -> list[Request]:
        """Return what reaching the repository takes, the use of the connection for it last."""
        connection = project["source"].get("auth", {}).get("resource")
        if not connection:
            return []
        service = connection.split(":")[2]
        path = project["source"]["location"].partition("://")[2].partition("/")[2]
        repository = path.removesuffix(".git")
        names = ("GetConnection", "GetConnectionToken", "UseConnection")
        requests = [
            Request(
                principal=project["serviceRole"], action=f"{service}:{name}", resource=connection
            )
            for name in names
        ]
        # Whether CreateProject's check names the repository is not documented.
        return [*requests, requests[-1].but(context={f"{service}:FullRepositoryId": repository})]

    def _starts(self) -> Iterator[Request]:
        events = self._clients("events", self.stack.account, self.stack.region)
        for name in self._names("AWS::Events::Rule"):
            rule = events.describe_rule(Name=name)["Arn"]
            for target in events.list_targets_by_rule(Rule=name)["Targets"]:
                if target["Arn"].endswith("-notices"):
                    continue
                if ":lambda:" in target["Arn"]:
                    yield from self._starter(target["Arn"])
                    continue
                yield _assumed_by(
                    "events.amazonaws.com",
                    target["RoleArn"],
                    SourceArn=rule,
                    SourceAccount=rule.split(":")[4],
                )
                yield Request(
                    principal=target["RoleArn"],
                    action="codepipeline:StartPipelineExecution",
                    resource=target["Arn"],
                )

    def _starter(self, function_arn: str) -> Iterator[Request]:
        """What the starter does: release a build, and copy it to where a start by hand finds it."""
        client = self._clients("lambda", self.stack.account, self.stack.region)
        function = client.get_function(FunctionName=function_arn)["Configuration"]
        role, store = function["Role"], self.build_store
        queue = function["DeadLetterConfig"]["TargetArn"]
        yield Request(principal=role, action="sqs:SendMessage", resource=queue)
        yield Request(
            principal=role, action="codepipeline:StartPipelineExecution", resource=self.arn
        )
        for project in self.projects():
            if project["artifacts"]["type"] == "S3":
                for name in ("BatchGetBuilds", "ListBuildsForProject"):
                    action = f"codebuild:{name}"
                    yield Request(principal=role, action=action, resource=project["arn"])
        for _store, _writer, key in self.writers:
            yield from store.read(role, key)
            yield Request(
                principal=role,
                action="s3:GetObjectVersion",
                resource=f"{store.bucket_arn}/{key}",
            )
        for source in self.actions("S3", "Source"):
            key = source["configuration"]["S3ObjectKey"]
            yield from store.write(role, key)
            yield Request(
                principal=role,
                action="s3:AbortMultipartUpload",
                resource=f"{store.bucket_arn}/{key}",
            )

    def started_by(self) -> list[Request]:
        """Return how EventBridge takes the role that it starts the pipeline with, if one does."""
        return [one for one in self._starts() if one.principal == "events.amazonaws.com"]

    def starts(self) -> list[Request]:
        """Return how that role starts the pipeline."""
        return [
            one for one in self._starts() if one.action == "codepipeline:StartPipelineExecution"
        ]

    def _logs(self, role: str, group: str) -> list[Request]:
        where = f"{self.stack.region}:{self.stack.account}"
        stream = f"arn:{self._partition}:logs:{where}:log-group:{group}:log-stream:one"
        names = ("CreateLogStream", "PutLogEvents")
        return [Request(principal=role, action=f"logs:{name}", resource=stream) for name in names]

    def notices(self) -> list[Notices]:
        """Return the function that reports the releases, if there is one."""
        client = self._clients("lambda", self.stack.account, self.stack.region)
        return [
            Notices(
                function=client.get_function(FunctionName=name)["Configuration"],
                pipeline=self.arn,
                keys={region: store.key_arn for region, store in self.stores.items()},
            )
            for name in self._names("AWS::Lambda::Function")
            if name.endswith("-notices")
        ]

    def _names(self, resource_type: str) -> list[str]:
        return [
            one.physical_id.rpartition("|")[2]
            for one in self._export.resources
            if (one.stack, one.type) == (self.stack, resource_type)
        ]

    def _read_pipeline(self) -> dict[str, Any]:
        (name,) = self._names("AWS::CodePipeline::Pipeline")
        client = self._clients("codepipeline", self.stack.account, self.stack.region)
        return dict(client.get_pipeline(name=name)["pipeline"])

    def _function(self, action: dict[str, Any]) -> dict[str, Any]:
        client = self._clients("lambda", self.stack.account, self.stack.region)
        name = action["configuration"]["FunctionName"]
        return dict(client.get_function(FunctionName=name)["Configuration"])

    def _functions(self) -> Iterator[Request]:
        """Every function works: that of the foundation, and those of pipelines."""
        for resource in self._export.resources:
            if resource.type != "AWS::Lambda::Function":
                continue
            stack = resource.stack
            client = self._clients("lambda", stack.account, stack.region)
            found = client.get_function(FunctionName=resource.physical_id)
            function = found["Configuration"]
            yield _assumed_by("lambda.amazonaws.com", function["Role"])
            yield from self._logs(function["Role"], function["LoggingConfig"]["LogGroup"])

    @property
    def _partition(self) -> str:
        return self.role.split(":")[1]


def _assumed_by(service: str, role: str, **context: str) -> Request:
    keys = {f"aws:{key}": value for key, value in context.items()}
    return Request(principal=service, action="sts:AssumeRole", resource=role, context=keys)


__all__ = ("Release", "Store", "use_key")
