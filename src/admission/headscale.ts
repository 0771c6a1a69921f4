/** Admits the nodes of a headscale server (`-verify-headscale`). */
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { isJsonObject } from "../util/json.ts";
import { isLoopback } from "../util/ip.ts";
import { ApiHttp, listHeaders } from "./api_http.ts";
import { ApiSecret } from "./api_secret.ts";
import {
  addDevice,
  type Device,
  type DeviceList,
  type DeviceLister,
  expiryMs,
} from "./device_list.ts";
import { listedKey, listedName } from "./key_list.ts";
import { ListedSource } from "./listed_source.ts";

const log = logger("admission");

/** Since headscale 0.23; it lists all nodes in one answer. */
const PATH = "/api/v1/node";

export interface HeadscaleOptions {
  /** Where clients log in, without the path of the API. */
  readonly url: string;
  /** The file with the API key. */
  readonly keyFile: string;
  readonly clock: Clock;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
}

/** A source that asks headscale from now on. @throws TypeError where the URL isn't one */
export function headscaleSource(options: HeadscaleOptions): ListedSource {
  const lister = new HeadscaleLister(options);
  const { name } = lister;
  return new ListedSource({ kind: "headscale", name, lister, ...options });
}

class HeadscaleLister implements DeviceLister {
  readonly name: string;
  readonly #http: ApiHttp;
  readonly #key: ApiSecret;

  constructor({ url, keyFile, caCerts }: HeadscaleOptions) {
    const { origin, pathname, protocol, hostname } = new URL(url);
    const baseUrl = `${origin}${pathname.replace(/\/+$/, "")}`;
    this.name = `headscale at ${baseUrl}`;
    this.#http = new ApiHttp({
      name: this.name,
      baseUrl,
      flag: "-verify-headscale",
      caCerts,
    });
    this.#key = new ApiSecret(keyFile, "API key of headscale");
    if (protocol === "http:" && !isHere(hostname)) {
      log.warn(
        "the API key goes to {source} unencrypted: whoever is on the way can read it; give an https:// URL",
        { source: this.name },
      );
    }
  }

  async list(
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<DeviceList | undefined> {
    const key = await this.#key.read();
    const secrets = [key];
    const response = await this.#http.ask({
      path: PATH,
      headers: listHeaders(key, etag),
      secrets,
      advise: (status, text) => this.#advise(status, text),
    }, signal);
    const list = { name: "nodes", add: addNode, secrets };
    return await this.#http.readDevices(response, list, signal);
  }

  close(): void {
    this.#http.close();
  }

  #advise(status: number, text: string): string | undefined {
    // Up to 0.26 headscale answers a key that it doesn't know with status 500.
    if (status === 401 || status === 403 || text.trim() === "Unauthorized") {
      return `the API key in ${this.#key.name} is wrong or has expired: put a new one there, of "headscale apikeys create"`;
    }
    if (status === 404) {
      return "does -verify-headscale name headscale's server_url? It has to be version 0.23 or later";
    }
    return undefined;
  }
}

function addNode(byKey: Map<string, Device>, node: unknown): void {
  if (!isJsonObject(node)) return;
  const { nodeKey, givenName, name, expiry } = node;
  const key = listedKey(nodeKey);
  if (key === undefined) return; // it has never been logged in
  addDevice(byKey, key, {
    name: listedName(givenName) ?? listedName(name),
    expiresAtMs: expiryMs(expiry),
  });
}

/** Whether a URL's host name stays on this machine. */
function isHere(hostname: string): boolean {
  return hostname === "localhost" ||
    isLoopback(hostname.replace(/^\[|\]$/g, ""));
}
