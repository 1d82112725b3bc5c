# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's ``hostvars``, as far as results that plays leave are read from them."""

from __future__ import annotations

import typing as t

Registered = t.Mapping[str, t.Any]


class HostVars(t.Protocol):
    """The variables of all hosts, with what their tasks registered."""

    def __iter__(self) -> t.Iterator[str]:
        """Iterate over the names of the hosts."""

    def raw_get(self, host_name: str) -> Registered:
        """Return the variables of a host as they are, templates included."""


__all__ = ("HostVars", "Registered")
