// Parley's answers beside those of npm's graphql.
import {buildClientSchema, execute, getIntrospectionQuery, GraphQLList, GraphQLNonNull, isEnumType, isInputObjectType, isListType, isNonNullType, parse, validate} from 'graphql';
import {Operations} from './operations.mjs';
import {Random} from './random.mjs';
import {loadContract, Replies} from './replies.mjs';
import {Values} from './values.mjs';

const url = process.env.PARLEY_URL;
const wanted = Number(process.env.OPERATIONS);

async function parley(request, seed) {
  const response = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json', 'x-seed': String(seed)}, body: JSON.stringify(request)});
  return response.text();
}

const introspection = JSON.parse(await parley({query: getIntrospectionQuery({inputValueDeprecation: true, oneOf: true, specifiedByUrl: true})}, 0)).data;
const schema = buildClientSchema(introspection);
const root = loadContract();

// Which rpc a root field asks.
const rpcs = new Map();
for (const service of ['awkward.v1.Awkward', 'awkward.v1.Another']) {
  for (const method of root.lookupService(service).methodsArray) {
    const lower = method.name[0].toLowerCase() + method.name.slice(1);
    const bare = method.name.replace(/^Get(?=[A-Z])/, '');
    const short = bare[0].toLowerCase() + bare.slice(1);
    const prefixed = service.split('.').pop()[0].toLowerCase() + service.split('.').pop().slice(1);
    rpcs.set(`${service}/${method.name}`, [prefixed + bare, prefixed + method.name, short, lower]);
  }
}

function rpcOf(field) {
  for (const place of [0, 1, 2, 3]) {
    for (const [rpc, names] of rpcs) if (names[place] === field) return rpc;
  }
  throw new Error(`no rpc is called as ${field}`);
}

function fail(error) {
  throw new Error(error.message);
}

function rootValue(replies, operationKind) {
  const batch = 'awkward.v1.Awkward/BatchGetThings';
  const one = 'awkward.v1.Another/GetThing';
  const list = 'awkward.v1.Awkward/ListPartsOfThings';
  const things = root.lookupType('awkward.v1.Thing');
  const thingType = schema.getType(Object.keys(schema.getTypeMap()).find((name) => /^(AwkwardV1)?Thing$/.test(name)));
  const thing = (id) => {
    const error = replies.error(batch);
    if (error) fail(error);
    const found = replies.thing(id);
    return found && values.object(things, thingType, found);
  };
  const values = new Values(schema, (typeName, field, message) => {
    if (field === 'linkedThing') return message.thingId ? thing(message.thingId) : null;
    if (field === 'linkedThings') return (message.thingIds ?? []).map((id) => (id ? () => thing(id) : null)).map(late);
    if (field === 'oneThing') {
      if (!message.oneId) return null;
      const error = replies.error(one);
      if (error) fail(error);
      return values.object(things, thingType, replies.thing(message.oneId) ?? {});
    }
    if (field === 'parts') {
      if (!message.id) return [];
      const error = replies.error(list);
      if (error) fail(error);
      return replies.parts(message.id).map((part) => values.object(root.lookupType('awkward.v1.Part'), schema.getType('Part'), part));
    }
    throw new Error(`${typeName}.${field} is neither of the contract nor a join`);
  });
  const type = operationKind === 'mutation' ? schema.getMutationType() : schema.getQueryType();
  return Object.fromEntries(Object.values(type.getFields()).filter((field) => field.name !== '_').map((field) => [field.name, (args) => {
    const rpc = rpcOf(field.name);
    const error = replies.error(rpc);
    if (error) fail(error);
    const reply = root.lookupService(rpc.split('/')[0]).methods[rpc.split('/')[1]].resolvedResponseType;
    if (rpc.endsWith('/Page')) return {contentType: 'text/plain', data: btoa('a page'), extensions: []};
    if (rpc === one) return values.object(reply, field.type, replies.thing(args.id) ?? {});
    if (rpc === batch) return values.object(reply, field.type, {things: (args.ids ?? []).map((id) => replies.thing(id)).filter(Boolean).reverse()});
    const json = replies.reply(rpc);
    if (rpc.endsWith('/ListThings')) return values.object(reply, {name: '', getFields: () => ({things: field})}, json).things;
    return values.object(reply, field.type, json);
  }]));
}

// An item that throws is its own item's error: graphql-js takes an Error in a list as that.
function late(make) {
  if (make === null) return null;
  try {
    return make();
  } catch (error) {
    return error;
  }
}

// JSON of a variable; now and then one that is wrong, or none.
function variable(type, random, depth = 0) {
  if (random.chance(0.01)) return random.pick([1.5, 'x', true, [1], {a: 1}, null]);
  if (isNonNullType(type)) return variable(type.ofType, random, depth) ?? variable(type.ofType, random, depth);
  if (random.chance(0.1)) return null;
  if (isListType(type)) return Array.from({length: random.below(3)}, () => variable(type.ofType, random, depth + 1));
  if (isEnumType(type)) return random.pick(type.getValues()).name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const chosen = type.isOneOf ? [random.pick(fields)] : fields.filter((f) => isNonNullType(f.type) || (depth < 2 && random.chance(0.2)));
    return Object.fromEntries(chosen.map((f) => [f.name, variable(type.isOneOf ? f.type : f.type, random, depth + 1)]));
  }
  return {Int: 7, Float: 1.5, Boolean: true, Bytes: 'aGk=', Timestamp: '2026-01-02T03:04:05Z', Duration: '1s', FieldMask: 'a', Int64: '5', UInt64: '6', UInt32: 7, JSON: {a: [1]}}[type.name] ?? 'text';
}

const shown = (errors) => (errors ?? []).map((e) => ({message: e.message, locations: e.locations, path: e.path}));

let count = 0;
let failures = 0;
let withErrors = 0;
for (let seed = Number(process.env.SEED); count < wanted; ++seed) {
  const random = new Random(seed);
  // graphql-js 16 has an argument of __Schema.directives that the specification has not.
  const source = new Operations(schema, random, 0).document().replace(/__schema \{ types \{ name kind fields\(includeDeprecated: true\) \{ name args \{ name \} \} \} \}/g, '__schema { types { name kind } }');
  const document = parse(source);
  if (validate(schema, document).length) continue;
  const operation = document.definitions.find((each) => each.kind === 'OperationDefinition');
  if (operation.operation === 'subscription') continue;
  const variables = {};
  for (const each of operation.variableDefinitions ?? []) {
    const text = source.slice(each.type.loc.start, each.type.loc.end);
    const value = variable(typeOf(each.type), random);
    if (!random.chance(text.endsWith('!') ? 0.02 : 0.2)) variables[each.variable.name.value] = value;
  }
  ++count;
  const request = {query: source, variables, operationName: operation.name?.value};
  const ours = await parley(request, seed);
  const replies = new Replies(root, seed);
  const theirs = await execute({schema, document, rootValue: rootValue(replies, operation.operation), variableValues: variables, operationName: operation.name?.value});
  const mine = JSON.parse(ours);
  if (mine.errors?.some((error) => error.extensions?.reason === 'too_complex')) continue;
  // Scalars of our own have words of their own.
  if (mine.errors?.some((error) => /(Bytes|FieldMask|Timestamp|Duration|Int64|UInt32) cannot represent/.test(error.message))) continue;
  // What only the transcoder can know of the arguments is no matter of the oracle's.
  if (mine.errors?.some((error) => error.extensions?.reason === 'bad_argument' && /^\$/.test(error.message))) continue;
  if (theirs.errors || mine.errors) ++withErrors;
  const data = JSON.stringify(theirs.data);
  const same = (theirs.data === undefined ? !('data' in mine) : ours.includes(`"data":${data}}`)) && JSON.stringify(shown(mine.errors)) === JSON.stringify(shown(theirs.errors));
  if (same) continue;
  if (++failures > 5) continue;
  console.log(`FAILED: seed ${seed}\n${source}\nvariables ${JSON.stringify(variables)}`);
  if (JSON.stringify(mine.data) !== data) {
    const at = (data ?? '').split('').findIndex((c, i) => c !== JSON.stringify(mine.data)?.[i]);
    console.log(`data differs at ${at}:\n  graphql-js …${data?.slice(Math.max(0, at - 150), at + 100)}\n  Parley     …${JSON.stringify(mine.data)?.slice(Math.max(0, at - 150), at + 100)}`);
  }
  const [a, b] = [shown(theirs.errors), shown(mine.errors)];
  const at = Array.from({length: Math.max(a.length, b.length)}).findIndex((_, i) => JSON.stringify(a[i]) !== JSON.stringify(b[i]));
  if (at >= 0) console.log(`error ${at} of ${a.length}/${b.length}:\n  graphql-js ${JSON.stringify(a[at])}\n  Parley     ${JSON.stringify(b[at])}`);
}
console.log(`${count} operations, ${withErrors} of them with errors: ${failures} differ`);
process.exit(failures ? 1 : 0);

function typeOf(node) {
  if (node.kind === 'NamedType') return schema.getType(node.name.value);
  return node.kind === 'ListType' ? wrap('list', typeOf(node.type)) : wrap('nonNull', typeOf(node.type));
}

function wrap(kind, type) {
  return kind === 'list' ? new GraphQLList(type) : new GraphQLNonNull(type);
}
