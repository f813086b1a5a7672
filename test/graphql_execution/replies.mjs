// What each rpc answers: ProtoJSON that depends on nothing but a seed, the rpc and, where there are some, the keys that were asked for.
import {readdirSync} from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import {Random} from './random.mjs';

export function loadContract() {
  const root = new protobuf.Root();
  // protobufjs brings the well-known types; what defines options is not needed.
  root.resolvePath = (from, name) => {
    if (path.isAbsolute(name) || name.startsWith('google/protobuf/')) return /descriptor\.proto$/.test(name) ? null : name;
    if (/httpbody|parley\/receipt/.test(name)) return path.join(process.env.IMPORTS, name);
    return /^(google|parley)\//.test(name) ? null : path.join(process.env.CONTRACTS, name);
  };
  const files = readdirSync(process.env.CONTRACTS, {recursive: true}).filter((name) => name.endsWith('.proto'));
  root.loadSync(files.map((name) => path.join(process.env.CONTRACTS, name)), {keepCase: true});
  root.resolveAll();
  return root;
}

const hash = (text) => [...text].reduce((sum, c) => (Math.imul(sum, 31) + c.charCodeAt(0)) | 0, 7) >>> 0;

const texts = ['', 'a', 'b', 'orders/1', '\u00e9\n"\\', '\u{1f600}', 'x'.repeat(40), '\u0001'];
const numbers = {
  int32: [0, 1, -1, 2147483647, -2147483648],
  int64: ['0', '1', '-9223372036854775808', '9007199254740993'],
  uint32: [0, 1, 4294967295],
  uint64: ['0', '1', '18446744073709551615'],
  double: [0, 1.5, -0.25, 1e21, 5e-324, 'NaN', 'Infinity', 12345678.9],
  float: [0, 1.5, -0.25, 0.1, 'NaN', 16777216],
};
numbers.sint32 = numbers.sfixed32 = numbers.int32;
numbers.sint64 = numbers.sfixed64 = numbers.int64;
numbers.fixed32 = numbers.uint32;
numbers.fixed64 = numbers.uint64;

const wellKnown = {
  'google.protobuf.Timestamp': () => '2026-01-02T03:04:05.600Z',
  'google.protobuf.Duration': () => '-1.500s',
  'google.protobuf.FieldMask': () => 'a,bC.d',
  'google.protobuf.Struct': (r) => r.pick([{}, {a: [1, null, {b: true}], c: 'x'}]),
  'google.protobuf.Value': (r) => r.pick([null, 1.5, 'x', true, [1], {}]),
  'google.protobuf.ListValue': (r) => r.pick([[], [1, 'x', null]]),
  'google.protobuf.Any': (r) => r.pick([{'@type': 'type.googleapis.com/google.protobuf.Duration', value: '1s'}, {'@type': 'type.googleapis.com/awkward.v1.Int', value: 7}]),
  'google.protobuf.Empty': () => ({}),
};

export class Replies {
  constructor(root, world, seed) {
    this.root = root;
    this.world = world;
    this.seed = seed;
  }

  random(...what) {
    return new Random(hash(`${this.seed} ${what.join(' ')}`));
  }

  // A message's ProtoJSON; keys are JSON names.
  message(type, random, depth) {
    const name = type.fullName.slice(1);
    if (wellKnown[name]) return wellKnown[name](random);
    if (/^google\.protobuf\.\w+Value$/.test(name)) return this.scalar(type.fields.value, random);
    const out = {};
    const share = depth > 2 ? 0.25 : 0.75;
    const chosen = new Map(type.oneofsArray.filter((oneof) => oneof.oneof.length > 1 || !oneof.name.startsWith('_')).map((oneof) => [oneof, random.chance(0.8) ? random.pick(oneof.oneof) : null]));
    for (const field of type.fieldsArray) {
      field.resolve();
      if (chosen.has(field.partOf) && chosen.get(field.partOf) !== field.name) continue;
      if (!chosen.has(field.partOf) && !random.chance(share)) continue;
      const value = this.field(field, random, depth);
      if (value !== undefined) out[jsonName(field)] = value;
    }
    return out;
  }

  field(field, random, depth) {
    const deep = depth > 4 && field.resolvedType instanceof protobuf.Type && !wellKnown[field.resolvedType.fullName.slice(1)];
    if (deep) return undefined;
    if (field.map) {
      const keys = {string: texts, bool: ['true', 'false'], int32: ['0', '-5', '7'], uint64: ['0', '18446744073709551615']}[field.keyType];
      const count = random.below(3);
      return Object.fromEntries(Array.from({length: count}, () => [random.pick(keys), this.one(field, random, depth)]));
    }
    if (field.repeated) return Array.from({length: random.below(4)}, () => this.one(field, random, depth));
    return this.one(field, random, depth);
  }

  one(field, random, depth) {
    if (field.resolvedType instanceof protobuf.Enum) {
      if (field.resolvedType.fullName === '.google.protobuf.NullValue') return null;
      if (random.chance(0.03)) return 77;
      return random.pick(Object.values(field.resolvedType.values));
    }
    if (field.resolvedType) return this.message(field.resolvedType, random, depth + 1);
    return this.scalar(field, random);
  }

  scalar(field, random) {
    if (this.world.keyFields.test(field.name)) return random.pick(this.world.keys);
    if (field.type === 'string') return random.pick(texts);
    if (field.type === 'bytes') return random.pick(['', 'aGk=', '/+8=']);
    if (field.type === 'bool') return random.chance(0.5);
    const usual = numbers[field.type].filter((n) => typeof n === 'number' || /\d/.test(n));
    return random.chance(0.04) ? random.pick(numbers[field.type]) : random.pick(usual);
  }

  // Every third rpc or so of every third seed fails.
  error(rpc, key = '') {
    const random = this.random('error', rpc, key);
    return random.chance(0.12) ? {code: 5, message: `${rpc.split('/')[1]} has failed`} : null;
  }

  method(rpc) {
    const [service, method] = rpc.split('/');
    return this.root.lookupService(service).methods[method].resolve();
  }

  // Whether the reply is a google.api.HttpBody.
  isDocument(rpc) {
    return this.method(rpc).resolvedResponseType.fullName === '.google.api.HttpBody';
  }

  reply(rpc) {
    return this.message(this.method(rpc).resolvedResponseType, this.random('reply', rpc), 0);
  }

  // The messages of a stream, and the error that it breaks off with: after some of them, before the first one, or none.
  stream(rpc) {
    const random = this.random('stream', rpc);
    const messages = Array.from({length: random.below(6)}, (_, i) => this.message(this.method(rpc).resolvedResponseType, this.random('event', rpc, i), 0));
    if (!random.chance(0.35)) return {messages, error: null};
    return {messages: messages.slice(0, random.below(messages.length + 1)), error: {code: 8, message: `${rpc.split('/')[1]} broke off`}};
  }

  // What a loader finds with one key: a list where a key has many, else an item or null.
  found(rpc, key) {
    const {key: keyField, many} = this.world.loaders[rpc];
    const type = this.itemType(rpc);
    const random = this.random(many ? 'several' : 'item', type.fullName, key);
    const item = () => ({...this.message(type, random, 1), [keyField]: key});
    if (many) return Array.from({length: random.below(3)}, item);
    return random.chance(0.3) ? null : item();
  }

  itemType(rpc) {
    const {items} = this.world.loaders[rpc];
    const reply = this.method(rpc).resolvedResponseType;
    return items ? reply.fields[items].resolve().resolvedType : reply;
  }

  // A loader's whole reply. What was not found is not there, and the order is not that of the keys.
  loaded(rpc, request) {
    const {keys, items} = this.world.loaders[rpc];
    if (!items) return this.found(rpc, request[keys]) ?? {};
    return {[items]: [...(request[keys] ?? [])].reverse().flatMap((key) => this.found(rpc, key) ?? [])};
  }
}

export function jsonName(field) {
  return field.options?.json_name ?? field.name.replace(/_(\w)/g, (_, c) => c.toUpperCase());
}
