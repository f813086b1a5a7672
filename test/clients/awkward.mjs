// What the tests share: the contract as each library wants it, and where Parley listens.
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

export const port = Number(process.env.PARLEY_PORT);
export const tlsPort = Number(process.env.PARLEY_TLS_PORT);
export const ca = readFileSync(process.env.PARLEY_CA);
export const contractBytes = readFileSync(process.env.PARLEY_CONTRACT);

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, contractBytes));
export const Awkward = registry.getService('awkward.v1.Awkward');
export const message = (name) => registry.getMessage(name);
export { registry };

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function waitUntil(condition, what, ms = 60_000) {
  for (const end = Date.now() + ms; !(await condition()); await sleep(20)) {
    if (Date.now() > end) throw new Error(what);
  }
}
