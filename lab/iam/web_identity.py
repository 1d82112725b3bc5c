# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles that are assumed with the token of an OIDC provider."""

from __future__ import annotations

from typing import Any

from ministack.services import iam, sts

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """The provider of a token, beside the role's trust policy.

    AWS: the role's account must have the provider, and the provider the token's audience.
    MiniStack: looks at the trust policy only. Neither the signature nor the age of a token counts.
    """
    stock = sts._web_identity_trust_denied

    def denied(role_arn: str, params: dict[str, Any], use_json: bool) -> Response | None:
        token = sts._p(params, "WebIdentityToken")
        provider, keys = sts._web_identity_principal(token, "", role_arn)
        account, issuer = role_arn.split(":")[4], provider.partition(":oidc-provider/")[2]
        record = iam._oidc_providers.get_scoped(account, None, provider)
        if record is None:
            return _invalid(f"No OpenIDConnect provider found in your account for https://{issuer}")
        if keys.get(f"{issuer}:aud".lower()) not in record["ClientIDList"]:
            return _invalid("Incorrect token audience")
        answer: Response | None = stock(role_arn, params, use_json)
        return answer

    sts._web_identity_trust_denied = denied


def _invalid(message: str) -> Response:
    answer: Response = sts._error(400, "InvalidIdentityToken", message, ns="sts")
    return answer


__all__ = ("install",)
