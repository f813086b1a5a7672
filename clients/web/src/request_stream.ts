import type { Status } from "./error.js";
import { ParleyError } from "./error.js";
import type { Exchange } from "./exchange.js";
import type { Lifetime } from "./lifetime.js";
import type { Metadata } from "./metadata.js";
import { single } from "./single.js";

/** What client and bidirectional streams share: messages go out until end(). */
abstract class Sender<Request> {
  constructor(
    protected readonly exchange: Promise<Exchange>,
    protected readonly lifetime: Lifetime,
  ) {
    const over = () => lifetime.dispose();
    exchange.then(({ status }) => status).then(over, over);
  }

  /** Rejects where the call ends with an error before them. */
  get headers(): Promise<Metadata> {
    return this.exchange.then((exchange) => exchange.headers).then(({ metadata }) => metadata);
  }

  /** The status `ok` with its metadata, when the call has ended well; otherwise rejects. */
  get status(): Promise<Status> {
    return this.exchange.then((exchange) => exchange.status);
  }

  /**
   * Resolves when there is room for more: who sends much waits for it. Rejects with the call's error when the call has ended. That need not be handled here, for
   * whoever waits for the replies sees it too.
   */
  send(message: Request): Promise<void> {
    const sent = this.exchange.then((exchange) => exchange.send(message));
    sent.catch(() => {});
    return sent;
  }

  /** Ends the call at once, with `cancelled`. */
  cancel(): void {
    this.lifetime.end(new ParleyError("cancelled", "cancelled by the caller"));
  }
}

/** A client stream: many messages, one reply. */
export class RequestStream<Request, Response> extends Sender<Request> {
  private readonly reply: Promise<Response>;

  constructor(exchange: Promise<Exchange>, lifetime: Lifetime) {
    super(exchange, lifetime);
    this.reply = exchange.then(single) as Promise<Response>;
    this.reply.catch(() => {});
  }

  /** No more messages from here; the reply. */
  end(): Promise<Response> {
    this.exchange.then((exchange) => exchange.end()).catch(() => {});
    return this.reply;
  }
}

/** A bidirectional stream: send() when you like, `for await (const message of stream)` what comes back. Leaving the loop cancels the call. For one reader. */
export class Conversation<Request, Response> extends Sender<Request> implements AsyncIterableIterator<Response, undefined> {
  private cancelled = false;

  /** No more messages from here. Replies go on. */
  end(): void {
    this.exchange.then((exchange) => exchange.end()).catch(() => {});
  }

  /** As send() has it, and a loop over the replies ends without an error. */
  override cancel(): void {
    this.cancelled = true;
    super.cancel();
  }

  async next(): Promise<IteratorResult<Response, undefined>> {
    try {
      for (;;) {
        const { done, value } = await (await this.exchange).next();
        if (done) return { done: true, value: undefined };
        if (value.kind === "message") return { done: false, value: value.message as Response };
      }
    } catch (error) {
      if (this.cancelled) return { done: true, value: undefined };
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Response, undefined>> {
    this.cancel();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
