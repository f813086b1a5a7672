// GraphQL subscriptions: over graphql-transport-ws, or as server-sent events. A lost connection is made again.
import { Backoff } from "@parley/web";
import { dataOf, endpoint, GraphqlError, NoGraphql, type Variables } from "./graphql.ts";

export interface Sink<Data> {
  next(data: Data): void;
  /** The subscription is over, with an error or well. A lost connection is not the end: it is made again. */
  done(error?: Error): void;
}

export interface Subscription {
  query: string;
  variables: Variables;
  sink: Sink<any>;
}

/** All subscriptions of the page over one socket (graphql-transport-ws), made anew while there are any. */
class Sockets {
  private readonly live = new Map<string, Subscription>();
  private readonly backoff = new Backoff({ first: 300, max: 5000 });
  private socket: WebSocket | undefined;
  private acknowledged = false;
  private everAcknowledged = false;
  private lastId = 0;

  /** `refused` gets every subscription, when the node does not take the socket the first time. */
  constructor(private readonly refused: (subscription: Subscription) => void) {}

  add(subscription: Subscription): () => void {
    const id = String(++this.lastId);
    this.live.set(id, subscription);
    if (!this.socket) this.connect();
    else if (this.acknowledged) this.begin(id, subscription);
    return () => {
      if (this.live.delete(id) && this.acknowledged) this.say({ type: "complete", id });
    };
  }

  private connect(): void {
    const url = new URL(endpoint);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, "graphql-transport-ws");
    this.socket = socket;
    socket.onopen = () => this.say({ type: "connection_init" });
    socket.onmessage = ({ data }) => this.heard(JSON.parse(data as string));
    socket.onclose = () => this.lost();
  }

  private say(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private begin(id: string, { query, variables }: Subscription): void {
    this.say({ type: "subscribe", id, payload: { query, variables } });
  }

  private heard({ type, id, payload }: { type: string; id: string; payload: any }): void {
    const subscription = this.live.get(id);
    if (type === "connection_ack") {
      this.acknowledged = this.everAcknowledged = true;
      this.backoff.reset();
      for (const [each, what] of this.live) this.begin(each, what);
    } else if (type === "ping") this.say({ type: "pong" });
    else if (type === "next") {
      try {
        subscription?.sink.next(dataOf(payload));
      } catch (error) {
        this.end(id, error as Error);
      }
    } else if (type === "error") this.end(id, new GraphqlError(payload?.[0]?.message ?? "refused"));
    else if (type === "complete") this.end(id);
  }

  private end(id: string, error?: Error): void {
    const subscription = this.live.get(id);
    this.live.delete(id);
    subscription?.sink.done(error);
  }

  private lost(): void {
    this.socket = undefined;
    this.acknowledged = false;
    const wait = this.backoff.next();
    if (!this.everAcknowledged) {
      const all = [...this.live.values()];
      this.live.clear();
      for (const subscription of all) this.refused(subscription);
      return;
    }
    if (this.live.size > 0) setTimeout(() => this.live.size > 0 && !this.socket && this.connect(), wait);
  }
}

/** One subscription as server-sent events (graphql-sse): a request of its own each. */
async function events({ query, variables, sink }: Subscription, signal: AbortSignal): Promise<void> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body) throw new NoGraphql();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value = "" } = await reader.read();
    if (done) throw new TypeError("the stream broke off");
    const parts = (text + value).split(/\r?\n\r?\n/);
    text = parts.pop() ?? "";
    for (const part of parts) {
      const event = /^event: ?(.*)$/m.exec(part)?.[1];
      if (event === "complete") return;
      const data = [...part.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line).join("\n");
      if (event === "next") sink.next(dataOf(JSON.parse(data)));
    }
  }
}

/** Makes the request again when it breaks off. */
async function follow(subscription: Subscription, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff({ first: 300, max: 5000 });
  for (let known = false; !signal.aborted; ) {
    const sink = { ...subscription.sink, next: (data: unknown) => ((known = true), backoff.reset(), subscription.sink.next(data)) };
    try {
      await events({ ...subscription, sink }, signal);
      return subscription.sink.done();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof GraphqlError || (error instanceof NoGraphql && !known)) return subscription.sink.done(error);
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }
}

const ends = new WeakMap<Subscription, AbortController>();
let useEvents = false;
const sockets = new Sockets((subscription) => {
  useEvents = true; // this node takes no sockets for GraphQL: from now on nobody asks again
  const end = ends.get(subscription);
  if (end && !end.signal.aborted) void follow(subscription, end.signal);
});

/** Follows a subscription until it is over or the function that comes back is called: over a socket, or as events where the node has only those. */
export function subscribe<Data>(query: string, variables: Variables, sink: Sink<Data>): () => void {
  const subscription: Subscription = { query, variables, sink };
  const end = new AbortController();
  ends.set(subscription, end);
  if (useEvents) void follow(subscription, end.signal);
  else end.signal.addEventListener("abort", sockets.add(subscription));
  return () => end.abort();
}
