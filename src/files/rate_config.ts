/** The file of `-rate-config`: how much each client may send. */
import { isJsonObject } from "../util/json.ts";
import { OperatorError } from "../util/operator_error.ts";
import { type NamedFile, readSmallFile } from "./small_file.ts";

const MAX_BYTES = 64 * 1024;
/** The largest number that derper takes. */
const MAX_UINT64 = 2 ** 64;

const BYTES_PER_SECOND = "PerClientRateLimitBytesPerSec";
const BURST_BYTES = "PerClientRateBurstBytes";
const EXAMPLE = `{"${BYTES_PER_SECOND}": 1000000, "${BURST_BYTES}": 2000000}`;

/** What the file says; 0 is what it doesn't say. */
export interface RateConfig {
  /** 0 for no limit. */
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

/**
 * Reads the file at `path`.
 *
 * @throws OperatorError
 */
export async function readRateConfig(path: string): Promise<RateConfig> {
  const file: NamedFile = {
    path,
    what: "rate config",
    remedy: "let the user that runs the relay read it, or name another file",
  };
  const read = await readSmallFile(file, MAX_BYTES);
  const config = read ? parseRateConfig(read.text) : "it does not exist";
  if (typeof config !== "string") return config;
  throw new OperatorError(
    `Cannot use rate config ${
      JSON.stringify(path)
    }: ${config}; it takes JSON such as ${EXAMPLE}`,
  );
}

/** The limits in `text`, or what is wrong with it. As with Go, names may be in any case and unknown ones are ignored. */
export function parseRateConfig(text: string): RateConfig | string {
  if (text.trim() === "") return "it is empty";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "it isn't JSON";
  }
  if (json !== null && !isJsonObject(json)) return "it isn't a JSON object";
  const config = { bytesPerSecond: 0, burstBytes: 0 };
  for (const [name, value] of Object.entries(json ?? {})) {
    const field = fieldOf(name);
    if (field === undefined || value === null) continue;
    if (!isUint64(value)) {
      return `${name} is ${quote(value)}, not a whole number from 0 on`;
    }
    config[field] = value;
  }
  return config;
}

function fieldOf(name: string): keyof RateConfig | undefined {
  switch (name.toLowerCase()) {
    case BYTES_PER_SECOND.toLowerCase():
      return "bytesPerSecond";
    case BURST_BYTES.toLowerCase():
      return "burstBytes";
    default:
      return undefined;
  }
}

function isUint64(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) &&
    value >= 0 && value < MAX_UINT64;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
