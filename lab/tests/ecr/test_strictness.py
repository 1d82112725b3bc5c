# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of ECR.

MiniStack alone does otherwise in each test: see lab/README.md.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.release_templates import ACCOUNT, Events


def test_a_pushed_image_sends_an_event(lab: Lab, name: str) -> None:
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Image Action"]}
    events = Events(lab, name, pattern)
    ecr = lab.client("ecr", ACCOUNT)
    ecr.create_repository(repositoryName=name)
    image = ecr.put_image(repositoryName=name, imageManifest="{}", imageTag="release")["image"]
    assert events.next() == {
        "result": "SUCCESS",
        "repository-name": name,
        "image-digest": image["imageId"]["imageDigest"],
        "action-type": "PUSH",
        "image-tag": "release",
    }


def test_an_image_that_is_not_there_is_an_error(lab: Lab, name: str) -> None:
    ecr = lab.client("ecr", ACCOUNT)
    ecr.create_repository(repositoryName=name)
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "release"}])
