// Parley's schema, parser and validation beside those of npm's graphql.
//
//   node validation.mjs GRAPHQL_VALIDATE NAME CONTRACT_FOLDER… [--documents N] [--seed S]
import { execFileSync, spawnSync } from 'node:child_process';
import { buildClientSchema, parse, printSchema, specifiedRules, validate, validateSchema } from 'graphql';
import { cases } from './validation_cases.mjs';
import { broken, Operations } from './operations.mjs';
import { Random } from './random.mjs';
import { withScalars } from './scalars.mjs';

const args = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = args.indexOf(name);
  return at < 0 ? otherwise : Number(args.splice(at, 2)[1]);
};
const documents = option('--documents', 3000);
const firstSeed = option('--seed', 1);
const [binary, name, ...contracts] = args;
const most = 1 << 28;

let failures = 0;
function fail(what, detail) {
  if (++failures <= 8) console.log(`FAILED: ${name}: ${what}\n${detail}\n`);
}

const introspection = JSON.parse(execFileSync(binary, ['--introspection', ...contracts], { maxBuffer: most, stdio: ['ignore', 'pipe', 'ignore'] }));
const sdl = execFileSync(binary, ['--sdl', ...contracts], { maxBuffer: most, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
const schema = withScalars(buildClientSchema(introspection));
for (const error of validateSchema(schema)) fail('the schema', error.message);
const printed = printSchema(schema);
if (printed !== sdl) {
  const ours = sdl.split('\n');
  const at = printed.split('\n').findIndex((line, i) => line !== ours[i]);
  fail('SDL', `line ${at + 1}: graphql-js: ${printed.split('\n')[at]}\nParley: ${ours[at]}`);
}

function expected(source) {
  try {
    return validate(schema, parse(source), specifiedRules).map((e) => e.toJSON());
  } catch (e) {
    return [e.toJSON ? e.toJSON() : { message: `thrown: ${e}` }];
  }
}

const sources = [...cases];
for (let seed = firstSeed; sources.length < documents + cases.length; ++seed) {
  const random = new Random(seed);
  const mischief = [0, 0, 0.03, 0.1, 0.3][seed % 5];
  const source = new Operations(schema, random, mischief).document();
  if (mischief === 0) {
    const wrong = expected(source);
    if (wrong.length && process.env.SHOW_INVALID) console.log(JSON.stringify(wrong[0]), source);
  }
  const sent = random.chance(0.15) ? broken(source, random) : source;
  if (sent.isWellFormed()) sources.push(sent); // half a surrogate pair has no UTF-8
}

const done = spawnSync(binary, contracts, { input: sources.map((s) => JSON.stringify(s)).join('\n') + '\n', maxBuffer: most });
const answers = done.stdout.toString().split('\n');
const messages = new Map();
let valid = 0;
sources.forEach((source, i) => {
  const want = expected(source);
  if (want.length === 0) ++valid;
  for (const e of want) {
    const shape = e.message.replace(/"[^"]*"/g, '"…"');
    messages.set(shape, (messages.get(shape) ?? 0) + 1);
  }
  if (answers[i] === JSON.stringify(want)) return;
  let got = answers[i];
  let at = '';
  try {
    const list = JSON.parse(answers[i]);
    const k = want.findIndex((e, j) => JSON.stringify(e) !== JSON.stringify(list[j]));
    at = k < 0 ? `Parley has more: ${JSON.stringify(list[want.length])}` : `error ${k}: graphql-js: ${JSON.stringify(want[k])}\n         Parley:     ${JSON.stringify(list[k])}`;
  } catch {
    at = `Parley: ${got}`;
  }
  fail(`document ${i}`, `${source}\n${at}`);
});
if (process.env.SHOW_MESSAGES) console.log([...messages].sort((a, b) => b[1] - a[1]).map(([m, n]) => `${n} ${m}`).join('\n'));
console.log(`${name}: ${sources.length} documents, ${valid} of them valid, ${messages.size} kinds of messages; ${failures} differ`);
process.exit(failures || done.status ? 1 : 0);
