/** The text of a file with a DERP map: which of the three forms it has, and what is in it. */
// @ts-types="./jsonc.d.ts"
import { parse as parseJsonc } from "@std/jsonc/parse";
// @ts-types="./yaml.d.ts"
import { parse as parseYaml } from "@std/yaml/parse";
import { messageOf } from "../util/error_message.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { duplicateKeys } from "./duplicate_keys.ts";

/** Tailscale's policy file, the map by itself, or the file of headscale's `derp.paths`. */
export type MapForm = "acl" | "json" | "headscale";

/** A map whose fields nobody has checked yet. */
export interface MapFile {
  readonly form: MapForm;
  readonly map: JsonObject;
  /** Where in the file it is: empty, or the name of what it is in. */
  readonly path: string;
}

/** A map, where there is one, and the mistakes that were found on the way. */
export interface ReadMap {
  readonly file?: MapFile;
  readonly mistakes: readonly string[];
}

interface Parsed {
  readonly value?: unknown;
  readonly mistakes: readonly string[];
}

const NO_MAP =
  'there is no DERP map: a policy file has "derpMap" at its top, a map has "Regions", that of headscale "regions"';

/** Reads the text of a file called `name`. */
export function readMapFile(text: string, name: string): ReadMap {
  const start = /^\ufeff?(?:\s|\/\/.*|\/\*[^]*?\*\/)*/.exec(text)![0].length;
  // A policy's member without braces, as one copies it from there.
  const isMember = /^"[^"\n]*"\s*:\s*\{/.test(text.slice(start));
  const isJson = isMember || text[start] === "{";
  const { value, mistakes } = isJson
    ? readJson(isMember ? inBraces(text, start) : text)
    : readYaml(text);
  if (value === undefined) return { mistakes };
  const file = findMap(value, isJson);
  if (file === undefined) return { mistakes: [...mistakes, NO_MAP] };
  const found = [...mistakes, ...misplaced(file, name)];
  if (file.form === "headscale") found.push(...quotedNumbers(text));
  return { file, mistakes: found };
}

/** The lines stay what they are. */
function inBraces(text: string, start: number): string {
  return `${text.slice(0, start)}{${text.slice(start).replace(/\s*$/, "")}\n}`;
}

function readJson(text: string): Parsed {
  try {
    const value = parseJsonc(text.replace(/^\ufeff/, ""));
    return { value, mistakes: duplicateKeys(text) };
  } catch (error) {
    const message = messageOf(error);
    const [, what = message, at] =
      /^(?:Cannot parse JSONC: )?(.*?)(?: in JSONC at position (\d+))?$/s
        .exec(message)!;
    const where = at === undefined
      ? "the end"
      : `line ${lineAt(text, Number(at))}`;
    return { mistakes: [`${where}: this is no JSON: ${what}`] };
  }
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

function readYaml(text: string): Parsed {
  // The parser takes tabs for less than they are; headscale's refuses them.
  const tab = text.split("\n").findIndex((line) => /^ *\t\s*[^\s#]/.test(line));
  if (tab >= 0) {
    return { mistakes: [`line ${tab + 1}: YAML is indented by spaces alone`] };
  }
  try {
    return { value: parseYaml(text), mistakes: [] };
  } catch (error) {
    const mistake = yamlMistake(error);
    try { // headscale wouldn't, but there may be more to say
      const value = parseYaml(text, { allowDuplicateKeys: true });
      return { value, mistakes: [mistake] };
    } catch {
      return { mistakes: [mistake] };
    }
  }
}

function yamlMistake(error: unknown): string {
  const [first = ""] = messageOf(error).split("\n");
  const [, what = first, line] = /^(.*?)(?: at line (\d+),.*)?$/.exec(first)!;
  const isTwice = what.includes("duplicated key");
  return `${line === undefined ? "the file" : `line ${line}`}: ${
    isTwice ? "this name is there twice" : `this is no YAML: ${what}`
  }`;
}

function findMap(value: unknown, isJson: boolean): MapFile | undefined {
  if (!isJsonObject(value)) return undefined;
  for (const [name, part] of Object.entries(value)) {
    if (/^derp_?map$/i.test(name) && isJsonObject(part)) {
      return { form: "acl", map: part, path: name };
    }
  }
  const names = Object.keys(value);
  if (!names.some((name) => name.toLowerCase() === "regions")) return undefined;
  const isLower = !isJson || names.includes("regions");
  return { form: isLower ? "headscale" : "json", map: value, path: "" };
}

/** What is right, but not there, or not under this name. */
function misplaced({ form, path }: MapFile, name: string): string[] {
  if (form === "acl" && path !== "derpMap") {
    return [`${path}: write derpMap`];
  }
  if (form === "json" && /\.ya?ml$/i.test(name)) {
    return [
      "Regions: in a file of derp.paths headscale ignores this spelling, write all names in lower case",
    ];
  }
  return [];
}

/** headscale takes a region's number in quotes for text, and refuses the whole file. */
function quotedNumbers(text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    const [, number] = /^[\s{,]*(["']\d+["'])\s*:/.exec(line) ?? [];
    return number === undefined
      ? []
      : [`line ${index + 1}: write ${number} without quotes`];
  });
}
