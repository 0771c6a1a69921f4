/** The rules for flags that go beyond their types. */
import {
  certNameMistake,
  httpUrlMistake,
  isPort,
  type ListenAddress,
  type Mistake,
  parseListenAddress,
  parseMeshTarget,
} from "./addresses.ts";
import type { Config, Home } from "./config.ts";
import type { FLAGS } from "./flags.ts";
import { formatGoDuration } from "./go_duration.ts";
import { type FlagValues, invalid, type ParsedFlags } from "./go_flag.ts";
import { MESH_KEY_VARIABLE, parseMeshKey } from "./mesh_psk.ts";
import type { Surroundings } from "./surroundings.ts";

type Values = FlagValues<typeof FLAGS>;

const DEV_ADDRESS = ":3340";
const ROOT_KEY_FILE = "/var/lib/derper/derper.key";
const TAILSCALED_SOCKET = "/var/run/tailscale/tailscaled.sock";
const HTTPS_PORT = 443;

/** Linux takes no longer idle time for TCP_KEEPIDLE, and it counts whole seconds. */
const MAX_KEEP_ALIVE_MS = 32_767_000;
/** Linux takes TCP_USER_TIMEOUT as a 32-bit number of milliseconds, timers likewise. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** What Go makes of a keep-alive time of 0. */
const GO_KEEP_ALIVE_MS = 15_000;

/** What becomes of a command line whose flags have values of their types. */
export interface MadeConfig {
  /** Of use only where there are no problems. */
  readonly config: Config;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Checks `flags` against each other and the surroundings. */
export function makeConfig(
  flags: ParsedFlags<typeof FLAGS>,
  from: Surroundings,
): MadeConfig {
  const rules = new Rules(flags, from);
  const config = rules.config();
  return { config, problems: rules.problems, notes: rules.notes };
}

/** One method for each part of the configuration; where a rule is broken it notes the problem and goes on. */
class Rules {
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  readonly #values: Values;
  readonly #given: ReadonlyMap<string, string>;
  readonly #from: Surroundings;

  constructor(flags: ParsedFlags<typeof FLAGS>, from: Surroundings) {
    this.#values = flags.values;
    this.#given = flags.given;
    this.#from = from;
  }

  config(): Config {
    const values = this.#values;
    const listen = this.#listen();
    const tls = listen.port === HTTPS_PORT || values.certmode === "manual";
    this.#checkCertificate(tls);
    this.#noteUnused(tls);
    return freeze({
      listen,
      tls,
      ...this.#httpPort(listen, tls),
      ...this.#stunPort(),
      derp: values.derp,
      hostname: values.hostname,
      certDir: values.certdir,
      ...this.#keyFile(),
      home: this.#home(),
      ...this.#mesh(),
      ...this.#verification(),
      tcpKeepAliveMs: this.#duration("tcp-keepalive-time", MAX_KEEP_ALIVE_MS) ||
        GO_KEEP_ALIVE_MS,
      tcpUserTimeoutMs: this.#duration("tcp-user-timeout", MAX_TIMEOUT_MS),
      tcpWriteTimeoutMs: this.#duration("tcp-write-timeout", MAX_TIMEOUT_MS),
      dev: values.dev,
    });
  }

  /** Notes the mistake that the value of `flag` has, if any. */
  #check(flag: keyof Values, mistake: Mistake | undefined): void {
    if (mistake === undefined) return;
    const text = this.#given.get(flag) ?? String(this.#values[flag]);
    this.problems.push(invalid(flag, text, mistake));
  }

  #listen(): ListenAddress {
    const { dev, a } = this.#values;
    const address = parseListenAddress(dev ? DEV_ADDRESS : a);
    if (typeof address !== "string") return address;
    this.#check("a", address);
    return { port: 0 };
  }

  #checkCertificate(tls: boolean): void {
    const { certmode, certdir, hostname } = this.#values;
    const isAcme = certmode === "letsencrypt" || certmode === "gcp";
    if (certmode !== "manual" && !isAcme) {
      this.#check("certmode", "it takes manual, letsencrypt or gcp");
    }
    if (!tls) return;
    if (isAcme) {
      this.#check(
        "certmode",
        "it is the default and not supported yet, use -certmode manual with the files in -certdir",
      );
    }
    if (certdir === "") {
      this.#check("certdir", "name the directory of the certificate");
    }
    this.#check("hostname", certNameMistake(hostname));
  }

  #httpPort(listen: ListenAddress, tls: boolean): { httpPort?: number } {
    const port = this.#values["http-port"];
    if (port === -1) return {};
    if (!isPort(port)) {
      this.#check("http-port", "it takes a port from 0 to 65535, or -1");
    } else if (tls && port === listen.port && port !== 0) {
      this.#check("http-port", "-a has this port already, give another, or -1");
    }
    return tls ? { httpPort: port } : {};
  }

  #stunPort(): { stunPort?: number } {
    const { stun, "stun-port": port } = this.#values;
    if (!stun) return {};
    if (!isPort(port)) {
      this.#check(
        "stun-port",
        "it takes a port from 0 to 65535, and -stun=false turns STUN off",
      );
    }
    return { stunPort: port };
  }

  #keyFile(): { keyFile?: string } {
    const { dev, c } = this.#values;
    if (dev) return {};
    if (c !== "") return { keyFile: c };
    if (this.#from.uid === 0) {
      this.notes.push(`No -c given, using key file "${ROOT_KEY_FILE}"`);
      return { keyFile: ROOT_KEY_FILE };
    }
    this.#check(
      "c",
      "name the file for the private key of the relay, as in -c derper.key; it is made where it is missing",
    );
    return {};
  }

  #home(): Home {
    const { home } = this.#values;
    if (home === "") return { kind: "default" };
    if (home === "blank") return { kind: "blank" };
    if (httpUrlMistake(home) === undefined) {
      return { kind: "redirect", url: asciiUrl(home) };
    }
    this.#check("home", 'it takes "blank", or a URL with http:// or https://');
    return { kind: "default" };
  }

  #mesh(): Pick<Config, "meshPskFile" | "meshKey" | "meshWith"> {
    const key = this.#meshKey();
    const list = this.#values["mesh-with"];
    if (list === "") return { ...key, meshWith: [] };
    const targets = list.split(",").map((entry) =>
      parseMeshTarget(entry.trim())
    );
    for (const target of targets) {
      if (typeof target === "string") this.#check("mesh-with", target);
    }
    if (!this.#meshKeyGiven()) {
      const source = this.#values.dev ? MESH_KEY_VARIABLE : "-mesh-psk-file";
      this.#check("mesh-with", `a mesh needs a key, give it with ${source}`);
    }
    return { ...key, meshWith: targets.filter((t) => typeof t !== "string") };
  }

  /** As derper, -dev takes the mesh key from the environment and from nowhere else. */
  #meshKeyGiven(): string {
    const { dev, "mesh-psk-file": file } = this.#values;
    return dev ? this.#from.env(MESH_KEY_VARIABLE) ?? "" : file;
  }

  #meshKey(): Pick<Config, "meshPskFile" | "meshKey"> {
    const given = this.#meshKeyGiven();
    if (given === "") return {};
    if (!this.#values.dev) return { meshPskFile: given };
    const key = parseMeshKey(given);
    if (typeof key !== "string") return { meshKey: key };
    this.problems.push(
      `Invalid mesh key in the environment variable ${MESH_KEY_VARIABLE}: ${key}`,
    );
    return {};
  }

  #verification(): Pick<Config, "verifyClients" | "verifyClientUrl"> {
    const values = this.#values;
    const url = values["verify-client-url"];
    const failOpen = values["verify-client-url-fail-open"];
    if (url !== "") this.#check("verify-client-url", httpUrlMistake(url));
    return {
      ...values["verify-clients"] &&
        { verifyClients: { socket: values.socket || TAILSCALED_SOCKET } },
      ...url !== "" && { verifyClientUrl: { url, failOpen } },
    };
  }

  /** Whole milliseconds, rounded up: what is little must not become 0, which means something else. */
  #duration(
    flag: "tcp-keepalive-time" | "tcp-user-timeout" | "tcp-write-timeout",
    maxMs: number,
  ): number {
    const durationMs = this.#values[flag];
    if (durationMs < 0) {
      this.#check(flag, "a time can't be negative");
    } else if (durationMs > maxMs) {
      this.#check(flag, `it can't be over ${formatGoDuration(maxMs)}`);
    }
    return Math.ceil(durationMs);
  }

  /** Harmless for derper and so for us, but not what the operator thinks. */
  #noteUnused(tls: boolean): void {
    const { dev, stun, ...values } = this.#values;
    const unused: readonly (readonly [keyof Values, boolean, string])[] = [
      ["a", dev, `with -dev, which listens on ${DEV_ADDRESS}`],
      ["c", dev, "with -dev, which throws its key away"],
      ["mesh-psk-file", dev, `with -dev, which takes ${MESH_KEY_VARIABLE}`],
      ["http-port", !tls, "without TLS"],
      ["certdir", !tls, "without TLS"],
      ["stun-port", !stun, "with -stun=false"],
      ["socket", !values["verify-clients"], "without -verify-clients"],
      [
        "verify-client-url-fail-open",
        values["verify-client-url"] === "",
        "without -verify-client-url",
      ],
    ];
    for (const [flag, isUnused, why] of unused) {
      const text = this.#given.get(flag);
      if (text === undefined || !isUnused) continue;
      this.notes.push(`-${flag} ${JSON.stringify(text)} has no effect ${why}`);
    }
  }
}

/** As it was typed where a header can hold it, for escaping may change what it means to a server. */
function asciiUrl(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}

/** Freezes `value` and the plain objects and arrays in it. */
function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) freeze(part);
  }
  return Object.freeze(value);
}
