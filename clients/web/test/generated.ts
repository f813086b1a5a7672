// Compiled, never run: a client that is typed by what `parley typescript` prints of the awkward contract (awkward.ts, made for this test).
import { createClient } from "@parley/web";
import type { Contract, Everything, Inner } from "./awkward.js";

export async function typed(): Promise<void> {
  const client = createClient<Contract>("/");
  const { request } = await client.unary("awkward.v1.Awkward/Get", {
    name: "n",
    i32: 1,
    i64: "9007199254740993",
    u32: 7,
    d: "NaN",
    flag: true,
    blob: "AP8=",
    colour: "GREEN",
    colours: ["RED", "BLUE"],
    inner: { label: "a", child: { depth: 2 } },
    inners: [{}],
    labels: { a: "b" },
    byId: { 1: { label: "one" } },
    byFlag: { true: "7" },
    at: "2026-01-02T03:04:05Z",
    lasts: "1.500s",
    mask: "a,bC",
    object: { any: [1, null, { thing: true }] },
    value: null,
    list: [1, "two"],
    any: { "@type": "type.googleapis.com/awkward.v1.Inner", label: "x" },
    boxedI64: "1",
    boxedFlag: false,
    aSnakeName: "s",
    otherwise: "o",
    doubles: [1.5, "Infinity"],
    times: ["2026-01-02T03:04:05Z"],
  });
  const again: Everything | undefined = request;
  const inner: Inner | undefined = again?.inner?.child;
  console.log(inner?.label);
  for await (const { index } of client.stream("awkward.v1.Awkward/Ticks", { count: 3, delayMs: "10" })) console.log(index?.toFixed());
  const { sum } = await client.clientStream("awkward.v1.Awkward/Sum").end();
  console.log(sum?.length);
  await client.bidi("awkward.v1.Awkward/Chat").send({ text: "hi" });
  await client.unary("awkward.v1.Awkward/Census", {});

  // @ts-expect-error a 64-bit integer is a string
  await client.unary("awkward.v1.Awkward/Get", { i64: 7 });
  // @ts-expect-error no such colour
  await client.unary("awkward.v1.Awkward/Get", { colour: "PURPLE" });
  // @ts-expect-error the name of the contract, not of JSON
  await client.unary("awkward.v1.Awkward/Get", { a_snake_name: "s" });
  // @ts-expect-error the rpc takes a stream
  await client.unary("awkward.v1.Awkward/Sum", {});
}
