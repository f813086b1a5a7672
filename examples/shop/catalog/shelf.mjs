// The products and their stock, in memory. Each function answers an rpc of shop.Catalog: a request's fields in, a reply's JSON out.

import { EventEmitter } from 'node:events';

import { alreadyExists, failedPrecondition, invalid, notFound } from './errors.mjs';
import { categories, rows } from './products.mjs';

const products = new Map(rows.map(({ product }) => [product.name, product]));
const stocks = new Map(rows.map(({ stock }) => [stock.product, structuredClone(stock)]));

export const changes = new EventEmitter().setMaxListeners(0); // 'stock': a Stock that has changed

const byName = (a, b) => (a.name < b.name ? -1 : 1);
const asList = (value) => (value === undefined ? [] : [value].flat());

function integer(value, field, least, most, otherwise) {
  if (value === undefined || value === null || value === '') return otherwise;
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw invalid({ [field]: `must be an integer from ${least} to ${most}` });
  }
  return number;
}

function find(name) {
  const product = products.get(name);
  if (!product) throw notFound('product', name);
  return product;
}

export function getProduct({ name, sku }) {
  if (name) return find(name);
  const product = [...products.values()].find((each) => each.sku === sku);
  if (!product) throw notFound('product', sku);
  return product;
}

export function listProducts({ pageSize, pageToken = '', category }) {
  const size = integer(pageSize, 'page_size', 0, 2 ** 31 - 1, 0) || 20;
  // A token is the last name of its page: products that come in between neither shift nor repeat what follows.
  const rest = [...products.values()]
    .filter((product) => product.name > pageToken && (!category || product.category === category))
    .sort(byName);
  const page = rest.slice(0, Math.min(size, 100));
  return { products: page, nextPageToken: page.length < rest.length ? page.at(-1).name : '' };
}

export function batchGetProducts({ names }) {
  const wanted = asList(names);
  if (wanted.length === 0 || wanted.length > 100) throw invalid({ names: 'must be from 1 to 100 names' });
  return { products: wanted.map((name) => products.get(name)).filter(Boolean) };
}

export function searchProducts({ query = '', maxPrice, minRating, limit }) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) throw invalid({ query: 'must have at least one word' });
  const most = maxPrice ? integer(maxPrice.minorUnits, 'max_price.minor_units', 0, 2 ** 53 - 1, 0) : Infinity;
  const score = ({ title, description }) =>
    words.reduce((sum, word) => sum + 2 * title.toLowerCase().includes(word) + description.toLowerCase().includes(word), 0);
  const hits = [...products.values()]
    .filter((product) => Number(product.price.minorUnits) <= most && (product.rating ?? 0) >= Number(minRating ?? 0))
    .map((product) => ({ product, score: score(product) / (3 * words.length) }))
    .filter((hit) => hit.score > 0)
    .sort((a, b) => b.score - a.score || byName(a.product, b.product));
  return { hits: hits.slice(0, integer(limit, 'limit', 0, 1000, 0) || 10) };
}

export function listCategories() {
  const count = (name) => [...products.values()].filter((product) => product.category === name).length;
  return Object.entries(categories).map(([name, title]) => ({ name, title, products: count(name) })); // response_body
}

export function createProduct({ product = {}, productId }) {
  const violations = {};
  if (!product.title) violations['product.title'] = 'must be given';
  if (!product.price?.currency) violations['product.price'] = 'must be given';
  if (productId && !/^[a-z][a-z0-9-]*$/.test(productId)) violations.product_id = 'must be lower-case letters, digits and hyphens';
  if (Object.keys(violations).length > 0) throw invalid(violations);
  const id = productId || product.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'product';
  const name = `products/${id}`;
  if (products.has(name)) throw alreadyExists('product', name);
  const created = { description: '', ...product, name, createTime: new Date().toISOString() };
  products.set(name, created);
  stocks.set(name, { product: name, onHand: 0, reserved: 0, countTime: created.createTime });
  changes.emit('stock', stocks.get(name));
  return created;
}

export function deleteProduct({ name }) {
  find(name);
  if (stocks.get(name).reserved > 0) throw failedPrecondition('RESERVED', name, 'is promised to customers');
  products.delete(name);
  stocks.delete(name);
  return {};
}

export function updateStock({ stock = {} }) {
  find(stock.product);
  const counted = {
    product: stock.product,
    onHand: integer(stock.onHand, 'stock.on_hand', 0, 1_000_000, 0),
    reserved: integer(stock.reserved, 'stock.reserved', 0, 1_000_000, 0),
    countTime: new Date().toISOString(),
  };
  if (counted.reserved > counted.onHand) throw invalid({ 'stock.reserved': 'must not be more than on_hand' });
  stocks.set(stock.product, counted);
  changes.emit('stock', counted);
  return counted;
}

// An event, which may come twice: what is known already is passed over.
export function stockChanged({ product, onHand, countTime }) {
  find(product);
  const before = stocks.get(product);
  if (Date.parse(countTime) <= Date.parse(before.countTime)) return {};
  updateStock({ stock: { product, onHand, reserved: Math.min(before.reserved, onHand ?? 0) } });
  return {};
}

// The stock of these products now, or of all, and a test for whether a later change is of one of them.
export function watchStock({ products: names, snapshotOnly }) {
  const wanted = new Set(asList(names));
  for (const name of wanted) find(name);
  const matches = (stock) => wanted.size === 0 || wanted.has(stock.product);
  return { now: [...stocks.values()].filter(matches), matches, follow: String(snapshotOnly) !== 'true' };
}
