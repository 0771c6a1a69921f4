/** The fields of a DERP map (`tailcfg` of Tailscale), and how their names are written. */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import type { MapForm } from "./map_file.ts";

/** What a field holds. */
export type FieldType = "text" | "integer" | "number" | "boolean" | "any";

/** The fields of one kind of object, by the names that JSON has. */
export type FieldTable = Readonly<Record<string, FieldType>>;

/** The values of a table's fields; what is missing or of another type is undefined. */
export type FieldValues<T extends FieldTable> = {
  readonly [N in keyof T]: T[N] extends "text" ? string | undefined
    : T[N] extends "boolean" ? boolean | undefined
    : T[N] extends "any" ? unknown
    : number | undefined;
};

export const MAP_FIELDS = {
  HomeParams: "any",
  OmitDefaultRegions: "boolean",
  Regions: "any",
} as const satisfies FieldTable;

export const REGION_FIELDS = {
  RegionID: "integer",
  RegionCode: "text",
  RegionName: "text",
  Latitude: "number",
  Longitude: "number",
  Avoid: "boolean",
  NoMeasureNoHome: "boolean",
  Nodes: "any",
} as const satisfies FieldTable;

export const NODE_FIELDS = {
  Name: "text",
  RegionID: "integer",
  HostName: "text",
  CertName: "text",
  IPv4: "text",
  IPv6: "text",
  STUNPort: "integer",
  STUNOnly: "boolean",
  DERPPort: "integer",
  InsecureForTests: "boolean",
  STUNTestIP: "text",
  CanPort80: "boolean",
} as const satisfies FieldTable;

const WANTED: Readonly<Record<FieldType, string>> = {
  text: "text",
  integer: "a whole number without quotes",
  number: "a number without quotes",
  boolean: "true or false without quotes",
  any: "",
};

/** Of a value that is shown in a message. */
const SHOWN_CHARACTERS = 60;

/** An object of the file: where it is, and who hears of its mistakes. */
export class FieldReader {
  readonly form: MapForm;
  readonly path: string;
  readonly #mistakes: string[];

  constructor(form: MapForm, path: string, mistakes: string[]) {
    this.form = form;
    this.path = path;
    this.#mistakes = mistakes;
  }

  /** The same for what `name` holds, or the element with that number. */
  at(name: string | number): FieldReader {
    return new FieldReader(this.form, this.#pathOf(name), this.#mistakes);
  }

  /** How a field is written in this file. */
  spell(field: string): string {
    return this.form === "headscale" ? field.toLowerCase() : field;
  }

  /** Notes a mistake in a field, or in the object as a whole. */
  report(field: string | undefined, what: string): void {
    const path = field === undefined
      ? this.path
      : this.#pathOf(this.spell(field));
    this.#mistakes.push(path === "" ? what : `${path}: ${what}`);
  }

  /** The fields of `table` in `object`; notes names that are none, and values of other types. */
  read<T extends FieldTable>(object: JsonObject, table: T): FieldValues<T> {
    const values: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(object)) {
      const field = this.#fieldCalled(name, table);
      if (field === undefined || value === null) continue; // null says nothing
      const typed = this.#typed(table[field]!, value);
      if (typed === undefined) {
        this.report(field, `${show(value)} is not ${WANTED[table[field]!]}`);
      }
      values[field] = typed;
    }
    return values as FieldValues<T>;
  }

  /** The field that a name stands for; what is nearly one is a mistake, and taken for it. */
  #fieldCalled(name: string, table: FieldTable): string | undefined {
    const fields = Object.keys(table);
    const letters = (text: string) =>
      text.toLowerCase().replace(/[^a-z0-9]/g, "");
    const field = fields.find((field) => letters(field) === letters(name));
    const isRight = field !== undefined && name === this.spell(field) ||
      name === "omitDefaultRegions" && this.form !== "headscale"; // Go's own
    if (isRight) return field;
    this.#mistakes.push(
      `${this.#pathOf(name)}: ${
        field === undefined
          ? `there is no such field, there are ${
            fields.map((field) => this.spell(field)).join(", ")
          }`
          : `write ${this.spell(field)}`
      }`,
    );
    return field;
  }

  /** YAML makes numbers of texts that look so, and headscale texts of them again. */
  #typed(type: FieldType, value: unknown): unknown {
    const isScalar = !isJsonObject(value) && !Array.isArray(value);
    switch (type) {
      case "any":
        return value;
      case "text":
        if (this.form === "headscale" && isScalar) return String(value);
        return typeof value === "string" ? value : undefined;
      case "integer":
        return Number.isSafeInteger(value) ? value : undefined;
      case "number":
        return typeof value === "number" ? value : undefined;
      case "boolean":
        return typeof value === "boolean" ? value : undefined;
      default:
        return type satisfies never;
    }
  }

  #pathOf(name: string | number): string {
    if (typeof name === "number") return `${this.path}[${name}]`;
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

/** A value as messages have it; what is in an object or a list may have no end. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isJsonObject(value)) return "an object";
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS
    ? `${text.slice(0, SHOWN_CHARACTERS)}...`
    : text;
}
