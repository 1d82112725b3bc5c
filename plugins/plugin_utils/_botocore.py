# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise of compatibility.
"""Sessions that share one copy of botocore's data. No calls."""

from __future__ import annotations

import functools
import typing as t

try:
    import botocore.loaders
    import botocore.session

    HAS_BOTOCORE = True
except ImportError:  # reported by the actions, host by host
    HAS_BOTOCORE = False


@functools.cache
def loader() -> t.Any:
    """Return the loader of this process: what it has read, forks have too."""
    return botocore.loaders.Loader()


def bare_session() -> t.Any:
    """Return a session that has read no configuration yet."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader())
    return session


__all__ = ("HAS_BOTOCORE", "bare_session", "loader")
