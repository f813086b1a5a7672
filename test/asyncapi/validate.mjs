// Prints a JSON array of what AsyncAPI's own parser finds wrong with a document, worst first, and what it read.
//
//   node validate.mjs TREE DOCUMENT
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [tree, path] = process.argv.slice(2);
const { Parser } = createRequire(join(tree, 'package.json'))('@asyncapi/parser');

const { document, diagnostics } = await new Parser().parse(readFileSync(path, 'utf8'));
// Severity 0 is an error, 1 a warning; 2 and 3 are advice.
const problems = diagnostics.filter(({ severity }) => severity <= 1).map(({ code, message, path }) => `${code}: ${message} at /${path.join('/')}`);
const operations = document === undefined ? [] : document.allOperations().all().map((operation) => `${operation.action()} ${operation.id()}`);
console.log(JSON.stringify({ problems, operations }));
