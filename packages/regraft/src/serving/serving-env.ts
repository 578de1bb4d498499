import type { Journals } from '../capture/index.ts'
import type { Config } from '../config/index.ts'
import type { Principal, Services } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'

export interface ServingEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

export interface ServingOptions {
  config: Config
  services: Services & { journals: Journals }
}
