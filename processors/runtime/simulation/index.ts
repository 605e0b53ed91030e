export { ALL_FAULTS, describeFault, drawFaults, type Fault, type FaultWeights } from './faults.ts';
export type { ProcessParts } from './instance.ts';
export { shrink } from './shrink.ts';
export type { Outcome, OutcomeRecord } from './outcome.ts';
export { simulate, simulateSeeds, type SimulationOptions, type SimulationReport } from './simulate.ts';
export { World, type SimulatedInput, type WorldOptions } from './world.ts';
