/** Admits the devices of a tailnet by Tailscale's API (`-verify-tailscale-api`). */
import type { Clock } from "../util/clock.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { ApiHttp, type ApiQuestion, listHeaders } from "./api_http.ts";
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

const BASE_URL = "https://api.tailscale.com";
const FLAG = "-verify-tailscale-api";

/** Tokens are renewed that long before they end. */
const TOKEN_MARGIN_S = 60;

/** Of a token that comes without a word on it. */
const DEFAULT_TOKEN_S = 300;

export interface TailscaleApiOptions {
  /** As the admin console names it; "-" for the one of the OAuth client. */
  readonly tailnet: string;
  readonly clientIdFile: string;
  readonly clientSecretFile: string;
  readonly clock: Clock;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
  /** For tests; without a slash at its end. */
  readonly baseUrl?: string;
}

/** A source that asks Tailscale's API from now on. */
export function tailscaleApiSource(options: TailscaleApiOptions): ListedSource {
  const lister = new TailscaleLister(options);
  const { name } = lister;
  return new ListedSource({ kind: "tailscale-api", name, lister, ...options });
}

/** One word, as a header can have it. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** An OAuth client. */
interface Credentials {
  readonly id: string;
  readonly secret: string;
}

interface Token {
  readonly text: string;
  readonly endsAtMs: number;
  /** Whose it is. */
  readonly credentials: Credentials;
}

class TailscaleLister implements DeviceLister {
  readonly name: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #http: ApiHttp;
  readonly #id: ApiSecret;
  readonly #secret: ApiSecret;
  #token: Token | undefined;

  constructor(options: TailscaleApiOptions) {
    const { tailnet, caCerts, baseUrl = BASE_URL } = options;
    this.name = tailnet === "-"
      ? "Tailscale's API"
      : `Tailscale's API for ${JSON.stringify(tailnet)}`;
    this.#path = `/api/v2/tailnet/${encodeURIComponent(tailnet)}/devices`;
    this.#clock = options.clock;
    this.#http = new ApiHttp({
      name: this.name,
      baseUrl,
      flag: FLAG,
      caCerts,
    });
    this.#id = new ApiSecret(options.clientIdFile, "OAuth client id");
    this.#secret = new ApiSecret(
      options.clientSecretFile,
      "OAuth client secret",
    );
  }

  async list(
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<DeviceList | undefined> {
    const id = await this.#id.read();
    const credentials = { id, secret: await this.#secret.read() };
    const response = await this.#ask(credentials, etag, signal);
    const secrets = this.#secretsOf(credentials);
    const list = { name: "devices", add: addTailscaleDevice, secrets };
    return await this.#http.readDevices(response, list, signal);
  }

  close(): void {
    this.#http.close();
  }

  /** The answer with the list; a token that isn't good any more is renewed once. */
  async #ask(
    credentials: Credentials,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const token = this.#goodToken(credentials);
    if (token !== undefined) {
      const question = this.#question(token, etag);
      // Revoked, or made before the OAuth client got its scope.
      const pass = [401, 403];
      const response = await this.#http.ask({ ...question, pass }, signal);
      if (!pass.includes(response.status)) return response;
      await response.body?.cancel();
    }
    this.#token = undefined;
    this.#token = await this.#newToken(credentials, signal);
    return await this.#http.ask(this.#question(this.#token, etag), signal);
  }

  #goodToken({ id, secret }: Credentials): Token | undefined {
    const token = this.#token;
    const isGood = token !== undefined &&
      this.#clock.nowMs() < token.endsAtMs &&
      token.credentials.id === id && token.credentials.secret === secret;
    return isGood ? token : undefined;
  }

  /** There is no second page: the API lists all devices in one answer. */
  #question(
    { text, credentials }: Token,
    etag: string | undefined,
  ): ApiQuestion {
    return {
      path: this.#path,
      headers: listHeaders(text, etag),
      secrets: this.#secretsOf(credentials),
      advise: adviseOnList,
    };
  }

  async #newToken(
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<Token> {
    const { id, secret } = credentials;
    const askedAtMs = this.#clock.nowMs();
    const response = await this.#http.ask({
      path: "/api/v2/oauth/token",
      headers: { accept: "application/json" },
      form: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: id,
        client_secret: secret,
      }),
      secrets: this.#secretsOf(credentials),
      advise: (status) =>
        status === 400 || status === 401 || status === 403
          ? `are the id in ${this.#id.name} and the secret in ${this.#secret.name} of one OAuth client, and was it not revoked?`
          : undefined,
    }, signal);
    const answer = await this.#http.readSecretJson(response, signal);
    const { access_token: text, expires_in: seconds } = isJsonObject(answer)
      ? answer
      : {};
    if (typeof text !== "string" || !TOKEN.test(text)) {
      throw this.#http.error("answers with no access token");
    }
    const lifeS = typeof seconds === "number" && seconds > 0
      ? seconds
      : DEFAULT_TOKEN_S;
    const endsAtMs = askedAtMs + (lifeS - TOKEN_MARGIN_S) * 1000;
    return { text, endsAtMs, credentials };
  }

  #secretsOf({ id, secret }: Credentials): string[] {
    return this.#token === undefined
      ? [id, secret]
      : [id, secret, this.#token.text];
  }
}

function adviseOnList(status: number): string | undefined {
  switch (status) {
    case 401:
    case 403:
      return `the OAuth client needs the scope devices:core:read, and ${FLAG} has to name its tailnet, or be "-"`;
    case 404:
      return `${FLAG} has to name the tailnet of the OAuth client, or be "-"`;
    default:
      return undefined;
  }
}

/** Devices that are shared in from other tailnets count: for a tailscaled in the tailnet they do, too. */
function addTailscaleDevice(byKey: Map<string, Device>, device: unknown): void {
  if (!isJsonObject(device)) return;
  const { nodeKey, name, hostname, expires, keyExpiryDisabled } = device;
  const key = listedKey(nodeKey);
  if (key === undefined) return; // it has never been logged in
  addDevice(byKey, key, {
    name: listedName(name) ?? listedName(hostname),
    expiresAtMs: keyExpiryDisabled === true ? Infinity : expiryMs(expires),
    barred: whyBarred(device),
  });
}

/** What keeps a device out of its tailnet. */
function whyBarred(device: JsonObject): string | undefined {
  if (device.authorized !== true) return "isn't authorized";
  return device.tailnetLockError ? "isn't signed by tailnet lock" : undefined;
}
