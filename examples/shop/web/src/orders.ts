// The newest orders. One query joins three services: orders, who bought, what was bought. Each order on its way is then followed by a subscription.
import type { Money } from "./contract.ts";
import { find, h, notice } from "./dom.ts";
import { count, idOf, money } from "./format.ts";
import { NoGraphql, query } from "./graphql.ts";
import { noGraphql } from "./products.ts";
import { subscribe } from "./subscriptions.ts";

type State = "PLACED" | "PAID" | "PACKED" | "SHIPPED" | "DELIVERED" | "CANCELLED";

interface Order {
  name: string;
  state: State | null;
  total: Required<Money> | null;
  buyer: { displayName: string; city: string } | null;
  items: { quantity: number; product: string; details: { title: string } | null }[];
}

const newest = `query Newest {
  listOrders(pageSize: 8) {
    totalSize
    orders {
      name state
      total { currency minorUnits }
      buyer { displayName city }
      items { quantity product details { title } }
    }
  }
}`;
const follow = `subscription Follow($name: String!) { watchOrder(name: $name) { name state } }`;

const way: State[] = ["PLACED", "PAID", "PACKED", "SHIPPED", "DELIVERED"];
const said: Record<State, string> = {
  PLACED: "Placed",
  PAID: "Paid",
  PACKED: "Packed",
  SHIPPED: "On its way",
  DELIVERED: "Delivered",
  CANCELLED: "Cancelled",
};
const isOver = (state: State | null) => state === "DELIVERED" || state === "CANCELLED";

/** One order, and its subscription while somebody follows it. */
class Row {
  readonly element: HTMLElement;
  private readonly steps = h("ol", { class: "steps", "aria-hidden": "true" }, ...way.map(() => h("li")));
  private readonly label = h("span", { class: "state" });
  private readonly button = h("button", { class: "follow", click: () => this.follow() }, "Follow");
  private stop: (() => void) | undefined;

  constructor(private readonly order: Order) {
    const who = order.buyer ? `${order.buyer.displayName}, ${order.buyer.city}` : "somebody we do not know";
    const what = order.items.map(({ quantity, product, details }) => `${quantity} × ${details?.title ?? idOf(product)}`).join(", ");
    this.element = h(
      "article",
      { class: "order-row", "data-order": order.name },
      h("div", { class: "number" }, `№ ${idOf(order.name)}`),
      h("div", { class: "what" }, h("strong", {}, who), h("span", {}, what)),
      h("div", { class: "sum" }, order.total ? money(order.total) : ""),
      h("div", { class: "progress" }, this.steps, this.label, this.button),
    );
    this.show(order.state);
  }

  get name(): string {
    return this.order.name;
  }

  follow(): void {
    if (this.stop || isOver(this.order.state)) return;
    this.element.classList.add("live");
    this.button.hidden = true;
    this.stop = subscribe<{ watchOrder: { state: State } }>(follow, { name: this.order.name }, {
      next: ({ watchOrder }) => this.show(watchOrder.state),
      done: (error) => this.ended(error),
    });
  }

  leave(): void {
    this.stop?.();
  }

  private ended(error?: Error): void {
    this.stop = undefined;
    this.element.classList.remove("live");
    if (error) this.label.textContent = error instanceof NoGraphql ? "this node serves no subscriptions" : error.message;
  }

  show(state: State | null): void {
    this.order.state = state;
    const at = state ? way.indexOf(state) : -1;
    [...this.steps.children].forEach((step, index) => step.classList.toggle("done", index <= at));
    this.element.classList.toggle("cancelled", state === "CANCELLED");
    this.label.textContent = state ? said[state] : "";
    this.button.hidden = isOver(state) || this.stop !== undefined;
  }
}

export class Orders {
  private readonly body = find("#orders .body");
  private rows = new Map<string, Row>();

  /** Asks again. `watched` is followed at once. */
  async refresh(watched?: string): Promise<void> {
    try {
      const { listOrders } = await query<{ listOrders: { totalSize: number; orders: Order[] } }>(newest);
      const rows = new Map(listOrders.orders.map((order) => [order.name, this.row(order)]));
      for (const [name, row] of this.rows) if (!rows.has(name)) row.leave();
      this.rows = rows;
      this.body.replaceChildren(h("p", { class: "total" }, `The newest ${rows.size} of ${count(listOrders.totalSize)}`), ...[...rows.values()].map(({ element }) => element));
      if (watched) rows.get(watched)?.follow();
    } catch (error) {
      this.body.replaceChildren(error instanceof NoGraphql ? noGraphql() : notice("The orders cannot be shown", (error as Error).message));
    }
  }

  private row(order: Order): Row {
    const known = this.rows.get(order.name);
    known?.show(order.state);
    return known ?? new Row(order);
  }
}
