#!/usr/bin/env bash
# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Make a virtual environment from a lock, and put this checkout in it as a collection.
#
#   tools/venv.sh            .venv, from the newest Python of 3.13, 3.12 and 3.11
#   tools/venv.sh oldest     .venv-oldest, Python 3.11 with the oldest supported Ansible
#   tools/venv.sh bench      .venv-bench, the tool that benchmarks/ compares with
#
# Does nothing when the environment was made from the same lock and still runs.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

say() { printf 'venv: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

# Every place where a Python of one version (such as 3.13) may be, one a line.
candidates() {
    type -ap "python$1" || true
    printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python "/opt/python/$1"*/bin/python
}

# The first Python of the given versions that runs and can make an environment. A file that exists
# proves nothing: pyenv leaves shims of versions that are not selected, Debian splits ensurepip off.
# The answer is the interpreter behind it, never one inside an environment that is about to go.
find_python() {
    local version path
    local probe='
import ensurepip, os, sys, venv
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit(1)
print(os.path.realpath(sys.executable))
'
    for version in "$@"; do
        while IFS= read -r path; do
            "$path" -c "$probe" "$version" 2>/dev/null && return 0
        done < <(candidates "$version")
    done
    return 1
}

name=${1:-newest}
case $name in
    newest) venv=.venv versions=(3.13 3.12 3.11) ;;
    oldest) venv=.venv-oldest versions=(3.11) ;;
    bench) venv=.venv-bench versions=(3.13 3.12 3.11) ;;
    *) die "unknown environment '$name': newest, oldest or bench" ;;
esac

# What an environment depends on: its lock, this script, and the place, which is written into its scripts.
stamp=$venv/made-from
wanted() { { pwd && cat requirements/*.txt tools/venv.sh; } | cksum; }

if [[ -f $stamp && $(<"$stamp") == "$(wanted)" ]] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

python=$(find_python "${versions[@]}") ||
    die "no working Python found (looked for: ${versions[*]}, each with venv and ensurepip)"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# The newest ansible-core does not run on Python 3.11.
lock=$name
[[ $name == newest && $version == 3.11 ]] && lock=oldest

say "making $venv with Python $version ($python)"
rm -rf -- "$venv"
"$python" -m venv "$venv"

site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
log=$venv/install.log
total=$(grep -c '^[A-Za-z].*==' "requirements/$lock.txt")
say "installing the $total packages of requirements/$lock.txt, about a minute"
progress() {
    local found before=
    while sleep 3; do
        found="$(grep -c '^Collecting' "$log" || true) downloaded"
        found+=", $(find "$site" -maxdepth 1 -name '*.dist-info' | wc -l) installed"
        [[ $found == "$before" ]] || say "$found"
        before=$found
    done
}
: >"$log"
progress &
trap 'kill %1 2>/dev/null || true' EXIT
# The lock is complete, so there is nothing to resolve. Compiling 30,000 files would take longest.
"$venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check --no-compile --no-deps \
    --require-hashes --requirement "requirements/$lock.txt" >"$log" 2>&1 ||
    die "pip failed:$(printf '\n'; tail -n 20 "$log")"
kill %1

if [[ $name != bench ]]; then
    say "linking this checkout as crossaccount.pipeline, next to amazon.aws"
    collections=$venv/collections/ansible_collections
    mkdir -p -- "$collections/crossaccount" "$collections/amazon"
    ln -s ../../../.. "$collections/crossaccount/pipeline"
    ln -s "../../../${site#"$PWD/$venv/"}/ansible_collections/amazon/aws" "$collections/amazon/aws"
    # The tests import the collection by its full name, the noxfile imports tools.
    printf '%s\n' "$PWD/$venv/collections" "$PWD" >"$site/crossaccount_pipeline.pth"
fi

wanted >"$stamp"
say "ready"
