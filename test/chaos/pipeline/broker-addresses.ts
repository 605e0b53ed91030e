/** Kafka protocol guide: size (4 bytes), then API key (2), version (2), correlation id (4). */
const API_METADATA = 3;
const API_FIND_COORDINATOR = 10;
const SIZE_BYTES = 4;
const HOST = '127.0.0.1';
const PORT_BYTES = 4;

/** Ports of brokers as clients must see them, by the ports that brokers have. */
export type PortMap = ReadonlyMap<number, number>;

/**
 * Follows one connection and has the answers that name brokers (Metadata, FindCoordinator) name others in their stead, so
 * that a client stays behind its own proxies. All brokers listen on 127.0.0.1, and ports have a fixed size.
 */
export class BrokerAddresses {
  readonly #ports: PortMap;
  /** Correlation ids whose answers name brokers. */
  readonly #naming = new Set<number>();
  readonly #requests = new Frames();
  readonly #answers = new Frames();

  constructor(ports: PortMap) {
    this.#ports = ports;
  }

  /** Reads what a client sends; it goes on as it is. */
  request(data: Buffer): void {
    for (const frame of this.#requests.take(data)) {
      const api = frame.readInt16BE(SIZE_BYTES);
      if (api === API_METADATA || api === API_FIND_COORDINATOR)
        this.#naming.add(frame.readInt32BE(SIZE_BYTES + 4));
    }
  }

  /** What a client gets of what a broker sends: whole answers. */
  answer(data: Buffer): Buffer {
    const frames = this.#answers.take(data);
    for (const frame of frames) if (this.#naming.delete(frame.readInt32BE(SIZE_BYTES))) this.#rename(frame);
    return Buffer.concat(frames);
  }

  #rename(frame: Buffer): void {
    for (let at = frame.indexOf(HOST); at >= 0; at = frame.indexOf(HOST, at + 1)) {
      const place = at + HOST.length;
      if (place + PORT_BYTES > frame.length) return;
      const port = this.#ports.get(frame.readInt32BE(place));
      if (port !== undefined) frame.writeInt32BE(port, place);
    }
  }
}

/** Cuts a stream into whole messages, each with its size in front. */
class Frames {
  #parts: Buffer[] = [];
  #length = 0;

  take(data: Buffer): Buffer[] {
    this.#parts.push(data);
    this.#length += data.length;
    if (this.#length < SIZE_BYTES) return [];
    // Copied only when at least the next message is whole.
    if (this.#parts.length > 1 && this.#length < this.#wanted()) return [];
    let rest = this.#parts.length === 1 ? data : Buffer.concat(this.#parts);
    const frames: Buffer[] = [];
    while (rest.length >= SIZE_BYTES && rest.length >= SIZE_BYTES + rest.readInt32BE(0)) {
      const end = SIZE_BYTES + rest.readInt32BE(0);
      frames.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return frames;
  }

  #wanted(): number {
    const [first] = this.#parts;
    if (first !== undefined && first.length >= SIZE_BYTES) return SIZE_BYTES + first.readInt32BE(0);
    const head = Buffer.concat(this.#parts).subarray(0, SIZE_BYTES);
    return SIZE_BYTES + head.readInt32BE(0);
  }
}
