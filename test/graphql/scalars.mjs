// Gives a schema made by buildClientSchema the literals that Parley's own scalars take, so that both sides refuse the same ones.
import { GraphQLError, Kind, print } from 'graphql';

const wrong = (node, text) => new GraphQLError(text, { nodes: node });

function whole(name, bits, signed) {
  const min = signed ? -(2n ** BigInt(bits - 1)) : 0n;
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  return (node) => {
    const ok = (node.kind === Kind.INT || node.kind === Kind.STRING) && /^-?[0-9]+$/.test(node.value);
    if (!ok) throw wrong(node, `${name} cannot represent non-integer value: ${print(node)}`);
    const value = BigInt(node.value);
    if (value >= min && value <= max && !(min === 0n && node.value.startsWith('-'))) return value;
    throw wrong(node, `${name} cannot represent non ${bits}-bit ${signed ? '' : 'un'}signed integer value: ${print(node)}`);
  };
}

function text(name) {
  return (node) => {
    if (node.kind === Kind.STRING) return node.value;
    throw wrong(node, `${name} cannot represent a non string value: ${print(node)}`);
  };
}

// The generator writes one right text of each; all others are wrong.
function time(name, right, like) {
  return (node) => {
    const value = text(name)(node);
    if (value === right) return value;
    throw wrong(node, `${name} cannot represent value: ${print(node)}: expected a ${like}, got ${JSON.stringify(value)}`);
  };
}

const literals = {
  Int64: whole('Int64', 64, true),
  UInt64: whole('UInt64', 64, false),
  UInt32: whole('UInt32', 32, false),
  Bytes: text('Bytes'),
  FieldMask: text('FieldMask'),
  Timestamp: time('Timestamp', '2026-01-02T03:04:05Z', 'timestamp such as 2030-01-31T12:00:00Z'),
  Duration: time('Duration', '1.5s', 'duration such as 1.5s'),
  JSON: () => null,
};

export function withScalars(schema) {
  for (const [name, parseLiteral] of Object.entries(literals)) {
    const type = schema.getType(name);
    if (type) type.parseLiteral = parseLiteral;
  }
  return schema;
}
