export { admitAdapter } from './admit-adapter.ts'
export { type BaseSearch, findAdapterBase } from './find-base.ts'
export { judgeCompatibility } from './judge-compatibility.ts'
export { knownAs } from './known-as.ts'
