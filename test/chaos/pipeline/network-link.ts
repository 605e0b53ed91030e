import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { BrokerAddresses, type PortMap } from './broker-addresses.ts';

/** The way from one process to one server, through a proxy that can be cut. */
export interface NetworkLink {
  readonly port: number;
  /** No connection stands and none is taken: an address that is not reached. */
  cut(isCut: boolean): void;
  /**
   * Nothing comes through, and nothing is closed; afterwards all that was sent meanwhile arrives, be it of a process that
   * others have taken for dead.
   */
  freeze(isFrozen: boolean): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface LinkOptions {
  /** Port of the server on 127.0.0.1. */
  readonly target: number;
  /** Of a link to a broker: how its clients see the brokers. Read with each connection. */
  readonly ports?: () => PortMap;
}

export async function openLink({ target, ports }: LinkOptions): Promise<NetworkLink> {
  const sockets = new Set<Socket>();
  const state = { isCut: false, isFrozen: false };
  const server = createServer((client) => {
    // Through an error a socket closes, and its other end is closed then.
    client.on('error', () => undefined);
    if (state.isCut) {
      client.destroy();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: target });
    upstream.on('error', () => undefined);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (state.isFrozen) socket.pause();
    }
    join(client, upstream, ports === undefined ? undefined : new BrokerAddresses(ports()));
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut(isCut) {
      state.isCut = isCut;
      if (isCut) for (const socket of sockets) socket.destroy();
    },
    freeze(isFrozen) {
      state.isFrozen = isFrozen;
      for (const socket of sockets) {
        if (isFrozen) socket.pause();
        else socket.resume();
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

function join(client: Socket, upstream: Socket, addresses: BrokerAddresses | undefined): void {
  client.on('data', (data) => {
    addresses?.request(data);
    upstream.write(data);
  });
  upstream.on('data', (data) => {
    const answer = addresses === undefined ? data : addresses.answer(data);
    if (answer.length > 0) client.write(answer);
  });
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
}
