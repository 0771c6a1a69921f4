/** What people get wrong in a DERP map: its regions and their names. */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { type CheckedNode, checkNode, reportMissingId } from "./check_node.ts";
import { FieldReader, MAP_FIELDS, REGION_FIELDS, show } from "./fields.ts";
import type { MapFile } from "./map_file.ts";

/** What a map has, for the checks that need more than the file. */
export interface CheckedMap {
  readonly regionCount: number;
  readonly nodes: readonly CheckedNode[];
}

const FIRST_REGION = 900;
const LAST_REGION = 999;
/** Tailscale's own map has some 100; more would be aliases of YAML. */
const MAX_NODES = 1_000;

/** Checks all that the file alone tells; adds a line to `mistakes` for each mistake. */
export function checkMap(
  { form, map, path }: MapFile,
  mistakes: string[],
): CheckedMap {
  const reader = new FieldReader(form, path, mistakes);
  const { Regions } = reader.read(map, MAP_FIELDS);
  if (!isJsonObject(Regions) || Object.keys(Regions).length === 0) {
    reader.report(
      "Regions",
      `there is none; write a region with its number before it, as in ${FIRST_REGION}: ...`,
    );
    return { regionCount: 0, nodes: [] };
  }
  const checker = new RegionsChecker(reader.at(reader.spell("Regions")));
  checker.check(Regions);
  return checker;
}

/** Goes through the regions, and keeps what must not come twice. */
class RegionsChecker implements CheckedMap {
  regionCount = 0;
  readonly nodes: CheckedNode[] = [];
  readonly #reader: FieldReader;
  /** Where each name was seen first, by its field. */
  readonly #seen = new Map<string, string>();

  constructor(reader: FieldReader) {
    this.#reader = reader;
  }

  check(regions: JsonObject): void {
    for (const [key, region] of Object.entries(regions)) {
      const reader = this.#reader.at(key);
      if (region === null) { // switches one of Tailscale's off
        if (isOwn(Number(key))) reader.report(undefined, "it is empty");
        continue;
      }
      if (!isJsonObject(region)) {
        reader.report(undefined, `${show(region)} is no region`);
        continue;
      }
      this.regionCount++;
      this.#checkRegion(region, { key, reader });
      if (this.nodes.length >= MAX_NODES) {
        reader.report(undefined, `only ${MAX_NODES} nodes are checked`);
        return;
      }
    }
  }

  #checkRegion(
    region: JsonObject,
    { key, reader }: { key: string; reader: FieldReader },
  ): void {
    const id = /^\d{1,15}$/.test(key) ? Number(key) : undefined;
    if (id === undefined) {
      reader.report(undefined, "a region is called by its number, as in 900");
    } else if (!isOwn(id)) {
      reader.report(
        undefined,
        `a region of your own has a number from ${FIRST_REGION} to ${LAST_REGION}, all others are Tailscale's`,
      );
    }
    const fields = reader.read(region, REGION_FIELDS);
    const { RegionID, RegionCode, RegionName, Nodes } = fields;
    if (RegionID === undefined) {
      reportMissingId(reader, id);
    } else if (id !== undefined && RegionID !== id) {
      reader.report("RegionID", `${RegionID} is not ${id}, as the region`);
    }
    if (RegionID === id) this.#once(reader, "RegionID", id);
    for (
      const [field, text] of [
        ["RegionCode", RegionCode],
        ["RegionName", RegionName],
      ] as const
    ) {
      if (!text) reader.report(field, "it is missing");
      this.#once(reader, field, text);
    }
    this.#checkNodes(Nodes, { id: id ?? RegionID, reader });
  }

  #checkNodes(
    nodes: unknown,
    { id, reader }: { id: number | undefined; reader: FieldReader },
  ): void {
    if (!Array.isArray(nodes)) {
      reader.report(
        "Nodes",
        nodes === undefined || nodes === null
          ? "there are none, so nobody can use the region"
          : `${show(nodes)} is no list of nodes`,
      );
      return;
    }
    if (nodes.length === 0) {
      reader.report("Nodes", "it is empty, so nobody can use the region");
    }
    const list = reader.at(reader.spell("Nodes"));
    for (const [index, node] of nodes.entries()) {
      if (this.nodes.length >= MAX_NODES) return;
      const at = list.at(index);
      if (!isJsonObject(node)) {
        at.report(undefined, `${show(node)} is no node`);
        continue;
      }
      const checked = checkNode(node, { reader: at, regionId: id });
      this.#once(at, "Name", checked.name);
      this.nodes.push(checked);
    }
  }

  #once(
    reader: FieldReader,
    field: string,
    value: string | number | undefined,
  ): void {
    if (value === undefined || value === "") return;
    const name = `${field} ${value}`;
    const first = this.#seen.get(name);
    if (first === undefined) this.#seen.set(name, reader.path);
    else reader.report(field, `${show(value)} is that of ${first} already`);
  }
}

function isOwn(id: number): boolean {
  return id >= FIRST_REGION && id <= LAST_REGION;
}
