export { ALL_FAULTS, describeFault, drawFaults, type Fault } from './faults.ts';
export type { ProcessParts } from './instance.ts';
export { shrink } from './shrink.ts';
export { simulate, simulateSeeds } from './simulate.ts';
export { World, type SimulatedInput, type WorldOptions } from './world.ts';
