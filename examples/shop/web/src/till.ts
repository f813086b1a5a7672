// The till, live: a server stream over WebSocket that finds its way back after every outage, and a client stream that orders many things at once.
import { ParleyError, type StateChange } from "@parley/web";
import { Chart } from "./chart.ts";
import type { ImportSummary } from "./contract.ts";
import { find, h, notice, toast } from "./dom.ts";
import { count, money } from "./format.ts";
import { shop } from "./shop.ts";

const rushSeconds = 10;
const shelf = [
  ["products/fjord-mug", "1450"],
  ["products/oslo-lamp", "8900"],
  ["products/hamar-notebook", "1290"],
  ["products/tromso-candle", "1890"],
  ["products/lofoten-throw", "12900"],
] as const;
const customers = ["ada", "bjorn", "chloe", "dmitri", "emeka", "fatima"];
const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

const figure = (label: string) => {
  const value = h("strong", {}, "–");
  return { value, element: h("div", { class: "figure" }, value, h("span", {}, label)) };
};

/** Orders from many customers for a while, as one call: each order is a message, the summary its reply. */
async function rush(): Promise<ImportSummary> {
  const call = shop.clientStream("shop.Orders/ImportOrders");
  for (let tick = 0; tick < rushSeconds * 10; ++tick) {
    const wave = 1 + Math.sin((tick / rushSeconds / 10) * Math.PI * 3) ** 2 * 2;
    for (let i = 0; i < wave * Math.random() * 2; ++i) {
      const [product, minorUnits] = any(shelf);
      await call.send({ customer: `customers/${any(customers)}`, items: [{ product, quantity: 1 + Math.floor(Math.random() * 3), unitPrice: { currency: "EUR", minorUnits } }], labels: { channel: "rush" } });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return call.end();
}

/** Shows the till for as long as the page is open. `light` is told how the connection is; `changed` that there are new orders, at the end of a rush. */
export async function showTill(light: (change: StateChange) => void, changed: () => void): Promise<void> {
  const body = find("#till .body");
  const chart = new Chart();
  const now = figure("orders a second");
  const total = figure("orders in all");
  const open = figure("on their way");
  const revenue = figure("in this minute");
  const minute: number[] = [];
  const button = h("button", { class: "rush", click: () => void hurry() }, "Rush hour");
  const hurry = async () => {
    button.disabled = true;
    button.textContent = "Orders are coming in…";
    try {
      const { imported = 0, totals = {} } = await rush();
      toast(`${count(imported)} orders in ${rushSeconds} seconds, worth ${money({ minorUnits: totals["EUR"] ?? "0" })}`);
      changed();
    } catch (error) {
      toast(`The rush ended early: ${(error as Error).message}`);
    } finally {
      button.disabled = false;
      button.textContent = "Rush hour";
    }
  };
  body.replaceChildren(
    h("div", { class: "dashboard" }, h("div", { class: "figures" }, now.element, total.element, open.element, revenue.element), h("div", { class: "graph" }, chart.element), button),
  );
  try {
    for await (const sales of shop.stream("shop.Orders/WatchSales", {}, { onState: light, history: 60 })) {
      minute.push(Number(sales.revenue?.minorUnits ?? 0));
      minute.splice(0, minute.length - 60);
      chart.add(sales.orders ?? 0);
      now.value.textContent = count(sales.orders);
      total.value.textContent = count(sales.totalOrders);
      open.value.textContent = count(sales.openOrders);
      revenue.value.textContent = money({ minorUnits: String(minute.reduce((sum, each) => sum + each, 0)) });
    }
  } catch (error) {
    const missing = error instanceof ParleyError && ["not_found", "unimplemented"].includes(error.code);
    const text = missing ? "It is a stream over WebSocket, at /ws/shop.Orders/WatchSales, and this node does not serve it." : (error as Error).message;
    body.replaceChildren(notice("The till is not there", text));
  }
}
