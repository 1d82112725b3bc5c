// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads a list of simulations from standard input, writes the list of answers to standard output.
// The library is found through CROSSACCOUNT_SIMULATOR, the folder that npm installed it into.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.CROSSACCOUNT_SIMULATOR}/`)
const { runSimulation } = require('@cloud-copilot/iam-simulate')

function answer(found) {
  if (found.resultType === 'error') {
    return { allowed: false, error: JSON.stringify(found.errors) }
  }
  if (found.resultType !== 'single') {
    return { allowed: false, error: 'the resource has a wildcard' }
  }
  return { allowed: found.overallResult === 'Allowed', error: '' }
}

const simulations = JSON.parse(readFileSync(0, 'utf8'))
const answers = []
for (const simulation of simulations) {
  answers.push(answer(await runSimulation(simulation, {})))
}
process.stdout.write(JSON.stringify(answers))
