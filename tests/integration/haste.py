# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that the Python of a run starts with, so that faults do not take minutes."""

from __future__ import annotations

from pathlib import Path

# botocore waits up to 20 s between attempts.
HASTE = """
from botocore.retries import standard

standard.ExponentialBackoff.delay_amount = lambda self, context: 0.01
"""
# botocore waits 30 s for an answer. No call of the lab takes nearly 5 s.
IMPATIENCE = """
from botocore import httpsession

make = httpsession.URLLib3Session.__init__


def impatient(self, *arguments, **options):
    make(self, *arguments, **{**options, "timeout": (5, 5)})


httpsession.URLLib3Session.__init__ = impatient
"""
# The credentials of roles are always about to expire.
EXPIRING = """
import datetime

from botocore import client

call = client.BaseClient._make_api_call


def short_lived(self, operation, request):
    answer = call(self, operation, request)
    if operation == "AssumeRole":
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
        answer["Credentials"]["Expiration"] = soon
    return answer


client.BaseClient._make_api_call = short_lived
"""


def variables(folder: Path, *code: str) -> dict[str, str]:
    """Return environment variables that make every Python of a run start with this code."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("\n".join(code), encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


__all__ = ("EXPIRING", "HASTE", "IMPATIENCE", "variables")
