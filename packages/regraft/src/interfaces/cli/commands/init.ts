import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { CONFIG_FILE } from '../../../config/index.ts'
import { RegraftError } from '../../../errors/index.ts'
import { defineLocalCommand } from './types.ts'

/** Every key with its default, so that the file itself says what can be set. */
const CONTENT = `# Regraft's configuration. \`regraft config schema\` prints its JSON Schema, \`regraft config explain\` what is in force.
# Any text value may take a secret from the environment: \${NAME}.

# The project that rows and adapters belong to.
project: default

# Where the embedded database and all files live, relative to this file.
dataDirectory: .regraft

# A Postgres instead of the embedded database:
# databaseUrl: \${DATABASE_URL}

# The server of \`regraft serving up\`. An address other than loopback needs an API key: regraft keys create <name>
server:
  host: 127.0.0.1
  port: 7878

# What adapters are trained for.
# tasks:
#   route-ticket:
#     system: Answer with the queue that this ticket belongs to.
#     label: category

# Base models: a Hugging Face folder or a GGUF file, and the day on which the base is gone.
# bases:
#   small:
#     path: models/small.gguf
#     endOfLife: 2027-06-30

# OpenAI-compatible APIs that answer at /v1/chat/completions beside your own models, and are logged the same.
# upstreams:
#   openai:
#     url: https://api.openai.com/v1
#     apiKey: \${OPENAI_API_KEY}
#     models: [gpt-5-mini]

# Defaults of the gates, not established facts: choose the margin before you compare.
gates:
  margin: 0.02
  alpha: 0.05

# Who answers for what is registered.
# owners:
#   owner: alex@example.com
#   deputy: sam@example.com
`

export const init = defineLocalCommand({
  name: 'init',
  summary: 'Write a commented regraft.yaml and make the data directory',
  input: z.object({ folder: z.string().default('.').describe('where to put it') }),
  positionals: ['folder'],
  example: 'regraft init',
  async run({ terminal }, input) {
    const folder = resolve(input.folder)
    const file = join(folder, CONFIG_FILE)
    if (existsSync(file)) {
      throw new RegraftError('conflict', `${file} exists already`, {
        hint: 'edit it, or delete it to have a new one written',
      })
    }
    const dataDirectory = join(folder, '.regraft')
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
    await writeFile(join(dataDirectory, '.gitignore'), '*\n')
    await writeFile(file, CONTENT, { flag: 'wx' })
    if (terminal.json) terminal.print(JSON.stringify({ file, dataDirectory }, null, 2))
    else
      terminal.print(
        `wrote ${file}\nmade  ${dataDirectory}\nnext: regraft import <file.csv> --text <column> --label <column>`,
      )
  },
})
