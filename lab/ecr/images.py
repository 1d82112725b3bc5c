# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of ECR: the event of a push, and images that are not there."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecr, eventbridge

Data = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Restore both."""
    _events_of_images()
    _missing_images()


def _events_of_images() -> None:
    """The event 'ECR Image Action' of a push, by API and by docker.

    AWS: sent, https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html.
    MiniStack: not sent.
    """
    put, push = ecr._put_image, ecr._v2_put_manifest

    def with_event(data: Data) -> Response:
        response: Response = put(data)
        if response[0] == 200:
            image = json.loads(response[2])["image"]
            _send(data["repositoryName"], image["imageId"]["imageDigest"], data.get("imageTag"))
        return response

    def pushed(name: str, ref: str, headers: dict[str, str], body: bytes) -> Response:
        response: Response = push(name, ref, headers, body)
        if response[0] == 201:
            tag = "" if ref.startswith("sha256:") else ref
            _send(name, response[1]["Docker-Content-Digest"], tag)
        return response

    ecr._put_image = with_event
    ecr._v2_put_manifest = pushed


def _send(repository: str, digest: str, tag: str | None) -> None:
    detail = {
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": "PUSH",
        **({"image-tag": tag} if tag else {}),
    }
    entry = {
        "Source": "aws.ecr",
        "DetailType": "ECR Image Action",
        "Resources": [],
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _missing_images() -> None:
    """DescribeImages of an image that is not there.

    AWS: ImageNotFoundException. MiniStack: leaves it out.
    """
    describe = ecr._describe_images

    def described(data: Data) -> Response:
        wanted = data.get("imageIds") or []
        response: Response = describe(data)
        if response[0] == 200 and len(json.loads(response[2])["imageDetails"]) < len(wanted):
            refused: Response = error_response_json(
                "ImageNotFoundException",
                f"The image with imageId {wanted[0]} does not exist within the repository with"
                f" name '{data.get('repositoryName')}'",
                400,
            )
            return refused
        return response

    ecr._describe_images = described


__all__ = ("install",)
