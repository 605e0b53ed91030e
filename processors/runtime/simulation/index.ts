export { ALL_FAULTS, describeFault, drawFaults, type Fault, type FaultWeights } from './faults.ts';
export type { ProcessParts } from './instance.ts';
export { World, type SimulatedInput, type WorldOptions } from './world.ts';
