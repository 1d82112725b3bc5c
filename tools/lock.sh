#!/usr/bin/env bash
# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Write requirements/*.txt, and the lock of examples/sam, from the *.in next to them: complete, with
# hashes, for every platform.
# What is locked already stays, unless an argument of uv says otherwise (--upgrade).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

uv=build/uv
if [[ ! -x $uv/bin/uv ]]; then
    .venv/bin/python -m venv "$uv"
    "$uv/bin/python" -m pip install -qq --disable-pip-version-check uv==0.13.9
fi

# lock NAME OLDEST_PYTHON [ARGUMENT...]
lock() {
    local name=$1 python=$2
    shift 2
    "$uv/bin/uv" pip compile "$name.in" --output-file "$name.txt" --python-version "$python" --universal \
        --generate-hashes --no-annotate --quiet --custom-compile-command 'make lock' "$@"
    printf 'lock: %s\n' "$name.txt"
}

lock requirements/newest 3.12 "$@"
lock requirements/oldest 3.11 --override requirements/overrides.txt "$@"
lock requirements/bench 3.11 "$@"
lock examples/sam/requirements 3.11 "$@"
