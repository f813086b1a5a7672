import { ParleyError, type Status } from "./error.js";
import { creditFrame, emptyStartFrame, endFrame, messageFrame, parseFrame, pingFrame, startFrame, subprotocol, type ServerFrame, type Start } from "./frames.js";
import { Heartbeat, type LivenessOptions } from "./heartbeat.js";
import { Inbox } from "./inbox.js";
import type { Metadata } from "./metadata.js";
import { explainRefusal } from "./refusal.js";
import { socketOpen, type SocketClass, type SocketLike } from "./socket.js";

/** What every call of a client shares. */
export interface Transport {
  readonly Socket: SocketClass;
  readonly liveness: LivenessOptions | false;
  /** Milliseconds for a socket to open. */
  readonly connectTimeout: number;
  /** Characters of messages that wait to be taken, at most. */
  readonly buffer: number;
  /** Messages that a stream may be ahead of its reader; 0: any number. */
  readonly window: number;
}

/** What comes in, in order. */
export type Arrival =
  | { readonly kind: "message"; readonly message: unknown; readonly position: string | undefined; readonly size: number }
  | { readonly kind: "gap"; readonly messages: number | undefined };

export interface Headers {
  readonly metadata: Metadata;
  readonly resumed: boolean;
}

const sendBuffer = 1 << 20; // bytes that a socket may hold before send() makes the caller wait
const drainPoll = 10; // milliseconds: a WebSocket does not say when it has sent

/**
 * One call on one socket, of any kind. Begins at once. It ends once: with a status, with the connection, or by cancel(); then `status` settles, and what came in before
 * can still be taken.
 */
export class Exchange {
  /** Rejects where the call ends with an error before them. */
  readonly headers: Promise<Headers>;
  /** Resolves with the status `ok`; rejects with every other. */
  readonly status: Promise<Status>;
  /** Resolves when the socket is open, and never otherwise. */
  readonly opened: Promise<void>;

  private readonly socket: SocketLike;
  private readonly inbox: Inbox<Arrival>;
  private readonly heartbeat: Heartbeat | undefined;
  private readonly connecting: ReturnType<typeof setTimeout>;
  private readonly settle = {} as {
    headers: (headers: Headers) => void;
    noHeaders: (error: ParleyError) => void;
    status: (status: Status) => void;
    failed: (error: ParleyError) => void;
    opened: () => void;
  };
  private outbox: string[] = [];
  private wasOpen = false;
  private halfClosed = false;
  private ending: { error: ParleyError | undefined } | undefined;
  private waitingSize = 0;
  private takenSinceCredit = 0;
  private paused = false;

  constructor(
    private readonly transport: Transport,
    private readonly url: string,
    private readonly start: Start,
  ) {
    this.headers = new Promise((resolve, reject) => Object.assign(this.settle, { headers: resolve, noHeaders: reject }));
    this.status = new Promise((resolve, reject) => Object.assign(this.settle, { status: resolve, failed: reject }));
    this.opened = new Promise((resolve) => Object.assign(this.settle, { opened: resolve }));
    this.headers.catch(() => {}); // who does not ask for them need not handle them
    this.status.catch(() => {});
    this.inbox = new Inbox((arrival) => this.taken(arrival));
    this.outbox.push(startFrame(start) ?? emptyStartFrame);
    const { liveness, Socket, connectTimeout } = transport;
    if (liveness) this.heartbeat = new Heartbeat(liveness, () => this.transmit(pingFrame), () => this.lost());
    this.socket = new Socket(url, [subprotocol]);
    this.socket.onopen = () => this.open();
    this.socket.onmessage = ({ data }: { data: unknown }) => this.receive(data);
    this.socket.onerror = () => {}; // `close` follows, and says as much as there is to know
    this.socket.onclose = (event: { code: number; reason: string }) => void this.closed(event);
    this.connecting = setTimeout(() => this.fail(new ParleyError("unavailable", "no connection in time", { reason: "connect_timeout", safeToRetry: true })), connectTimeout);
  }

  /** Resolves when the socket can take more. Rejects when the call has ended, with its error. */
  async send(message: unknown): Promise<void> {
    if (this.ending) throw this.ending.error ?? new ParleyError("failed_precondition", "the call has ended", { reason: "call_ended" });
    if (this.halfClosed) throw new ParleyError("failed_precondition", "a message after end()", { reason: "sent_after_end" });
    this.transmit(messageFrame(message));
    await this.drained();
  }

  /** No more messages from here. */
  end(): void {
    if (this.halfClosed || this.ending) return;
    this.halfClosed = true;
    this.transmit(endFrame);
  }

  next(): Promise<IteratorResult<Arrival, undefined>> {
    return this.inbox.next();
  }

  /** Ends the call from here. Of a call that is cancelled nothing more can be taken; after a deadline, what has come can. */
  cancel(error: ParleyError): void {
    if (error.code === "cancelled") this.inbox.clear();
    this.fail(error);
  }

  private open(): void {
    if (this.socket.protocol !== subprotocol)
      return this.fail(new ParleyError("internal", `the server does not speak ${subprotocol}`, { reason: "no_subprotocol" }));
    this.wasOpen = true;
    clearTimeout(this.connecting);
    for (const frame of this.outbox.splice(0)) this.socket.send(frame);
    this.heartbeat?.start();
    this.settle.opened();
  }

  private transmit(frame: string): void {
    if (this.ending) return;
    if (!this.wasOpen) this.outbox.push(frame);
    else if (this.socket.readyState === socketOpen) this.socket.send(frame);
  }

  private async drained(): Promise<void> {
    if (!this.wasOpen) await Promise.race([this.opened, this.status]);
    while (!this.ending && this.socket.bufferedAmount > sendBuffer) await new Promise((resolve) => setTimeout(resolve, drainPoll));
    if (this.ending?.error) throw this.ending.error;
  }

  private receive(data: unknown): void {
    if (this.ending) return;
    this.heartbeat?.heard();
    try {
      this.dispatch(parseFrame(data), typeof data === "string" ? data.length : 0);
    } catch (error) {
      this.fail(error as ParleyError);
    }
  }

  private dispatch(frame: ServerFrame, size: number): void {
    switch (frame.kind) {
      case "headers":
        this.settle.headers(frame);
        return this.start.resume !== undefined && !frame.resumed ? this.inbox.put({ kind: "gap", messages: undefined }) : undefined;
      case "message":
        this.settle.headers({ metadata: {}, resumed: false });
        return this.arrived({ ...frame, size });
      case "skipped":
        return this.inbox.put({ kind: "gap", messages: frame.messages });
      case "status":
        return frame.status.code === "ok" ? this.finish(frame.status) : this.fail(ParleyError.of(frame.status));
    }
  }

  // What is left when the window is not enough, as with few but large messages: Node's `ws` can be paused. A browser cannot stop reading: a page that does not take its
  // messages loses the call, not its memory.
  private arrived(arrival: Arrival & { size: number }): void {
    this.waitingSize += arrival.size;
    this.inbox.put(arrival);
    if (this.waitingSize <= this.transport.buffer || this.paused) return;
    if (!this.socket.pause)
      return this.fail(new ParleyError("resource_exhausted", "messages are not taken as fast as they come", { reason: "slow_consumer" }));
    this.paused = true;
    this.heartbeat?.stop();
    this.socket.pause();
  }

  private taken(arrival: Arrival): void {
    if (arrival.kind === "message") {
      this.waitingSize -= arrival.size;
      this.credit();
    }
    if (!this.paused || this.waitingSize > this.transport.buffer / 2) return;
    this.paused = false;
    this.socket.resume?.();
    if (!this.ending) this.heartbeat?.start();
  }

  // Half a window at a time, so that the other half is under way meanwhile.
  private credit(): void {
    const { window } = this.start;
    if (window === undefined || ++this.takenSinceCredit < window / 2) return;
    this.transmit(creditFrame(this.takenSinceCredit));
    this.takenSinceCredit = 0;
  }

  private lost(): void {
    this.fail(new ParleyError("unavailable", "the connection was lost: the server is silent", { reason: "connection_lost" }));
  }

  private async closed({ code, reason }: { code: number; reason: string }): Promise<void> {
    clearTimeout(this.connecting);
    if (this.ending) return;
    if (!this.wasOpen) return this.fail(await explainRefusal(this.url));
    const why = reason ? `: ${reason}` : "";
    const fault = code === 1002 || code === 1007;
    this.fail(
      fault
        ? new ParleyError("internal", `the server closed the socket with ${code}${why}`, { reason: "protocol_error" })
        : new ParleyError("unavailable", `the connection was lost (${code})${why}`, { reason: "connection_lost" }),
    );
  }

  private finish(status: Status): void {
    this.settle.headers({ metadata: {}, resumed: false });
    this.settle.status(status);
    this.over(undefined);
  }

  private fail(error: ParleyError): void {
    if (this.ending) return;
    this.settle.noHeaders(error);
    this.settle.failed(error);
    this.over(error);
  }

  private over(error: ParleyError | undefined): void {
    this.ending = { error };
    this.outbox = [];
    clearTimeout(this.connecting);
    this.heartbeat?.stop();
    this.inbox.end(error);
    if (this.paused) this.socket.resume?.();
    this.socket.close(1000);
  }
}
