// Print the types of the webhooks in @clerk/backend as JSON: `node webhook_types.mjs FOLDER`.
// `npm install @clerk/backend typescript@5` was run in FOLDER. TypeScript's own checker resolves the types.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2]);
const require = createRequire(join(folder, "index.js"));
const ts = require("typescript");
const options = { strict: true, module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };
const { resolvedModule } = ts.resolveModuleName("@clerk/backend/webhooks", join(folder, "index.mts"), options, ts.sys);
const program = ts.createProgram([resolvedModule.resolvedFileName], options);
const checker = program.getTypeChecker();
const module = checker.getSymbolAtLocation(program.getSourceFile(resolvedModule.resolvedFileName));

const types = {}; // each object type by its name: its keys, with what TypeScript says of their values

function only(flag, type) {
  return (type.isUnion() ? type.types : [type]).filter((part) => part.flags & flag);
}

// Return the name of an object type with known keys, and take its keys into `types`. Null for any other type.
function named(type, place) {
  if (checker.isArrayType(type)) return named(checker.getTypeArguments(type)[0], place);
  const [object] = only(ts.TypeFlags.Object | ts.TypeFlags.Intersection, type);
  if (object === undefined) return null;
  if (object !== type) return named(object, place); // the rest of the union is null, undefined or plain
  const properties = checker.getPropertiesOfType(type);
  if (checker.getIndexInfosOfType(type).length || !properties.length) return null; // metadata: any key
  const own = type.aliasSymbol?.name ?? type.symbol?.name ?? "__type";
  const name = own === "__type" ? place : own;
  if (!(name in types)) {
    types[name] = {};
    for (const property of properties) types[name][property.name] = described(property, `${name}.${property.name}`);
  }
  return name;
}

function described(property, place) {
  const type = checker.getTypeOfSymbol(property);
  // An import that cannot be resolved is `any`, and would hide every key behind it.
  if (type.flags & ts.TypeFlags.Any) throw new Error(`the type of ${place} is unknown`);
  return {
    text: checker.typeToString(checker.getNonNullableType(type), undefined, ts.TypeFormatFlags.NoTruncation),
    optional: Boolean(property.flags & ts.SymbolFlags.Optional),
    nullable: only(ts.TypeFlags.Null, type).length > 0,
    values: only(ts.TypeFlags.StringLiteral, type).map((literal) => literal.value),
    type: named(type, place),
  };
}

const events = {};
const event = checker.getExportsOfModule(module).find((symbol) => symbol.name === "WebhookEvent");
const union = checker.getDeclaredTypeOfSymbol(event.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(event) : event);
for (const member of union.types) {
  const data = named(checker.getTypeOfSymbol(member.getProperty("data")), "data");
  for (const { value } of only(ts.TypeFlags.StringLiteral, checker.getTypeOfSymbol(member.getProperty("type")))) {
    events[value] = data;
  }
}
const { version } = require("@clerk/backend/package.json");
console.log(JSON.stringify({ source: `@clerk/backend ${version}`, payload: named(union.types[0], "payload"), events, types }));
