// GraphQL as the page asks for it, answered from the node's REST: for a look at the page where the node has no GraphQL (run.py --mock-graphql).
const rest = async (path, body) => (await fetch(new URL(path, process.env.SHOP_URL), body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();

const operations = {
  Shelf: async () => ({
    listProducts: { products: (await rest("v1/products?pageSize=100")).products.map((product) => ({ rating: null, ...product })) },
    listCustomers: await rest("v1/customers"),
  }),
  Newest: async () => {
    const { orders, totalSize } = await rest("v1/orders?pageSize=8");
    const { customers } = await rest("v1/customers");
    const { products } = await rest("v1/products?pageSize=100");
    const find = (list, name) => list.find((each) => each.name === name) ?? null;
    const joined = orders.map((order) => ({ ...order, buyer: find(customers, order.customer), items: order.items.map((item) => ({ ...item, details: find(products, item.product) })) }));
    return { listOrders: { totalSize, orders: joined } };
  },
  Buy: async ({ customer, product, price, requestId }) => ({
    createOrder: await rest(`v1/orders?requestId=${requestId}`, { customer, items: [{ product, quantity: 1, unitPrice: { currency: "EUR", minorUnits: price } }] }),
  }),
};

export async function mockGraphql(page) {
  await page.route("**/graphql", async (route) => {
    const { query, variables } = route.request().postDataJSON();
    try {
      await route.fulfill({ json: { data: await operations[/^\w+ (\w+)/.exec(query)[1]](variables) } });
    } catch {
      await route.abort();
    }
  });
  await page.routeWebSocket("**/graphql", (socket) => {
    socket.onMessage(async (text) => {
      const { type, id, payload } = JSON.parse(text);
      if (type === "connection_init") socket.send(JSON.stringify({ type: "connection_ack" }));
      if (type !== "subscribe") return;
      const answer = await fetch(new URL(`v1/${payload.variables.name}:watch`, process.env.SHOP_URL));
      let rest = "";
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + piece).split("\n");
        rest = lines.pop();
        for (const line of lines) socket.send(JSON.stringify({ type: "next", id, payload: { data: { watchOrder: JSON.parse(line) } } }));
      }
      socket.send(JSON.stringify({ type: "complete", id }));
    });
  });
}
