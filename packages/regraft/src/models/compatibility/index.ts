export { type AdapterFacts, readAdapterFacts } from './adapter-facts.ts'
export { admitAdapter } from './admit-adapter.ts'
export { type CheckedBase, declaredBase, isSameBaseName, judgeCompatibility } from './judge-compatibility.ts'
export { knownAs } from './known-as.ts'
