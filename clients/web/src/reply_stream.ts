import { Backoff, pause, type BackoffOptions } from "./backoff.js";
import type { Dial } from "./dial.js";
import { asParleyError, ParleyError, type Status } from "./error.js";
import type { Exchange } from "./exchange.js";
import type { Lifetime } from "./lifetime.js";
import type { Metadata } from "./metadata.js";

/** Messages that will not come: `messages` of them, or undefined where nobody knows how many. */
export interface Gap {
  readonly messages: number | undefined;
}

/** `waiting`: until the next try. `closed`: for good. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface StateChange {
  readonly state: ConnectionState;
  /** Why it waits, or why it closed, if not well. */
  readonly error?: ParleyError;
  /** Milliseconds until the next try. */
  readonly retryIn?: number;
}

export interface ReplyStreamOptions {
  /** Connects again when the connection is lost or the service is `unavailable`. A shared stream then goes on where it was; any other begins anew. */
  readonly reconnect?: boolean | BackoffOptions | undefined;
  /** A shared stream: begin with up to so many messages that are still held. */
  readonly history?: number | undefined;
  /** A shared stream: go on after this position, as `position` of an earlier stream said it. */
  readonly resume?: string | undefined;
  /** Is told each change of the connection, for a light in the corner of a page. */
  readonly onState?: ((change: StateChange) => void) | undefined;
  /** Is told, between the messages around it, that messages are missing. */
  readonly onGap?: ((gap: Gap) => void) | undefined;
}

/**
 * The replies of a server stream: `for await (const message of stream)`. For one reader; leaving the loop cancels the call. The call begins at once, and its connection is renewed
 * only while somebody waits for a message.
 */
export class ReplyStream<Response> implements AsyncIterableIterator<Response, undefined> {
  private readonly backoff: Backoff | undefined;
  private current: Promise<Exchange>;
  private turn: Promise<unknown> = Promise.resolve(); // calls of next() are answered one after the other
  private over = false;
  private lastPosition: string | undefined;

  constructor(
    private readonly dial: Dial,
    private readonly lifetime: Lifetime,
    private readonly request: unknown,
    private readonly options: ReplyStreamOptions,
  ) {
    const { reconnect, resume } = options;
    if (reconnect) this.backoff = new Backoff(reconnect === true ? {} : reconnect);
    this.lastPosition = resume;
    this.current = this.open();
  }

  /** The first headers. Rejects where the call ends before them. */
  get headers(): Promise<Metadata> {
    return this.current.then((exchange) => exchange.headers).then(({ metadata }) => metadata);
  }

  /** Of the last message taken, where the stream is a shared one. */
  get position(): string | undefined {
    return this.lastPosition;
  }

  /** The status `ok` with its metadata, when the stream has ended well; otherwise rejects. Of the present connection. */
  get status(): Promise<Status> {
    return this.current.then((exchange) => exchange.status);
  }

  next(): Promise<IteratorResult<Response, undefined>> {
    const result = this.turn.then(() => this.step());
    this.turn = result.catch(() => {});
    return result;
  }

  /** What leaving a loop calls. */
  async return(): Promise<IteratorResult<Response, undefined>> {
    this.cancel();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the call. A loop over it ends, without an error. */
  cancel(): void {
    if (!this.over) this.close();
    this.lifetime.end(new ParleyError("cancelled", "cancelled by the caller"));
  }

  private async step(): Promise<IteratorResult<Response, undefined>> {
    while (!this.over) {
      try {
        const { done, value } = await (await this.current).next();
        if (this.over) break;
        if (done) this.close();
        else if (value.kind === "gap") this.options.onGap?.({ messages: value.messages });
        else {
          this.lastPosition = value.position ?? this.lastPosition;
          this.backoff?.reset();
          return { done: false, value: value.message as Response };
        }
      } catch (thrown) {
        if (!this.over) await this.again(asParleyError(thrown));
      }
    }
    return { done: true, value: undefined };
  }

  private async again(error: ParleyError): Promise<void> {
    const wait = error.code === "unavailable" && !this.lifetime.signal.aborted ? this.backoff?.next(error.retryAfter) : undefined;
    if (wait === undefined) {
      this.close(error);
      throw error;
    }
    this.tell({ state: "waiting", error, retryIn: wait });
    try {
      await pause(wait, this.lifetime.signal);
    } catch (ended) {
      if (this.over) return;
      this.close(asParleyError(ended));
      throw ended;
    }
    this.current = this.open();
  }

  private open(): Promise<Exchange> {
    this.tell({ state: "connecting" });
    const opening = this.dial({ resume: this.lastPosition, history: this.options.history }).then((exchange) => {
      void exchange.opened.then(() => this.tell({ state: "open" }));
      exchange.send(this.request).catch(() => {}); // the reader sees it
      return exchange;
    });
    opening.catch(() => {});
    return opening;
  }

  private tell(change: StateChange): void {
    if (!this.over) this.options.onState?.(change);
  }

  private close(error?: ParleyError): void {
    this.tell(error ? { state: "closed", error } : { state: "closed" });
    this.over = true;
    this.lifetime.dispose();
  }
}
