// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import { fileURLToPath } from 'node:url';
import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';

const STEPS = ['accept', 'price', 'reserve', 'charge', 'pack', 'ship', 'notify', 'archive'];
const RETURNS = ['return', 'inspect', 'restock', 'refund'];

// A function for each step of an order; those of returns are in a nested stack.
export class OrdersStack extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const shop = new cdk.CfnParameter(this, 'Shop', {
      default: 'example',
      description: 'Name of the shop; the pipeline gives each environment its own.',
    }).valueAsString;
    addSteps(this, STEPS, shop);
    addSteps(new cdk.NestedStack(this, 'Returns'), RETURNS, shop);
  }
}

function addSteps(stack, steps, shop) {
  const role = new iam.Role(stack, 'Role', {
    // The path under which the execution policy lets stacks make roles.
    path: '/application/',
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    managedPolicies: [
      iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaBasicExecutionRole'),
    ],
  });
  for (const step of steps) {
    const made = new lambda.Function(stack, step, {
      runtime: lambda.Runtime.PYTHON_3_13,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(fileURLToPath(new URL(`../functions/${step}`, import.meta.url))),
      environment: { SHOP: shop },
      role,
    });
    new cdk.CfnOutput(stack, `${step}Name`, { value: made.functionName });
  }
}
