# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the CloudFormation templates, rendered, and those of examples; warnings included."""

from __future__ import annotations

import subprocess
import sys

from tools.environment import ROOT, environment
from tools.render_templates import render_all


def main() -> int:
    """Render, check and return cfn-lint's exit code; no template at all is a failure."""
    templates = render_all()
    if not templates:
        print("no template found")
        return 1
    templates += sorted(ROOT.glob("examples/**/*.template"))
    names = [str(path.relative_to(ROOT)) for path in templates]
    return subprocess.run(
        ["cfn-lint", "--", *names], cwd=ROOT, env=environment(), check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
