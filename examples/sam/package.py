# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Package the application once for each region that the pipeline deploys to.

The templates go to packaged/<region>.yml, everything else to the asset bucket of the region.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path


def main() -> None:
    """Run sam package for each region of the variable that the build's project has."""
    Path("packaged").mkdir(exist_ok=True)
    for region, assets in json.loads(os.environ["CROSSACCOUNT_ASSETS"]).items():
        subprocess.run(
            [
                *("sam", "package", "--template-file", "template.yml"),
                *("--region", region),
                *("--s3-bucket", assets["bucket"]),
                *("--s3-prefix", assets["prefix"].rstrip("/")),
                # Without it sam asks for AES256, which the bucket refuses.
                *("--kms-key-id", assets["key_arn"]),
                *("--output-template-file", f"packaged/{region}.yml"),
                "--no-progressbar",
            ],
            check=True,
        )


if __name__ == "__main__":
    main()
