#!/usr/bin/env bash
# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Render the collection's reference (plugins and roles) to build/docs/html, without the network.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

rm -rf build/docs
mkdir -p build/docs/rst
# antsibull-docs wants a folder that nobody else can write to.
chmod go-w build/docs/rst

antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
    --dest-dir build/docs/rst crossaccount.pipeline

# References to Ansible's own documentation stay plain text: resolving them takes the network. Those
# inside the collection are checked by antsibull-docs (`make lint`).
sphinx-build -q -C -b html \
    -D project=crossaccount.pipeline -D html_title=crossaccount.pipeline -D html_theme=alabaster \
    -D extensions=sphinx_antsibull_ext -D pygments_style=ansible -D highlight_language=YAML+Jinja \
    -D suppress_warnings=ref.ref \
    build/docs/rst build/docs/html

printf 'docs: build/docs/html/index.html\n'
