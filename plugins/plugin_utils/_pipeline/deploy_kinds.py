# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release deploys in addition to stacks: files to S3, images to ECS. Pure."""

from __future__ import annotations

import dataclasses

IMAGES_FILE = "imagedefinitions.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeployedFiles:
    """An artifact that goes into a bucket of each environment.

    :param bucket: its name, with ``{host}`` and ``{region}`` for where it is deployed.
    :param key: what its files' names begin with; the object's name where it is not extracted.
    """

    name: str
    artifact: str
    bucket: str
    extract: bool = True
    key: str = ""
    cache_control: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeployedImages:
    """Images that a service of each environment runs.

    :param file: names an image for each container; see CodePipeline's image definitions.
    :param timeout_minutes: zero means CodePipeline's own.
    """

    name: str
    artifact: str
    cluster: str
    service: str
    file: str = IMAGES_FILE
    timeout_minutes: int = 0


__all__ = ("IMAGES_FILE", "DeployedFiles", "DeployedImages")
