// plan.mjs SDL OPERATION  how many microseconds graphql-js takes to parse and validate the operation, and with graphql-jit's compilation: medians,
// of texts that differ. "Page0" in the operation's text becomes another name each time.
import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { compileQuery } from "graphql-jit";

const [sdl, operation] = process.argv.slice(2).map((file) => readFileSync(file, "utf8"));
const schema = buildSchema(sdl);

function median(run) {
  const times = [];
  for (let i = 0; i < 1500; ++i) {
    const text = operation.replace("Page0", `Page${i}`);
    const began = performance.now();
    run(text);
    if (i >= 500) times.push((performance.now() - began) * 1000);
  }
  return times.sort((a, b) => a - b)[times.length / 2];
}

function valid(text) {
  const document = parse(text);
  const errors = validate(schema, document);
  if (errors.length > 0) throw errors[0];
  return document;
}

function compiled(text) {
  const query = compileQuery(schema, valid(text), undefined);
  if (!("query" in query)) throw new Error(JSON.stringify(query));
}

console.log(JSON.stringify({ "graphql-js without a plan": median(valid), "graphql-js and graphql-jit": median(compiled) }));
