# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Source actions of repositories and registries: what each puts into the artifact store."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from ..iam.authorisation import Principal
from ..iam.service_roles import session_arn
from ..repositories.store import REPOSITORIES, Commit
from .source_rules import CLONE, CODECOMMIT, CONNECTION, ECR
from .work import ActionFailedError, Work

Data = dict[str, Any]

# What CodePipeline asks of a provider for one release, by the names that policies have for it:
# https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html
_PROVIDER_ACTIONS = ("GetBranch", "StartUploadArchiveToS3", "GetUploadArchiveToS3Status")
# https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
_CODECOMMIT = ("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")


def _connection(work: Work) -> str:
    configuration = work.configuration
    connection = configuration["ConnectionArn"]
    repository = configuration["FullRepositoryId"]
    # The ARN of a connection has the name that the service had when it was created.
    service = connection.split(":")[2]
    for action in _PROVIDER_ACTIONS:
        context = {
            f"{service}:fullrepositoryid": repository,
            f"{service}:provideraction": action,
            f"{service}:providerpermissionsrequired": "read_only",
        }
        refusal = _principal(work).check(
            f"{service}:UseConnection", connection, region=work.region, context=context
        )
        if refusal:
            raise ActionFailedError(
                f"Unable to use Connection: {connection}. The provided role does not have"
                f" sufficient permissions. {refusal}",
                code="PermissionError",
            )
    missing = f"No Branch [{configuration['BranchName']}] found for FullRepositoryName"
    commit = _commit(work, repository, missing=f"{missing} [{repository}]")
    where = {"ConnectionArn": connection, "FullRepositoryId": repository}
    return _put_commit(
        work, commit, where, {"ConnectionArn": connection, "FullRepositoryName": repository}
    )


def _codecommit(work: Work) -> str:
    configuration = work.configuration
    name = configuration["RepositoryName"]
    arn = f"arn:aws:codecommit:{work.region}:{_principal(work).account}:{name}"
    clones = configuration.get("OutputArtifactFormat") == CLONE
    for action in (*_CODECOMMIT, *(["GetRepository"] if clones else [])):
        if refusal := _principal(work).check(f"codecommit:{action}", arn, region=work.region):
            raise ActionFailedError(refusal, code="PermissionError")
    missing = f"No Branch [{configuration['BranchName']}] found for Repository [{name}]"
    commit = _commit(work, arn, missing=missing)
    return _put_commit(work, commit, {"RepositoryArn": arn}, {"RepositoryName": name})


def _ecr(work: Work) -> str:
    configuration = work.configuration
    name, tag = configuration["RepositoryName"], configuration.get("ImageTag", "latest")
    pinned = work.execution.pinned.get(work.run.name)
    wanted = {"imageDigest": pinned} if pinned else {"imageTag": tag}
    found = work.client("ecr").describe_images(repositoryName=name, imageIds=[wanted])
    (image,) = found["imageDetails"]
    registry, digest = image["registryId"], image["imageDigest"]
    uri = f"{registry}.dkr.ecr.{work.region}.amazonaws.com/{name}@{digest}"
    detail = {
        "ImageSizeInBytes": str(image.get("imageSizeInBytes", 0)),
        "ImageDigest": digest,
        "Version": "1.0",
        "ImagePushedAt": image["imagePushedAt"].strftime("%a %b %d %H:%M:%S UTC %Y"),
        "RegistryId": registry,
        "RepositoryName": name,
        "ImageURI": uri,
        "ImageTags": image.get("imageTags", []),
    }
    work.run.variables = {
        "ImageDigest": digest,
        "ImageTag": tag,
        "ImageURI": uri,
        "RegistryId": registry,
        "RepositoryName": name,
    }
    _put(work, zipped({"imageDetail.json": json.dumps(detail).encode()}))
    return _note(work, digest, f"Amazon ECR image {name}:{tag}")


def _principal(work: Work) -> Principal:
    return Principal(arn=session_arn(work.credentials))


def _commit(work: Work, repository: str, *, missing: str) -> Commit:
    """The commit of a trigger or a start, else the branch's newest."""
    store = REPOSITORIES.get(repository)
    pinned = work.execution.pinned.get(work.run.name)
    branch = work.configuration["BranchName"]
    commit = None
    if store:
        commit = store.commits.get(pinned) if pinned else store.head(branch)
    if commit is None:
        raise ActionFailedError(missing, code="ConfigurationError")
    return commit


def _put_commit(work: Work, commit: Commit, where: Data, variables: dict[str, str]) -> str:
    """Put the tree into the store, or only where a build can clone it."""
    if work.configuration.get("OutputArtifactFormat") == CLONE:
        (artifact,) = work.outputs()
        work.execution.clones[artifact] = {**where, "CommitId": commit.id}
        _put(work, json.dumps(work.execution.clones[artifact]).encode())
    else:
        _put(work, zipped(commit.files))
    work.run.variables = {
        **variables,
        "BranchName": work.configuration["BranchName"],
        "CommitId": commit.id,
        "CommitMessage": commit.message,
    }
    return _note(work, commit.id, commit.message)


def _put(work: Work, data: bytes) -> None:
    (artifact,) = work.outputs()
    place = work.new_location(artifact)
    work.objects().write(work.execution.store(work.home), place[1], data)
    work.execution.add_artifact(artifact, work.home, place)


def _note(work: Work, revision: str, summary: str) -> str:
    (artifact,) = work.outputs()
    work.execution.revisions.append(
        {
            "name": artifact,
            "actionName": work.run.name,
            "revisionId": revision,
            "revisionSummary": summary,
        }
    )
    work.run.external_id = revision
    return summary


def zipped(files: dict[str, bytes]) -> bytes:
    """The files as the archive that an artifact is."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(name, content)
    return data.getvalue()


SOURCES: dict[str, Callable[[Work], str]] = {
    CODECOMMIT: _codecommit,
    CONNECTION: _connection,
    ECR: _ecr,
}

__all__ = ("SOURCES",)
