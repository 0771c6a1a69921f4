/** The relay's configuration. */
import type { EabKey } from "../keys/eab_key.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import type { IpRange } from "../util/ip_range.ts";
import type { BootstrapName, ListenAddress, MeshTarget } from "./addresses.ts";

/** What `/` shows. */
export type Home =
  | { readonly kind: "default" }
  | { readonly kind: "blank" }
  | { readonly kind: "not-found" }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "redirect"; readonly url: string };

/** Where the certificate comes from. */
export type CertificateOrigin =
  /** `<hostname>.crt` and `<hostname>.key` in a directory. */
  | { readonly kind: "manual"; readonly certDir: string }
  /** Two files, whatever they are called. */
  | {
    readonly kind: "files";
    readonly certFile: string;
    readonly keyFile: string;
  }
  | AcmeOrigin;

/** An ACME server, and how to be known there. */
export interface AcmeOrigin {
  readonly kind: "acme";
  /** URL of the server's directory object. */
  readonly directory: string;
  /** For the account and its certificates. */
  readonly certDir: string;
  readonly email?: string;
  readonly eab?: { readonly kid: string; readonly hmacKey: EabKey };
  /** Certificates for the relay's own IP addresses too, or for them alone where the host name is one. */
  readonly ipCerts: boolean;
}

/** A setec server that has the mesh key. */
export interface SecretsSource {
  readonly url: string;
  /** For example `prod/derp/meshkey`. */
  readonly secretName: string;
  /** The cache file itself: derper's -secrets-cache-dir is no directory, in spite of its name. */
  readonly cachePath: string;
}

/** Who says which clients may use the relay; there is at least one source. */
export interface Verification {
  /** Unix sockets of tailscaleds, or directories with such a socket. */
  readonly sockets: readonly string[];
  /** Of admission controllers. */
  readonly urls: readonly string[];
  /** Whether clients are let in while an admission controller can't be reached. */
  readonly urlFailOpen: boolean;
  /** A list of node keys. */
  readonly keysFile?: string;
  /** A headscale server, and the file with an API key of it. */
  readonly headscale?: { readonly url: string; readonly keyFile: string };
  /** A tailnet, `-` for that of the OAuth client, whose id and secret are in files. */
  readonly tailscaleApi?: {
    readonly tailnet: string;
    readonly clientIdFile: string;
    readonly clientSecretFile: string;
  };
  readonly policy: VerificationPolicy;
  /** How long an admission counts without another question; 0 for not at all. */
  readonly cacheTtlMs: number;
  /** How long one counts while its source fails; 0 for not at all. */
  readonly staleTtlMs: number;
  /** How often established clients are asked about again; 0 for never. */
  readonly reverifyIntervalMs: number;
}

/** Who has to admit a client: one source of each kind (derper's rule), any source, or all of them. */
export type VerificationPolicy = "each-kind" | "any" | "all";

/** Values of `-log-level`, from the one that writes most. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
/** Values of `-log-format`. */
export const LOG_FORMATS = ["text", "json"] as const;

type LogLevel = typeof LOG_LEVELS[number];
type LogFormat = typeof LOG_FORMATS[number];

/** All that the flags say, checked; frozen. */
export interface Config {
  readonly listen: ListenAddress;
  /** Of HTTPS on the port of `listen`; absent where that is plain HTTP. */
  readonly certificate?: CertificateOrigin;
  /** Plain HTTP beside HTTPS; absent where there is none. */
  readonly httpPort?: number;
  /** UDP; absent where STUN is off. */
  readonly stunPort?: number;
  /** STUN is silent while the relay can't relay. */
  readonly stunHealthGate: boolean;
  /** For Prometheus and health checks; absent where they are off. */
  readonly metricsAddress?: ListenAddress;
  /** Who may say whose requests are; absent: nobody. */
  readonly trustedProxies?: {
    readonly ranges: readonly IpRange[];
    /** Who comes by the unix socket. */
    readonly unix: boolean;
  };
  /** Another process may listen on the same ports, to take over. */
  readonly reusePort: boolean;
  readonly derp: boolean;
  /** The name or IP address in the certificate. */
  readonly hostname: string;
  /** Absent where the key is to be thrown away. */
  readonly keyFile?: string;
  readonly home: Home;
  /** At most one of `meshPskFile`, `meshKey` and `secrets` is there. */
  readonly meshPskFile?: string;
  readonly meshKey?: MeshKey;
  readonly secrets?: SecretsSource;
  /** Only with a mesh key; the relay itself may be among them. */
  readonly meshWith: readonly MeshTarget[];
  /** Absent where nobody is verified. */
  readonly verification?: Verification;
  /** New TLS connections; absent where there is no limit. */
  readonly accept?: { readonly perSecond: number; readonly burst: number };
  readonly rateConfigFile?: string;
  readonly bootstrapDns: {
    readonly published: readonly string[];
    /** Answered by name, and not shown in the list. */
    readonly unpublished: readonly BootstrapName[];
  };
  readonly tcpKeepAliveMs: number;
  /** 0 leaves it to the system. */
  readonly tcpUserTimeoutMs: number;
  /** 0 is no limit. */
  readonly tcpWriteTimeoutMs: number;
  /** Over which clients are closed before the end; 0 closes them together. */
  readonly drainMs: number;
  /** Which log lines there are, and what they look like. */
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
  readonly dev: boolean;
}
