// What the test has to know of the contracts, beside their files: which rpcs find things by key, and which fields join them.
//
// A loader: `keys`, the request's field of the keys (or the key); `items`, the response's field of what was found, none where the response is it; `key`, the item's field of its key;
// `many`, where a key has several items.
export const worlds = {
  awkward: {
    services: ['awkward.v1.Awkward', 'awkward.v1.Another'],
    loaders: {
      'awkward.v1.Awkward/BatchGetThings': {keys: 'ids', items: 'things', key: 'id'},
      'awkward.v1.Awkward/ListPartsOfThings': {keys: 'thingIds', items: 'parts', key: 'thingId', many: true},
      'awkward.v1.Another/GetThing': {keys: 'id', key: 'id'},
    },
    joins: {
      linkedThing: {key: 'thingId', rpc: 'awkward.v1.Awkward/BatchGetThings'},
      linkedThings: {key: 'thingIds', rpc: 'awkward.v1.Awkward/BatchGetThings'},
      oneThing: {key: 'oneId', rpc: 'awkward.v1.Another/GetThing'},
      parts: {key: 'id', rpc: 'awkward.v1.Awkward/ListPartsOfThings'},
    },
    unwrapped: {'awkward.v1.Awkward/ListThings': 'things'},
    keyFields: /(^|_)ids?$/, // fields with one of `keys`, so that joins meet
    keys: ['', 't1', 't2', 't3', 't4', 't5'],
  },
  shop: {
    services: ['shop.Catalog', 'shop.Customers', 'shop.Orders', 'shop.Payments', 'shop.Support', 'shop.Mailer'],
    loaders: {
      'shop.Catalog/BatchGetProducts': {keys: 'names', items: 'products', key: 'name'},
      'shop.Customers/BatchGetCustomers': {keys: 'names', items: 'customers', key: 'name'},
    },
    joins: {
      buyer: {key: 'customer', rpc: 'shop.Customers/BatchGetCustomers'},
      details: {key: 'product', rpc: 'shop.Catalog/BatchGetProducts'},
    },
    unwrapped: {},
    keyFields: /^(customer|product|names?)$/,
    keys: ['', 'things/1', 'things/2', 'things/3', 'things/4', 'things/5'],
  },
};
