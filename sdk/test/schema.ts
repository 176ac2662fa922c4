/** The contract, read from its one place, as checks. */

import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

type Node = { [key: string]: unknown; properties?: Record<string, unknown> };

export const schema = JSON.parse(readFileSync(new URL("../../schemas/beacon.schema.json", import.meta.url), "utf8")) as Node;

/** The schema lets unknown fields pass, for clients to come; one of ours would be a typing error. */
function closed(node: unknown, name = ""): unknown {
  if (Array.isArray(node)) return node.map((one) => closed(one));
  if (typeof node !== "object" || node === null) return node;
  const copy: Node = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value, key)]));
  if (copy.properties && name !== "properties") copy.additionalProperties = false;
  return copy;
}

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
const check = ajv.compile({ ...(closed(schema) as Node), $id: "closed" });

/** What is wrong with a beacon; empty when it is as the schema says and has no other field. */
export const complaints = (beacon: unknown): string[] =>
  check(beacon)
    ? []
    : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);

const event = (schema.$defs as { event: { properties: Record<string, { enum?: string[]; pattern?: string }> } }).event;
/** The units that the schema names. */
export const UNITS = event.properties.unit!.enum!;
/** The pattern of a metric's name. */
export const METRIC = new RegExp(event.properties.metric!.pattern!);
