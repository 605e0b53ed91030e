import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What happens to a piece of data on its way to the server. */
export type Fault = 'pass' | 'swallow' | 'cut-before' | 'cut-after';

/** A TCP proxy in front of a real server, which loses connections and data on demand. */
export interface FaultProxy {
  readonly port: number;
  /** Judges each piece of data on its way to the server; all pass by default. */
  judge: (data: Buffer) => Fault;
  /** From now on nothing comes through in either direction, and nothing is closed. */
  freeze(isFrozen: boolean): void;
  close(): Promise<void>;
}

/** A connection that was `cut-after` stays open to the server until it has answered, so that it has acted for certain. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: target });
    let cut = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    client.on('data', (data) => {
      if (frozen) return;
      const fault = proxy.judge(data);
      if (fault === 'cut-before') {
        client.destroy();
        upstream.destroy();
      } else if (fault !== 'swallow') {
        cut ||= fault === 'cut-after';
        upstream.write(data);
      }
    });
    upstream.on('data', (data) => {
      if (frozen) return;
      if (!cut) {
        client.write(data);
        return;
      }
      client.destroy();
      upstream.destroy();
    });
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const proxy: FaultProxy = {
    port: (server.address() as AddressInfo).port,
    judge: () => 'pass',
    freeze: (isFrozen) => {
      frozen = isFrozen;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
  return proxy;
}
