type OnMessage = (message: string) => void;

/** Subscribers of every store of this process, by directory and channel: two stores on one directory are one store. */
const subscribers = new Map<string, Set<OnMessage>>();

/** Publish and subscribe inside the process. Messages arrive in order, after the call that published them. */
export class LocalChannels {
  readonly #path: string;
  readonly #ends = new Set<() => void>();

  constructor(path: string) {
    this.#path = path;
  }

  publish(channel: string, message: string): void {
    for (const handler of subscribers.get(this.#id(channel)) ?? []) {
      setImmediate(() => {
        // It may have ended its subscription since.
        if (subscribers.get(this.#id(channel))?.has(handler) === true) handler(message);
      });
    }
  }

  /** The answer ends the subscription. */
  subscribe(channel: string, onMessage: OnMessage): () => void {
    const id = this.#id(channel);
    const handlers = subscribers.get(id) ?? new Set();
    subscribers.set(id, handlers);
    const handler: OnMessage = (message) => onMessage(message); // one function may be subscribed twice
    handlers.add(handler);
    const end = () => {
      handlers.delete(handler);
      if (handlers.size === 0 && subscribers.get(id) === handlers) subscribers.delete(id);
      this.#ends.delete(end);
    };
    this.#ends.add(end);
    return end;
  }

  close(): void {
    for (const end of [...this.#ends]) end();
  }

  #id(channel: string): string {
    return `${this.#path}\0${channel}`;
  }
}
