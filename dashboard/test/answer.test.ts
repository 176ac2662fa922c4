import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Struct {
  flattened: string[];
  /** Name to type, as TypeScript writes it; an optional one ends in `?`. */
  fields: Record<string, string>;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** The type that serde's JSON of a Rust type has in TypeScript. */
function asTypeScript(rust: string): string {
  const inner = (of: string) => asTypeScript(rust.slice(of.length + 1, -1));
  if (rust.startsWith("Option<")) return inner("Option");
  if (rust.startsWith("Vec<")) return `${inner("Vec")}[]`;
  if (rust.startsWith("BTreeMap<String, ")) return `Record<string, ${asTypeScript(rust.slice("BTreeMap<String, ".length, -1))}>`;
  if (rust === "serde_json::Value") return "unknown";
  if (rust.startsWith("(")) return `[${rust.slice(1, -1).split(", ").map(asTypeScript).join(", ")}]`;
  if (/^(u32|u64|usize|f64)$/.test(rust)) return "number";
  return /^(String|&'static str|At)$/.test(rust) ? "string" : rust;
}

function rustStructs(source: string): Record<string, Struct> {
  return Object.fromEntries(
    [...source.matchAll(/pub struct (\w+) \{\n([\s\S]*?)\n\}/g)].map(([, name = "", body = ""]) => {
      const struct: Struct = { flattened: [], fields: {} };
      for (const [, attributes = "", field = "", type = ""] of body.matchAll(/((?:\s*(?:\/\/\/|#\[).*\n)*)\s*pub (\w+): (.+),/g)) {
        if (attributes.includes("flatten")) struct.flattened.push(type);
        else struct.fields[field + (attributes.includes("skip_serializing_if") ? "?" : "")] = asTypeScript(type);
      }
      return [name, struct];
    }),
  );
}

function typeScriptInterfaces(source: string): Record<string, Struct> {
  return Object.fromEntries(
    [...source.matchAll(/export interface (\w+)(?: extends ([\w, ]+))? \{\n([\s\S]*?)\n?\}/g)].map(
      ([, name = "", bases = "", body = ""]) => {
        const fields = [...body.matchAll(/^ {2}(\w+\??): (.+);$/gm)].map(([, field = "", type = ""]) => [
          field,
          type === "Unit" ? "string" : type,
        ]);
        return [name, { flattened: bases === "" ? [] : bases.split(", "), fields: Object.fromEntries(fields) as Record<string, string> }];
      },
    ),
  );
}

test("every answer of the API has the fields here that answer.rs gives it", () => {
  const rust = rustStructs(read("../../api/src/answer.rs"));
  expect(Object.keys(rust).length).toBeGreaterThan(20);
  expect(typeScriptInterfaces(read("../src/answer.ts"))).toEqual(rust);
});
