import { Backoff, pause, type BackoffOptions } from "./backoff.js";
import type { AnyContract, Contract, MethodOf, RequestOf, ResponseOf } from "./contract.js";
import { dialer, type Dial } from "./dial.js";
import { asParleyError, ParleyError, type Status } from "./error.js";
import type { Transport } from "./exchange.js";
import type { LivenessOptions } from "./heartbeat.js";
import { Lifetime, type Limits } from "./lifetime.js";
import { mergeMetadata, type Metadata } from "./metadata.js";
import { ReplyStream, type ReplyStreamOptions } from "./reply_stream.js";
import { Conversation, RequestStream } from "./request_stream.js";
import { single } from "./single.js";
import { nativeSocket, type SocketClass } from "./socket.js";

export interface ClientOptions {
  /** Goes along with every call. A function is asked before each connection: the place for a token that expires. */
  readonly metadata?: Metadata | ((method: string) => Metadata | Promise<Metadata>);
  /** Milliseconds; of unary calls that say nothing else. */
  readonly timeout?: number;
  /** As `reconnect` of each call that says nothing else. */
  readonly reconnect?: boolean | BackoffOptions;
  /** `false`: a connection is believed in until the system gives it up, which can take a quarter of an hour. */
  readonly liveness?: LivenessOptions | false;
  /** Milliseconds for a socket to open. Default 10,000. */
  readonly connectTimeout?: number;
  /** Messages that a stream may be ahead of its reader; then the server waits, or does what the rpc's policy says. Default 256; 0 for any number. */
  readonly window?: number;
  /** Characters of messages that may wait for a call's reader. Default 8 Mi. Beyond it `ws` stops reading, and in a browser the call ends with `resource_exhausted`. */
  readonly buffer?: number;
  /** Where the runtime has none, as Node before 22: that of the package `ws`. */
  readonly WebSocket?: SocketClass;
}

export interface CallOptions extends Limits {
  /** Beside the client's; of equal names this one counts. */
  readonly metadata?: Metadata | undefined;
}

export interface UnaryOptions extends CallOptions {
  /** Tries again when no connection came about, so that nothing was sent. */
  readonly reconnect?: boolean | BackoffOptions | undefined;
  /** Tries again too when it is unknown how far the call got: for calls that may be carried out twice. */
  readonly idempotent?: boolean | undefined;
  readonly onHeaders?: ((headers: Metadata) => void) | undefined;
  readonly onStatus?: ((status: Status) => void) | undefined;
}

export interface StreamOptions extends CallOptions, ReplyStreamOptions {}

/** Calls the rpcs of contract `C`. Cheap: it holds no connection, for each call has its own. */
export class Client<C extends Contract<C> = AnyContract> {
  private readonly transport: Transport;
  private readonly closing = new AbortController();

  constructor(
    private readonly url: string | URL,
    private readonly options: ClientOptions = {},
  ) {
    const { liveness = {}, connectTimeout = 10_000, window = 256, buffer = 8 << 20, WebSocket = nativeSocket() } = options;
    this.transport = { Socket: WebSocket, liveness, connectTimeout, window, buffer };
  }

  /** One message there, one back. */
  async unary<M extends MethodOf<C, "unary">>(method: M, request: RequestOf<C, M>, options: UnaryOptions = {}): Promise<ResponseOf<C, M>> {
    const { reconnect = this.options.reconnect, idempotent = false } = options;
    const backoff = reconnect ? new Backoff(reconnect === true ? {} : reconnect) : undefined;
    const [dial, lifetime] = this.begin(method, { timeout: this.options.timeout, ...options }, false);
    try {
      for (;;) {
        try {
          return (await this.once(dial, request, options)) as ResponseOf<C, M>;
        } catch (thrown) {
          const error = asParleyError(thrown);
          const again = error.code === "unavailable" && (error.safeToRetry || idempotent);
          const wait = again ? backoff?.next(error.retryAfter) : undefined;
          if (wait === undefined) throw error;
          await pause(wait, lifetime.signal);
        }
      }
    } finally {
      lifetime.dispose();
    }
  }

  /** One message there, a stream back. */
  stream<M extends MethodOf<C, "server">>(method: M, request: RequestOf<C, M>, options: StreamOptions = {}): ReplyStream<ResponseOf<C, M>> {
    const [dial, lifetime] = this.begin(method, options, true);
    return new ReplyStream(dial, lifetime, request, { ...options, reconnect: options.reconnect ?? this.options.reconnect });
  }

  /** A stream there, one message back. */
  clientStream<M extends MethodOf<C, "client">>(method: M, options: CallOptions = {}): RequestStream<RequestOf<C, M>, ResponseOf<C, M>> {
    const [dial, lifetime] = this.begin(method, options, false);
    return new RequestStream(dial(), lifetime);
  }

  /** A stream there, a stream back. */
  bidi<M extends MethodOf<C, "bidi">>(method: M, options: CallOptions = {}): Conversation<RequestOf<C, M>, ResponseOf<C, M>> {
    const [dial, lifetime] = this.begin(method, options, true);
    return new Conversation(dial(), lifetime);
  }

  /** Ends every call of this client with `cancelled`, those to come too. */
  close(): void {
    this.closing.abort(new ParleyError("cancelled", "the client was closed", { reason: "client_closed" }));
  }

  private begin(method: string, options: CallOptions, repliesStream: boolean): [Dial, Lifetime] {
    const lifetime = new Lifetime(options, this.closing.signal);
    const { metadata } = this.options;
    const fields = async () => mergeMetadata(typeof metadata === "function" ? await metadata(method) : metadata, options.metadata);
    return [dialer({ transport: this.transport, base: this.url, method, repliesStream }, lifetime, fields), lifetime];
  }

  private async once(dial: Dial, request: unknown, { onHeaders, onStatus }: UnaryOptions): Promise<unknown> {
    const exchange = await dial();
    exchange.send(request).catch(() => {}); // single() sees it
    if (onHeaders) exchange.headers.then(({ metadata }) => onHeaders(metadata)).catch(() => {});
    const reply = await single(exchange);
    onStatus?.(await exchange.status);
    return reply;
  }
}

/**
 * A client of the node at `url`: `https://host`, `wss://host`, with a path in front if need be, or in a page a relative one such as `/`.
 * `createClient<Shop>("/")` knows the contract's methods by name.
 */
export function createClient<C extends Contract<C> = AnyContract>(url: string | URL, options: ClientOptions = {}): Client<C> {
  return new Client<C>(url, options);
}
