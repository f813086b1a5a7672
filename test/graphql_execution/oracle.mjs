// What npm's graphql answers over the same data: to a query or mutation one result, to a subscription one an event.
import {execute, getNamedType, getNullableType, isListType, subscribe} from 'graphql';
import {Values} from './values.mjs';

export class Oracle {
  constructor(schema, root, world) {
    this.schema = schema;
    this.root = root;
    this.world = world;
    this.breaks = 0; // streams that broke off after an event
    // Which names a root field of an rpc may have, the most particular first.
    this.names = new Map();
    for (const service of world.services) {
      const prefix = lowerFirst(service.split('.').pop());
      for (const {name} of root.lookupService(service).methodsArray) {
        const bare = name.replace(/^Get(?=[A-Z])/, '');
        this.names.set(`${service}/${name}`, [prefix + bare, prefix + name, lowerFirst(bare), lowerFirst(name)]);
      }
    }
  }

  // `asked`: {document, variableValues, operationName}.
  async run(kind, asked, replies) {
    const {schema} = this;
    if (kind !== 'subscription') return [await execute({schema, ...asked, rootValue: this.rootValue(kind, replies)})];
    const events = await subscribe({schema, ...asked, rootValue: this.sources(replies)});
    if (!(Symbol.asyncIterator in events)) return [events];
    const results = [];
    try {
      for await (const result of events) results.push(result);
    } catch (error) {
      this.breaks += 1;
      // graphql-js leaves it to its caller how this is told. It is told as a source that fails from the start.
      results.push(await subscribe({schema, ...asked, rootValue: this.sources(replies, error)}));
    }
    return results;
  }

  rpcOf(field) {
    for (const place of [0, 1, 2, 3]) {
      for (const [rpc, names] of this.names) if (names[place] === field) return rpc;
    }
    throw new Error(`no rpc is called as ${field}`);
  }

  fields(type) {
    return Object.values(type.getFields()).filter((field) => field.name !== '_');
  }

  rootValue(kind, replies) {
    const values = this.values(replies);
    const type = kind === 'mutation' ? this.schema.getMutationType() : this.schema.getQueryType();
    return Object.fromEntries(this.fields(type).map((field) => [field.name, (args) => {
      const rpc = this.rpcOf(field.name);
      failIf(replies.error(rpc));
      if (replies.isDocument(rpc)) return {contentType: 'text/plain', data: btoa('a page'), extensions: []};
      const json = this.world.loaders[rpc] ? replies.loaded(rpc, args) : replies.reply(rpc);
      const reply = replies.method(rpc).resolvedResponseType;
      const inside = this.world.unwrapped[rpc];
      if (inside) return values.object(reply, {name: '', getFields: () => ({[inside]: field})}, json)[inside];
      return values.object(reply, getNamedType(field.type), json);
    }]));
  }

  // `broken`: what each source fails with at once.
  sources(replies, broken) {
    const values = this.values(replies);
    return Object.fromEntries(this.fields(this.schema.getSubscriptionType()).map((field) => [field.name, () => {
      failIf(broken);
      const rpc = this.rpcOf(field.name);
      const {messages, error} = replies.stream(rpc);
      if (!messages.length) failIf(error);
      return events(messages.map((json) => ({[field.name]: values.object(replies.method(rpc).resolvedResponseType, getNamedType(field.type), json)})), error);
    }]));
  }

  values(replies) {
    const values = new Values(this.schema, (typeName, field, message) => {
      const {key, rpc} = this.world.joins[field] ?? unknown(typeName, field);
      const {type: fieldType} = this.schema.getType(typeName).getFields()[field];
      const type = getNamedType(fieldType);
      const item = (json) => values.object(replies.itemType(rpc), type, json);
      const find = (id) => {
        failIf(replies.error(rpc));
        const found = replies.found(rpc, id);
        if (Array.isArray(found)) return found.map(item);
        return found || !this.world.loaders[rpc].items ? item(found ?? {}) : null;
      };
      const id = message[key];
      if (Array.isArray(id)) return id.map((each) => (each ? late(() => find(each)) : null));
      if (id) return find(id);
      return isListType(getNullableType(fieldType)) ? [] : null;
    });
    return values;
  }
}

async function* events(payloads, error) {
  yield* payloads;
  failIf(error);
}

function failIf(error) {
  if (error) throw new Error(error.message);
}

// An item that throws is its own item's error: graphql-js takes an Error in a list as that.
function late(make) {
  try {
    return make();
  } catch (error) {
    return error;
  }
}

function unknown(typeName, field) {
  throw new Error(`${typeName}.${field} is neither of the contract nor a join`);
}

const lowerFirst = (name) => name[0].toLowerCase() + name.slice(1);
