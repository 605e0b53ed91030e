import { createServer } from 'node:net';

/** A TCP port on 127.0.0.1 that was free a moment ago. `preferred` is taken where it is free; 0 means any. */
export async function choosePort(preferred: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  if (preferred !== 0 && !taken.has(preferred) && (await tryPort(preferred)) !== undefined) return preferred;
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await tryPort(0);
    if (port !== undefined && !taken.has(port)) return port;
  }
  throw new Error('no free port on 127.0.0.1');
}

/** The port that could be bound (and was let go again), or undefined where it is in use. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
