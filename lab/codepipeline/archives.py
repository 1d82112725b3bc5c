# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one input artifact of a deploy action, read with the action's role."""

from __future__ import annotations

import io
import zipfile

from .work import ActionFailedError, Work


def content_of_input(work: Work) -> bytes:
    """The artifact as it is."""
    bucket, key = work.location(work.inputs()[0])
    data, _version = work.objects().read(bucket, key)
    return data


def open_input(work: Work) -> zipfile.ZipFile:
    """The artifact, unpacked. Raises ActionFailedError."""
    try:
        return zipfile.ZipFile(io.BytesIO(content_of_input(work)))
    except zipfile.BadZipFile as error:
        raise ActionFailedError(
            f"Artifact {work.inputs()[0]} is not a ZIP file", code="ConfigurationError"
        ) from error


__all__ = ("content_of_input", "open_input")
