import { BROKER_APIS } from './broker-apis.ts';
import { SimulatedCluster, type SimulatedClusterOptions } from './cluster.ts';

export type { SimulatedCluster } from './cluster.ts';

/** A cluster whose brokers answer everything that the product asks. */
export function createSimulatedCluster(options: Omit<SimulatedClusterOptions, 'apis'>): SimulatedCluster {
  return new SimulatedCluster({ ...options, apis: BROKER_APIS });
}
