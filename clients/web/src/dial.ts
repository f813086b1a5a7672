import { Exchange, type Transport } from "./exchange.js";
import type { Start } from "./frames.js";
import type { Lifetime } from "./lifetime.js";
import type { Metadata } from "./metadata.js";
import { socketUrl } from "./socket.js";

/** Makes an Exchange that ends when `lifetime` does. `metadata` is asked anew for each try, so that a token can be a fresh one. */
export type Dial = (more?: Pick<Start, "resume" | "history">) => Promise<Exchange>;

export interface Destination {
  readonly transport: Transport;
  readonly base: string | URL;
  readonly method: string;
  /** Whether there is a stream of replies, whose reader may be slower than they come. */
  readonly repliesStream: boolean;
}

export function dialer({ transport, base, method, repliesStream }: Destination, lifetime: Lifetime, metadata: () => Metadata | Promise<Metadata>): Dial {
  const url = socketUrl(base, method);
  const window = repliesStream && transport.window > 0 ? transport.window : undefined;
  return async (more = {}) => {
    const fields = await metadata();
    lifetime.signal.throwIfAborted();
    const exchange = new Exchange(transport, url, { metadata: fields, timeout: lifetime.remaining, window, ...more });
    const ended = () => exchange.cancel(lifetime.signal.reason);
    const forget = () => lifetime.signal.removeEventListener("abort", ended);
    lifetime.signal.addEventListener("abort", ended);
    exchange.status.then(forget, forget);
    return exchange;
  };
}
