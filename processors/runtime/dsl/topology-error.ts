import { MillraceError } from '../../../platform/errors.ts';

/** A topology that says something that cannot be run. */
export function topologyError(topology: string, faults: readonly string[]): MillraceError {
  return new MillraceError('MR_TOPOLOGY_INVALID', `Topology ${topology}: ${faults.join('; ')}.`, {
    context: { topology, faults },
  });
}
