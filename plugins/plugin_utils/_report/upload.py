# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drift report in a bucket, where it outlives a job of AWX."""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import quote

from .._aws.gateway import Client
from .._errors import ErrorHandler
from .files import NAME, as_html, as_json

_TYPES = {"json": "application/json", "html": "text/html; charset=utf-8"}
_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Destination:
    """A bucket for reports.

    :param prefix: what keys begin with; may be empty.
    :param account_id: the account that owns the bucket. Nothing is sent to another one's.
    :param url: where people read the bucket; the console of AWS if empty.
    """

    bucket: str
    prefix: str
    region: str
    account_id: str
    url: str = ""

    def link(self, key: str, partition: str) -> str:
        """Return the address at which people find *key*."""
        if self.url:
            return f"{self.url.rstrip('/')}/{quote(key)}"
        console = _CONSOLES.get(partition, "console.aws.amazon.com")
        place = f"s3/object/{self.bucket}?region={self.region}&prefix={quote(key)}"
        return f"https://{self.region}.{console}/{place}"


def upload(
    client: Client, destination: Destination, report: dict[str, t.Any], *, job: str = ""
) -> str:
    """Put *report* as JSON and as a page into the bucket, and return the page's link.

    :param job: sets apart the reports of jobs that start at once.

    Raises PipelineError.
    """
    folder = "-".join(filter(None, (report["started"].replace(":", ""), job)))
    begin = destination.prefix.strip("/")
    base = "/".join(filter(None, (begin, folder, NAME)))
    for suffix, body in (("json", as_json(report)), ("html", as_html(report))):
        _put(
            client,
            Bucket=destination.bucket,
            Key=f"{base}.{suffix}",
            Body=body.encode(),
            ContentType=_TYPES[suffix],
            ExpectedBucketOwner=destination.account_id,
        )
    return destination.link(f"{base}.html", str(client.meta.partition))


@ErrorHandler.common_error_handler("upload the drift report")  # type: ignore[untyped-decorator]
def _put(client: Client, **request: t.Any) -> None:
    client.put_object(**request)


__all__ = ("Destination", "upload")
