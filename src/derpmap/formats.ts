/** A DERP map with one relay, as it is pasted: for Tailscale's policy file, for headscale, or as it is. */
import type { DerpNode } from "./node.ts";

/** A region with its only node. */
export interface OneNodeRegion {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly node: DerpNode;
}

/** A member of the policy file, in braces of its own; the file is JSON with comments, and so this is JSON. */
export function aclText(region: OneNodeRegion): string {
  const derpMap = { OmitDefaultRegions: false, ...regions(region) };
  return json({ derpMap });
}

/** A DERP map by itself, for `derp.urls` of headscale, and for derpprobe. */
export function jsonText(region: OneNodeRegion): string {
  return json(regions(region));
}

/** A file for `derp.paths` of headscale: YAML whose names are in lower case, or are ignored. */
export function headscaleText({ id, code, name, node }: OneNodeRegion): string {
  const fields = Object.entries(node).filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field.toLowerCase()}: ${scalar(value)}`);
  return `regions:
  ${id}:
    regionid: ${id}
    regioncode: ${scalar(code)}
    regionname: ${scalar(name)}
    nodes:
      - ${fields.join("\n        ")}
`;
}

function regions({ id, code, name, node }: OneNodeRegion) {
  const region = { RegionID: id, RegionCode: code, RegionName: name };
  return { Regions: { [id]: { ...region, Nodes: [node] } } };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Text is bare only where no version of YAML takes it for something else; in quotes JSON's is YAML's. */
function scalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const isPlain = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*$/i.test(value) &&
    !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(value);
  return isPlain ? value : quote(value);
}

/** With what YAML keeps out of its texts, and JSON doesn't, escaped. */
function quote(value: string): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
