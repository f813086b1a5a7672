// Random operations over a schema. `mischief` from 0 up: how often something is done that should not be; at 0 every operation is valid.
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql';

const texts = ['""', '"a"', '"orders/1"', '"\\u00e9 \\n"', '"""block\n  text"""', '"\u{1f600}"'];
const literals = {
  Int: ['0', '1', '-7', '2147483647'],
  Float: ['0', '1.5', '-2e3'],
  String: texts,
  Boolean: ['true', 'false'],
  Int64: ['1', '"9223372036854775807"', '-5'],
  UInt64: ['1', '"18446744073709551615"'],
  UInt32: ['1', '"4294967295"'],
  Bytes: ['"aGk="', '""'],
  FieldMask: ['"name,id"', '""'],
  Timestamp: ['"2026-01-02T03:04:05Z"'],
  Duration: ['"1.5s"'],
  JSON: ['null', '{a: [1, "x"]}', '"x"', '1.5', '[]', 'E'],
  ID: ['1', '"x"'],
};
const wrongLiterals = ['1', '1.5', '"1"', 'true', 'null', 'NOT_THERE', '[1]', '{a: 1}', '{}', '[]', '99999999999999999999', '"x"', '[[null]]', '$nowhere', '""'];

export class Operations {
  constructor(schema, random, mischief) {
    this.schema = schema;
    this.random = random;
    this.mischief = mischief;
    this.fragments = [];
    this.fragmentCount = 0;
  }

  bad(scale = 1) {
    return this.random.chance(this.mischief * scale);
  }

  document() {
    const parts = [];
    const count = this.random.chance(0.15) ? 2 : 1;
    for (let i = 0; i < count; ++i) parts.push(this.operation(count > 1 || this.random.chance(0.6) ? `Q${this.bad() ? 0 : i}` : ''));
    if (this.bad(0.5)) parts.push(this.operation(''));
    if (this.bad(0.5)) this.fragments.push(`fragment Unused on ${this.typeName()} { __typename }`);
    if (this.bad(0.3)) this.fragments.push(`fragment F0 on ${this.typeName()} { ...F0 ...F1 }`);
    if (this.bad(0.1)) this.fragments.push(`type ${this.typeName()} { a: Int }`);
    return [...parts, ...this.fragments].sort(() => this.random.next() - 0.5).join('\n');
  }

  operation(name) {
    const roots = [this.schema.getQueryType(), this.schema.getQueryType(), this.schema.getMutationType(), this.schema.getSubscriptionType()];
    const keywords = ['query', 'query', 'mutation', 'subscription'];
    const which = this.random.below(4);
    const root = roots[which] ?? roots[0];
    const keyword = roots[which] ? keywords[which] : 'query';
    this.variables = new Map();
    this.quiet = keyword === 'subscription';
    const selection = this.quiet ? this.subscription(root) : this.selection(root, 0, true);
    const definitions = [...this.variables].map(([n, v]) => `$${n}: ${v.type}${v.default}`);
    if (this.bad(0.5)) definitions.push(`$unused: ${this.random.pick(['Int', '[String!]!', this.typeName(), 'Nope'])}`);
    if (this.bad(0.3) && definitions.length) definitions.push(this.random.pick(definitions));
    const head = definitions.length ? `(${definitions.join(', ')})` : '';
    const start = !name && !head && keyword === 'query' && this.random.chance(0.5) ? '' : `${keyword} ${name}${head} ${this.directives('QUERY', 0.2)}`;
    return `${start}${selection}`;
  }

  subscription(root) {
    const fields = [this.field(this.random.pick(Object.values(root.getFields())), 0, 'root')];
    if (this.bad()) fields.push(this.field(this.random.pick(Object.values(root.getFields())), 0, 'root'));
    if (this.bad()) fields.push('__typename');
    return `{ ${fields.join(' ')} }`;
  }

  selection(type, depth, root = false) {
    const out = [];
    const count = 1 + this.random.below(depth > 3 ? 2 : 5);
    for (let i = 0; i < count; ++i) out.push(this.item(type, depth, root));
    if (this.bad(0.2)) return '{ }';
    return `{ ${out.join(this.random.chance(0.1) ? '\n  # c\u00e9\n' : ' ')} }`;
  }

  item(type, depth, root) {
    const roll = this.random.next();
    if (roll < 0.08) return this.inline(type, depth);
    if (roll < 0.16 && depth < 5) return this.spread(type, depth);
    if (roll < 0.2) return `${this.alias()}__typename`;
    if (roll < 0.22 && root && this.schema.getQueryType() === type) return this.introspection();
    if (isUnionType(type)) {
      if (this.bad()) return this.random.pick(['name', 'id', 'text', 'thing', 'nope']);
      return this.inlineOn(this.random.pick(type.getTypes()), depth);
    }
    const fields = Object.values(type.getFields());
    const leafs = fields.filter((f) => isLeafType(getNamedType(f.type)));
    const from = depth > 4 && leafs.length ? leafs : fields;
    return this.field(this.random.pick(from), depth);
  }

  alias() {
    return this.random.chance(0.12) ? `${this.random.pick(this.mischief ? ['a', 'b', 'name', 'id'] : [`a${this.random.below(1e9)}`])}: ` : '';
  }

  // Without mischief a response name stands for one field with one list of arguments, whatever else is selected.
  field(field, depth, where) {
    let name = field.name;
    if (this.bad(0.7)) name = this.typo(name);
    const args = this.args(field.args);
    const unique = this.mischief === 0 || this.random.chance(0.3);
    const alias = unique && args ? `a${this.random.below(1e9)}: ` : this.alias();
    const type = getNamedType(field.type);
    let selection = isLeafType(type) ? '' : ` ${depth > 7 ? '{ __typename }' : this.selection(type, depth + 1)}`;
    if (this.bad(0.4)) selection = selection ? '' : ' { x }';
    return `${alias}${name}${args} ${this.directives('FIELD', where === 'root' ? 0 : 0.08)}${selection}`;
  }

  typo(name) {
    const at = this.random.below(name.length);
    switch (this.random.below(6)) {
      case 0: return name.slice(0, at) + name.slice(at + 1) || 'x';
      case 1: return name.slice(0, at) + 'x' + name.slice(at);
      case 2: return name.toUpperCase();
      case 3: return name.length > at + 1 ? name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2) : name + 's';
      case 4: return 'completelyDifferent';
      default: return `${name}s`;
    }
  }

  inline(type, depth) {
    if (this.random.chance(0.3)) return `... ${this.directives('INLINE_FRAGMENT', 0.3)}${this.selection(type, depth + 1)}`;
    return this.inlineOn(this.possible(type), depth);
  }

  inlineOn(type, depth) {
    const name = this.bad() ? this.typeName() : type.name;
    return `... on ${name} ${this.directives('INLINE_FRAGMENT', 0.1)}${depth > 7 ? '{ __typename }' : this.selection(type, depth + 1)}`;
  }

  possible(type) {
    return isUnionType(type) && this.random.chance(0.7) ? this.random.pick(type.getTypes()) : type;
  }

  typeName() {
    if (this.random.chance(0.1)) return this.random.pick(['Nope', 'Quer', 'Strin', 'Int6', 'Thng']);
    return this.random.pick(Object.keys(this.schema.getTypeMap()));
  }

  spread(type, depth) {
    if (this.bad(0.5)) return `...${this.random.pick(['F0', 'F1', 'F2', 'Nowhere'])}`;
    const on = this.possible(type);
    const name = `F${this.fragmentCount++}`;
    // Variables of a fragment belong to the operation that is being written.
    const body = this.selection(on, depth + 1);
    this.fragments.push(`fragment ${name} on ${this.bad(0.5) ? this.typeName() : on.name} ${this.directives('FRAGMENT_DEFINITION', 0.05)}${body}`);
    return `...${name} ${this.directives('FRAGMENT_SPREAD', 0.1)}`;
  }

  introspection() {
    const query = this.random.pick([
      '__schema { types { name kind fields(includeDeprecated: true) { name args { name } } } }',
      '__type(name: "Query") { name fields { type { ofType { name } } } }',
      '__schema { directives { name locations isRepeatable } queryType { name } }',
    ]);
    if (this.bad()) return '__schema { types { fields { type { fields { type { fields { name } } } } } } }';
    if (this.bad()) return '__type { nme }';
    return `i${this.random.below(1e9)}: ${query}`;
  }

  directives(location, chance) {
    let out = '';
    if (this.quiet) chance = 0;
    const fits = ['FIELD', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT'].includes(location);
    if (fits && this.random.chance(chance)) out += `@${this.random.pick(['skip', 'include'])}(if: ${this.boolean()}) `;
    if (this.bad(0.3) && !this.quiet) {
      out += this.random.pick(['@nope ', '@skip ', '@include(if: "x") ', '@skip(if: true) @skip(if: false) ', '@deprecated ', '@include(iff: true) ', '@oneOf ', '@nope(id: 1.5) ']);
    }
    return out;
  }

  boolean() {
    return this.random.chance(0.6) ? this.random.pick(['true', 'false']) : this.variable('Boolean!');
  }

  args(all) {
    const out = [];
    for (const arg of all) {
      const required = isRequiredArgument(arg);
      if (this.bad(0.4) && required) continue;
      if (!required && !this.random.chance(all.length > 10 ? 0.06 : 0.4)) continue;
      const name = this.bad(0.4) ? this.typo(arg.name) : arg.name;
      out.push(`${name}: ${this.value(arg.type, 0)}`);
    }
    if (this.bad(0.2) && out.length) out.push(this.random.pick(out));
    if (this.bad(0.2)) out.push(`nope: ${this.random.pick(wrongLiterals)}`);
    return out.length ? `(${out.join(this.random.pick([', ', ' ']))})` : '';
  }

  variable(type) {
    const known = [...this.variables].filter(([, v]) => v.type === type);
    if (known.length && this.random.chance(0.3)) return `$${known[0][0]}`;
    const name = `v${this.variables.size}`;
    let shown = type;
    if (this.bad(0.6)) shown = this.random.pick(['Int', 'String!', `[${type.replace(/!$/, '')}]`, type.replace(/!$/, ''), this.typeName()]);
    this.variables.set(name, { type: shown, default: this.bad(0.3) ? ` = ${this.random.pick(wrongLiterals.filter((l) => !l.includes('$')))}` : '' });
    return this.bad(0.3) ? '$undefined' : `$${name}`;
  }

  value(type, depth, variables = true) {
    if (this.bad(0.4)) return this.random.pick(wrongLiterals);
    if (variables && this.random.chance(0.2)) return this.variable(String(type));
    if (isNonNullType(type)) {
      const value = this.value(type.ofType, depth, false);
      return value === 'null' ? this.value(type.ofType, depth, false) : value === 'null' ? '{}' : value;
    }
    if (!isNonNullType(type) && this.mischief && this.random.chance(0.05)) return 'null';
    if (isListType(type)) {
      if (this.random.chance(0.15) && !isNonNullType(type.ofType)) return this.value(type.ofType, depth, false);
      const count = this.random.below(3);
      return `[${Array.from({ length: count }, () => this.value(type.ofType, depth + 1)).join(', ')}]`;
    }
    if (isEnumType(type)) return this.bad() ? this.typo(type.getValues()[0].name) : this.random.pick(type.getValues()).name;
    if (isInputObjectType(type)) return this.object(type, depth);
    return this.random.pick(literals[type.name]);
  }

  object(type, depth) {
    const fields = Object.values(type.getFields());
    let chosen;
    if (type.isOneOf) {
      const flat = fields.filter((f) => isLeafType(getNamedType(f.type)));
      chosen = [this.random.pick(depth > 3 && flat.length ? flat : fields)];
      if (this.bad()) chosen.push(this.random.pick(fields));
      if (this.bad(0.5)) chosen = [];
    } else {
      const optional = depth > 3 ? 0 : Math.min(0.3, 4 / fields.length);
      chosen = fields.filter((f) => (isRequiredInputField(f) ? !this.bad(0.5) : this.random.chance(optional)));
    }
    const entries = chosen.map((f) => {
      const name = this.bad(0.5) ? this.typo(f.name) : f.name;
      const wanted = type.isOneOf ? getNullableType(f.type) : f.type;
      return `${name}: ${type.isOneOf && !this.bad() ? this.value(wanted, depth + 1, false).replace(/^null$/, '1') : this.value(wanted, depth + 1)}`;
    });
    if (this.bad(0.3) && entries.length) entries.push(this.random.pick(entries));
    return `{${entries.join(', ')}}`;
  }
}

// Breaks a document's text somewhere.
export function broken(source, random) {
  const at = random.below(source.length + 1);
  const noise = ['{', '}', '(', ')', '$', '!', '@', ':', '...', '..', '"', '"""', "'", '#', '\\', '\u0007', '\u00e9', '0', '01', '-', '.5', 'x', ' on ', ',', '|', '&', '=', '[', ']', '\u{1f600}', '\ufeff', '\r\n', '?'];
  switch (random.below(4)) {
    case 0: return source.slice(0, at);
    case 1: return source.slice(0, at) + source.slice(at + 1 + random.below(3));
    default: return source.slice(0, at) + random.pick(noise) + source.slice(at);
  }
}
