// ProtoJSON as graphql-js' resolvers want it: objects by the schema's names, with what is absent filled in as the mapping says.
import {getNamedType, getNullableType, isEnumType, isListType, isUnionType} from 'graphql';
import protobuf from 'protobufjs';
import {jsonName} from './replies.mjs';

const camel = (name) => name.replace(/_(\w)/g, (_, c) => c.toUpperCase());
const pascal = (name) => camel(`_${name}`);
const isWrapper = (type) => /^\.google\.protobuf\.\w+Value$/.test(type.fullName) && type.fields?.value && type.name !== 'Value';
const isOwnJson = (type) => /^\.google\.protobuf\.(Timestamp|Duration|FieldMask|Struct|Value|ListValue|Any)$/.test(type.fullName);
// The shortest decimal that is this float.
function float(value) {
  const rounded = Math.fround(value);
  for (let digits = 1; digits < 9; ++digits) {
    if (Math.fround(Number(rounded.toPrecision(digits))) === rounded) return Number(rounded.toPrecision(digits));
  }
  return Number(rounded.toPrecision(9));
}
const wide = /^(u?int64|sint64|s?fixed64|uint32|fixed32)$/;

export class Values {
  // `join(typeName, fieldName, message)` gives what a join finds.
  constructor(schema, join) {
    this.schema = schema;
    this.join = join;
  }

  object(type, gql, json) {
    const out = {__typename: gql.name};
    const used = new Set();
    for (const field of type.fieldsArray) {
      field.resolve();
      const name = [camel(field.name), jsonName(field), field.name].find((each) => gql.getFields()[each]);
      const of = gql.getFields()[name];
      if (!of || (field.partOf && !field.partOf.name.startsWith('_') && isUnionType(getNamedType(of.type)))) continue;
      used.add(name);
      out[name] = this.field(field, of.type, json[jsonName(field)]);
    }
    for (const oneof of type.oneofsArray) {
      const of = gql.getFields()[camel(oneof.name)];
      if (!of || used.has(camel(oneof.name))) continue;
      used.add(camel(oneof.name));
      out[camel(oneof.name)] = this.union(oneof, getNamedType(of.type), json);
    }
    for (const name of Object.keys(gql.getFields())) {
      if (!used.has(name) && name !== '_') out[name] = () => this.join(gql.name, name, json);
    }
    return out;
  }

  union(oneof, gql, json) {
    const field = oneof.fieldsArray.find((each) => json[jsonName(each)] !== undefined);
    if (!field) return null;
    field.resolve();
    const box = gql.getTypes().find((each) => each.name.endsWith(pascal(oneof.name) + pascal(field.name)) && Object.keys(each.getFields()).length === 1);
    if (box) return {__typename: box.name, [camel(field.name)]: this.field(field, Object.values(box.getFields())[0].type, json[jsonName(field)])};
    const type = gql.getTypes().find((each) => each.name === field.resolvedType.name) ?? gql.getTypes().find((each) => each.name.endsWith(field.resolvedType.name));
    return this.object(field.resolvedType, type, json[jsonName(field)]);
  }

  field(field, type, value) {
    const nullable = getNullableType(type);
    if (field.map) {
      const entry = getNamedType(nullable);
      const [keyType, valueType] = [entry.getFields().key.type, entry.getFields().value.type];
      // The wire has the entries in the order of the JSON; integers come first there, as JavaScript has it in its objects.
      return Object.entries(value ?? {}).map(([key, item]) => ({
        __typename: entry.name,
        key: getNamedType(keyType).name === 'Boolean' ? key === 'true' : getNamedType(keyType).name === 'Int' ? Number(key) : key,
        value: this.one(field, valueType, item),
      }));
    }
    if (isListType(nullable)) return (value ?? []).map((item) => this.one(field, nullable.ofType, item));
    if (value === undefined) return this.absent(field, nullable);
    return this.one(field, type, value);
  }

  absent(field, nullable) {
    const hasPresence = field.options?.proto3_optional || field.partOf || (field.resolvedType instanceof protobuf.Type);
    if (hasPresence) return null;
    if (isEnumType(getNamedType(nullable))) return this.enumeration(field, getNamedType(nullable), 0);
    if (field.resolvedType) return null;
    if (field.type === 'string' || field.type === 'bytes') return '';
    if (field.type === 'bool') return false;
    return wide.test(field.type) ? '0' : 0;
  }

  one(field, type, value) {
    const named = getNamedType(type);
    const message = field.resolvedType;
    if (message instanceof protobuf.Enum) return message.name === 'NullValue' ? null : this.enumeration(field, named, value);
    if (message && isWrapper(message)) return this.scalar(message.fields.value.type, value);
    if (message && isOwnJson(message)) return value;
    if (message) return this.object(message, named, value);
    return this.scalar(field.type, value);
  }

  scalar(type, value) {
    if (type === 'double' || type === 'float') return typeof value === 'string' ? Number(value) : type === 'float' ? float(value) : value;
    return wide.test(type) ? String(value) : value;
  }

  enumeration(field, gql, number) {
    const names = Object.entries(field.resolvedType.values).filter(([, n]) => n === number).map(([name]) => name);
    for (const value of gql.getValues()) {
      if (names.some((name) => name === value.name || name.endsWith(`_${value.name}`))) return value.value;
    }
    if (names.some((name) => name.endsWith('_UNSPECIFIED'))) return null;
    return number;
  }
}
