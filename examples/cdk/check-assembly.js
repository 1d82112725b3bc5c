// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Refuses what a pipeline cannot release, before anything is uploaded: node check-assembly.js cdk.out

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory] = process.argv.slice(2);
const regions = JSON.parse(process.env.CROSSACCOUNT_ASSETS);
const read = (name) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
const problems = [];

for (const [id, artifact] of Object.entries(read('manifest.json').artifacts)) {
  if (artifact.type === 'aws:cloudformation:stack') {
    const [account, region] = artifact.environment.replace('aws://', '').split('/');
    if (account !== 'unknown-account') {
      problems.push(`${id}: env.account is ${account}. Set env.region alone: the accounts share a template`);
    }
    if (!(region in regions)) {
      problems.push(`${id}: the pipeline deploys to ${Object.keys(regions).join(', ')}, not to ${region}`);
    }
  }
  if (artifact.type === 'cdk:asset-manifest') {
    const assets = read(artifact.properties.file);
    for (const image of Object.values(assets.dockerImages ?? {})) {
      const name = image.displayName ?? image.source.directory;
      problems.push(`${id}: ${name} is a Docker image. Push it to a repository in the build, pass its digest`);
    }
    for (const file of Object.values(assets.files ?? {})) {
      for (const { bucketName, objectKey, region } of Object.values(file.destinations)) {
        const own = regions[region];
        if (own && (bucketName !== own.bucket || !objectKey.startsWith(own.prefix))) {
          const name = file.displayName ?? file.source.path;
          problems.push(`${id}: ${name} goes to s3://${bucketName}/${objectKey}, not below ${own.prefix} of ${own.bucket}`);
        }
      }
    }
  }
}

for (const problem of problems) {
  console.error(problem);
}
process.exitCode = problems.length ? 1 : 0;
