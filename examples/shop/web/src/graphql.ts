// GraphQL over HTTP: what a page needs of it, and no more.
import { Backoff } from "@parley/web";
import { node } from "./shop.ts";

export const endpoint = new URL("graphql", node);

/** The node serves no GraphQL: trying again is of no use. */
export class NoGraphql extends Error {
  override readonly name = "NoGraphql";
}

/** The answer is an error, of the operation or of a service. */
export class GraphqlError extends Error {
  override readonly name = "GraphqlError";
}

export type Variables = Record<string, unknown>;
export type Answer<Data> = { data?: Data | null; errors?: { message: string }[] };

/** The data of an answer. Errors at single positions leave nulls there, which the page can show; without data they are thrown. */
export function dataOf<Data>(answer: Answer<Data>): Data {
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
