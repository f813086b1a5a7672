// Parley's answers beside those of npm's graphql, of one contract.
import {buildClientSchema, getIntrospectionQuery, GraphQLList, GraphQLNonNull, isEnumType, isInputObjectType, isListType, isNonNullType, parse, validate} from 'graphql';
import {Operations} from './operations.mjs';
import {Oracle} from './oracle.mjs';
import {Random} from './random.mjs';
import {loadContract, Replies} from './replies.mjs';
import {worlds} from './worlds.mjs';

const url = process.env.PARLEY_URL;
const wanted = Number(process.env.OPERATIONS);
const world = worlds[process.env.WORLD];

// The texts of the results: one, or of a subscription one an event.
async function parley(kind, request, seed) {
  const accept = kind === 'subscription' ? 'text/event-stream' : 'application/json';
  const response = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json', accept, 'x-seed': String(seed)}, body: JSON.stringify(request)});
  const text = await response.text();
  if (kind !== 'subscription') return [text];
  const events = text.split('\n\n').filter((event) => /^event: /m.test(event));
  if (!/^event: complete/m.test(events.pop() ?? '')) throw new Error(`the event stream has no end: ${text}`);
  return events.map((event) => /^data: (.*)$/m.exec(event)[1]);
}

const [introspected] = await parley('query', {query: getIntrospectionQuery({inputValueDeprecation: true, oneOf: true, specifiedByUrl: true})}, 0);
const schema = buildClientSchema(JSON.parse(introspected).data);
const root = loadContract();
const oracle = new Oracle(schema, root, world);

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

// What is no matter of the oracle's: limits, words of our own scalars, and what only the transcoder can know of the arguments.
function isOurs({errors}) {
  return errors?.some(({message, extensions}) => extensions?.reason === 'too_complex' || (extensions?.reason === 'bad_argument' && /^\$/.test(message)) ||
    /(Bytes|FieldMask|Timestamp|Duration|Int64|UInt32) cannot represent/.test(message));
}

// Whether a result's text is that of the oracle's.
function isSame(text, {data, errors}) {
  const mine = JSON.parse(text);
  if (JSON.stringify(shown(mine.errors)) !== JSON.stringify(shown(errors))) return false;
  return data === undefined ? !('data' in mine) : text.includes(`"data":${JSON.stringify(data)}}`);
}

function show(text, theirs) {
  if (text === undefined || theirs === undefined) return console.log(`  graphql-js ${JSON.stringify(theirs)}\n  Parley     ${text}`);
  const mine = JSON.parse(text);
  const [data, ours] = [JSON.stringify(theirs.data) ?? '', JSON.stringify(mine.data) ?? ''];
  const at = [...data].findIndex((c, i) => c !== ours[i]);
  const part = (json) => json.slice(Math.max(0, at - 150), at + 100);
  if (data !== ours) console.log(`data differs at ${at}:\n  graphql-js …${part(data)}\n  Parley     …${part(ours)}`);
  const [a, b] = [shown(theirs.errors), shown(mine.errors)];
  const which = Array.from({length: Math.max(a.length, b.length)}).findIndex((_, i) => JSON.stringify(a[i]) !== JSON.stringify(b[i]));
  if (which >= 0) console.log(`error ${which} of ${a.length}/${b.length}:\n  graphql-js ${JSON.stringify(a[which])}\n  Parley     ${JSON.stringify(b[which])}`);
}

const counts = {operations: 0, subscriptions: 0, events: 0, 'results with errors': 0, differ: 0};
for (let seed = Number(process.env.SEED); counts.operations < wanted; ++seed) {
  const random = new Random(seed);
  // graphql-js 16 has an argument of __Schema.directives that the specification has not.
  const source = new Operations(schema, random, 0).document().replace(/__schema \{ types \{ name kind fields\(includeDeprecated: true\) \{ name args \{ name \} \} \} \}/g, '__schema { types { name kind } }');
  const document = parse(source);
  if (validate(schema, document).length) continue;
  const {operation: kind, name, variableDefinitions} = document.definitions.find((each) => each.kind === 'OperationDefinition');
  const variableValues = {};
  for (const each of variableDefinitions ?? []) {
    const text = source.slice(each.type.loc.start, each.type.loc.end);
    const value = variable(typeOf(each.type), random);
    if (!random.chance(text.endsWith('!') ? 0.02 : 0.2)) variableValues[each.variable.name.value] = value;
  }
  const ours = await parley(kind, {query: source, variables: variableValues, operationName: name?.value}, seed);
  if (ours.some((text) => isOurs(JSON.parse(text)))) continue;
  const theirs = await oracle.run(kind, {document, variableValues, operationName: name?.value}, new Replies(root, world, seed));
  counts.operations += 1;
  if (kind === 'subscription') {
    counts.subscriptions += 1;
    counts.events += theirs.length;
  }
  counts['results with errors'] += theirs.filter(({errors}) => errors).length;
  if (ours.length === theirs.length && ours.every((text, i) => isSame(text, theirs[i]))) continue;
  if (++counts.differ > 5) continue;
  console.log(`FAILED: seed ${seed}\n${source}\nvariables ${JSON.stringify(variableValues)}`);
  if (ours.length !== theirs.length) console.log(`${theirs.length} results of graphql-js, ${ours.length} of Parley`);
  const at = Math.max(0, theirs.findIndex((result, i) => ours[i] === undefined || !isSame(ours[i], result)));
  show(ours[at], theirs[at]);
}
counts['streams broke off'] = oracle.breaks;
console.log(`${process.env.WORLD}: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')}`);
process.exit(counts.differ || !oracle.breaks || !counts['results with errors'] ? 1 : 0);

function typeOf(node) {
  if (node.kind === 'NamedType') return schema.getType(node.name.value);
  return node.kind === 'ListType' ? wrap('list', typeOf(node.type)) : wrap('nonNull', typeOf(node.type));
}

function wrap(kind, type) {
  return kind === 'list' ? new GraphQLList(type) : new GraphQLNonNull(type);
}
