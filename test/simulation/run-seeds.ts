import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SeedAnswer, SeedTask } from './seed-worker.ts';

export interface SeedsOptions {
  readonly from: number;
  readonly count: number;
  readonly threads: number;
  /** Name of a bug that is planted. */
  readonly planted?: string | undefined;
  readonly onRun: (run: SeedAnswer) => void;
}

/** Runs seeds side by side, each thread one after the other. Rejects where a thread ends by an error: that is a bug. */
export async function runSeeds(options: SeedsOptions): Promise<void> {
  const endSeed = options.from + options.count;
  let nextSeed = options.from;
  const oneThread = async (): Promise<void> => {
    const worker = new Worker(...workerModule());
    try {
      while (nextSeed < endSeed) {
        const task: SeedTask = { seed: nextSeed++, planted: options.planted };
        options.onRun(await answered(worker, task));
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.threads, options.count) }, oneThread));
}

function answered(worker: Worker, task: SeedTask): Promise<SeedAnswer> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
    };
    const onMessage = (answer: SeedAnswer): void => {
      done();
      resolve(answer);
    };
    const onError = (error: unknown): void => {
      done();
      reject(new Error(`seed ${task.seed} ended its thread`, { cause: error }));
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.postMessage(task);
  });
}

/** The module in the form that this process itself runs in: compiled, or a source for tsx. */
function workerModule(): ConstructorParameters<typeof Worker> {
  const ending = extname(import.meta.filename);
  const execArgv = ending === '.ts' ? ['--import', 'tsx'] : [];
  // What a step leaves behind is short-lived: with room for it, a tenth less time.
  const resourceLimits = { maxYoungGenerationSizeMb: 96 };
  return [new URL(`./seed-worker${ending}`, import.meta.url), { execArgv, resourceLimits }];
}
