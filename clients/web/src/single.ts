import { ParleyError } from "./error.js";
import type { Exchange } from "./exchange.js";

/** The one reply of an rpc that has one: the message and then the status `ok`. */
export async function single(exchange: Exchange): Promise<unknown> {
  let found: { message: unknown } | undefined;
  for (let each = await exchange.next(); !each.done; each = await exchange.next()) {
    if (each.value.kind !== "message") continue;
    if (found) throw wrong(exchange, "more than one reply");
    found = each.value;
  }
  if (!found) throw wrong(exchange, "no reply");
  return found.message;
}

function wrong(exchange: Exchange, what: string): ParleyError {
  const error = new ParleyError("unimplemented", `${what} of an rpc that has one`, { reason: "reply_count" });
  exchange.cancel(error);
  return error;
}
