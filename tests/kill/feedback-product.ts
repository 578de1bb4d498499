// A product that sends feedback until it is killed: `feedback-product.ts <url> <file of waiting events> <name>`.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Regraft } from '@regraft/client'
import { fileStorage } from '@regraft/client/file-storage'

const [baseUrl, path, name] = process.argv.slice(2) as [string, string, string]
const storage = fileStorage(path)
const regraft = new Regraft({ baseUrl, storage, maxBuffered: 100_000, maxRetries: 0, onError: () => {} })
if (name === 'last') {
  while ((await regraft.flush()) > 0) await sleep(50)
} else {
  for (let turn = 0; ; turn += 1) {
    void regraft.comment('one', `${name} ${turn}`)
    writeSync(1, `${name} ${turn}\n`)
    await sleep(2)
  }
}
