# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Botocore's models, by which MiniStack answers."""

from __future__ import annotations

from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel
from ministack.core import responses

from ..clients import service_model


def install() -> None:
    """Share the lab's session. MiniStack makes one for each service, which takes longer."""
    responses._service_model = _model


def _model(service: str) -> ServiceModel | None:
    try:
        return service_model(responses._BOTOCORE_NAME.get(service, service))
    except UnknownServiceError:
        return None


__all__ = ("install",)
