// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// One stack for each region that the pipeline deploys to, all with the same name.

import * as cdk from 'aws-cdk-lib';
import { OrdersStack } from './lib/orders-stack.js';

const app = new cdk.App();

// The build's project has it: {"eu-west-1": {"bucket": ..., "prefix": "orders/", "key_arn": ...}}.
const regions = JSON.parse(process.env.CROSSACCOUNT_ASSETS);

for (const [region, assets] of Object.entries(regions)) {
  new OrdersStack(app, `Orders-${region}`, {
    stackName: 'orders',
    // No account: the template of a region is deployed to every account.
    env: { region },
    synthesizer: new cdk.CliCredentialsStackSynthesizer({
      fileAssetsBucketName: assets.bucket,
      bucketPrefix: assets.prefix,
    }),
  });
}
