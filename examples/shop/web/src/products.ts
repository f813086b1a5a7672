// The products, and the button that orders one: a GraphQL query and a mutation.
import { art } from "./art.ts";
import type { Money } from "./contract.ts";
import { find, h, notice, toast } from "./dom.ts";
import { idOf, money } from "./format.ts";
import { mutate, NoGraphql, query } from "./graphql.ts";

interface Product {
  name: string;
  title: string;
  description: string;
  category: string;
  price: Required<Money>;
  rating: number | null;
}

interface Customer {
  name: string;
  displayName: string;
  city: string;
}

const whatThereIs = `query Shelf {
  listProducts(pageSize: 100) { products { name title description category price { currency minorUnits } rating } }
  listCustomers { customers { name displayName city } }
}`;

const buy = `mutation Buy($customer: String!, $product: String!, $price: Int64!, $requestId: String!) {
  createOrder(input: {
    order: { customer: $customer, items: [{ product: $product, quantity: 1, unitPrice: { currency: "EUR", minorUnits: $price } }] }
    requestId: $requestId
  }) { name }
}`;

export const noGraphql = () =>
  notice("GraphQL is not served here", "This part of the page asks GraphQL at /graphql, and this node answers that it has none. The till and the chat below need only WebSocket.");

function card(product: Product, customer: () => string, ordered: (name: string) => void): HTMLElement {
  const button = h("button", { class: "order", click: () => void place() }, "Order");
  const place = async () => {
    button.disabled = true;
    // The id makes a call that is sent again, by whom ever, the same order.
    const variables = { customer: customer(), product: product.name, price: product.price.minorUnits, requestId: crypto.randomUUID() };
    try {
      const { createOrder } = await mutate<{ createOrder: { name: string } }>(buy, variables);
      toast(`${product.title}: order ${idOf(createOrder.name)} is placed`);
      ordered(createOrder.name);
    } catch (error) {
      toast(`Not ordered: ${(error as Error).message}`);
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "article",
    { class: `product ${idOf(product.category)}` },
    h("div", { class: "picture" }, art(product.name), product.rating !== null && h("span", { class: "rating" }, `★ ${product.rating.toFixed(1)}`)),
    h("h3", {}, product.title),
    h("p", {}, product.description),
    h("div", { class: "buy" }, h("strong", {}, money(product.price)), button),
  );
}

/** Shows the shelf; `ordered` is told the name of each order that is placed. */
export async function showProducts(ordered: (name: string) => void): Promise<void> {
  const body = find("#products .body");
  const skeleton = h("div", { class: "shelf", "aria-busy": "true" }, ...Array.from({ length: 6 }, () => h("div", { class: "product skeleton" })));
  body.replaceChildren(skeleton);
  const waiting = () => skeleton.classList.add("late");
  try {
    const { listProducts, listCustomers } = await query<{ listProducts: { products: Product[] }; listCustomers: { customers: Customer[] } }>(whatThereIs, {}, waiting);
    const who = h("select", { id: "who", "aria-label": "You are" }, ...listCustomers.customers.map(({ name, displayName, city }) => h("option", { value: name }, `${displayName}, ${city}`)));
    body.replaceChildren(
      h("label", { class: "who" }, "You are ", who),
      h("div", { class: "shelf" }, ...listProducts.products.map((product) => card(product, () => who.value, ordered))),
    );
  } catch (error) {
    body.replaceChildren(error instanceof NoGraphql ? noGraphql() : notice("The products cannot be shown", (error as Error).message));
  }
}
