import type { FastifyInstance } from 'fastify';
import { errorText } from '../errors.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface HealthProbes {
  /** Whether the process works at all: its loop moved lately. */
  live(): boolean;
  /** One check for each thing that requests need. */
  ready(): Promise<readonly Check[]>;
}

/** GET /health/live and /health/ready: 200, or 503 where the process is stuck or a check is not ok. */
export function registerHealth(app: FastifyInstance, probes: HealthProbes): void {
  app.get('/health/live', async (_request, reply) => {
    const live = probes.live();
    return reply.code(live ? 200 : 503).send({ live });
  });
  app.get('/health/ready', async (_request, reply) => {
    const checks = await readyChecks(probes);
    const ready = checks.every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ ready, checks });
  });
}

/** A probe that throws is an answer: not ready. */
async function readyChecks(probes: HealthProbes): Promise<readonly Check[]> {
  try {
    return await probes.ready();
  } catch (error) {
    return [{ name: 'ready', ok: false, detail: errorText(error) }];
  }
}
