// Compiled, never run: what the types let through and what not. An @ts-expect-error that is none fails the compilation.
import { createClient, ParleyError, type BidiStream, type ClientStream, type Code, type ServerStream, type Unary } from "@parley/web";

interface Order {
  name?: string;
  customer?: string;
}
interface Line {
  text?: string;
}

interface Shop {
  "shop.Orders/GetOrder": Unary<{ name: string }, Order>;
  "shop.Orders/WatchOrder": ServerStream<{ name: string }, Order>;
  "shop.Orders/ImportOrders": ClientStream<Order, { imported?: number }>;
  "shop.Support/Chat": BidiStream<Line, Line>;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

export async function typed(): Promise<void> {
  const client = createClient<Shop>("/");
  const order = await client.unary("shop.Orders/GetOrder", { name: "orders/1" });
  same<typeof order, Order>(true);
  for await (const each of client.stream("shop.Orders/WatchOrder", { name: "orders/1" })) same<typeof each, Order>(true);
  const upload = client.clientStream("shop.Orders/ImportOrders");
  await upload.send({ customer: "customers/ada" });
  const summary = await upload.end();
  same<typeof summary, { imported?: number }>(true);
  const chat = client.bidi("shop.Support/Chat", { timeout: 1000, metadata: { authorization: "x" } });
  await chat.send({ text: "hi" });
  for await (const line of chat) same<typeof line, Line>(true);

  // @ts-expect-error no such rpc
  client.unary("shop.Orders/GetOder", { name: "" });
  // @ts-expect-error the rpc is a stream
  client.unary("shop.Orders/WatchOrder", { name: "" });
  // @ts-expect-error the rpc is unary
  client.stream("shop.Orders/GetOrder", { name: "" });
  // @ts-expect-error a member that the request does not have
  client.unary("shop.Orders/GetOrder", { nam: "" });
  // @ts-expect-error a member of another type
  chat.send({ text: 7 });
  // @ts-expect-error what is no rpc is no contract
  createClient<{ "shop.Orders/GetOrder": string }>("/");
}

export async function untyped(): Promise<void> {
  const client = createClient(new URL("https://shop.example"));
  const order = await client.unary("any.Service/Method", { anything: [1] });
  console.log(order.whatever);
}

export function errors(error: unknown): Code | undefined {
  return error instanceof ParleyError ? error.code : undefined;
}
