// GraphQL over HTTP, and over graphql-transport-ws for subscriptions: what a page needs of them, and no more.
import { Backoff } from "@parley/web";
import { node } from "./shop.ts";

const endpoint = new URL("graphql", node);

/** The node serves no GraphQL: trying again is of no use. */
export class NoGraphql extends Error {
  override readonly name = "NoGraphql";
}

/** The answer is an error, of the operation or of a service. */
export class GraphqlError extends Error {
  override readonly name = "GraphqlError";
}

type Variables = Record<string, unknown>;
type Answer<Data> = { data?: Data | null; errors?: { message: string }[] };

/** The data of an answer. Errors at single positions leave nulls there, which the page can show; without data they are thrown. */
function dataOf<Data>(answer: Answer<Data>): Data {
  if (answer.data) return answer.data;
  throw new GraphqlError(answer.errors?.map(({ message }) => message).join("; ") || "an answer without data");
}

async function once<Data>(query: string, variables: Variables): Promise<Data> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json;q=0.9" },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = (await response.json().catch(() => undefined)) as Answer<Data> | undefined;
  if (answer && (answer.data || Array.isArray(answer.errors))) return dataOf(answer);
  if ([404, 405, 415, 501].includes(response.status)) throw new NoGraphql();
  throw new TypeError(`no answer: ${response.status}`);
}

/** Asks until there is an answer: a node that restarts is a short wait. `waiting` is told of each one. */
export async function query<Data>(document: string, variables: Variables = {}, waiting: () => void = () => {}): Promise<Data> {
  const backoff = new Backoff({ first: 300, max: 5000 });
  for (;;) {
    try {
      return await once<Data>(document, variables);
    } catch (error) {
      if (error instanceof NoGraphql || error instanceof GraphqlError) throw error;
      waiting();
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }
}

/** Asks once: who changes something decides himself whether to try again. */
export const mutate = once;

export interface Sink<Data> {
  next(data: Data): void;
  /** The subscription is over, with an error or well. A lost connection is not the end: it is made again. */
  done(error?: Error): void;
}

interface Subscription {
  query: string;
  variables: Variables;
  sink: Sink<any>;
}

/** All subscriptions of the page over one socket, made anew while there are any. */
class Subscriptions {
  private readonly live = new Map<string, Subscription>();
  private readonly backoff = new Backoff({ first: 300, max: 5000 });
  private socket: WebSocket | undefined;
  private acknowledged = false;
  private everAcknowledged = false;
  private lastId = 0;

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
    if (!this.everAcknowledged) for (const id of [...this.live.keys()]) this.end(id, new NoGraphql());
    else if (this.live.size > 0) setTimeout(() => this.live.size > 0 && !this.socket && this.connect(), wait);
  }
}

const subscriptions = new Subscriptions();

/** Follows a subscription until it is over or the function that comes back is called. */
export function subscribe<Data>(query: string, variables: Variables, sink: Sink<Data>): () => void {
  return subscriptions.add({ query, variables, sink });
}
