import type { FastifyInstance } from 'fastify';
import { MillraceError } from '../errors.ts';

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * Binds the server and answers its URL, such as `http://127.0.0.1:8080`.
 * @throws MillraceError MR_PORT_TAKEN
 */
export async function listen(app: FastifyInstance, { host, port }: Address): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: () => 'the server listens' });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    throw new MillraceError('MR_PORT_TAKEN', `Port ${port} of ${host} is in use by another process`, {
      context: { host, port },
      cause: error,
    });
  }
}
