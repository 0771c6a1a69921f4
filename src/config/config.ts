/** The relay's configuration. */
import type { MeshKey } from "../keys/mesh_key.ts";
import type { ListenAddress, MeshTarget } from "./addresses.ts";

/** What `/` shows. */
export type Home =
  | { readonly kind: "default" }
  | { readonly kind: "blank" }
  | { readonly kind: "redirect"; readonly url: string };

/** All that the flags say, checked; frozen. */
export interface Config {
  readonly listen: ListenAddress;
  /** HTTPS on the port of `listen`, else plain HTTP. */
  readonly tls: boolean;
  /** Plain HTTP beside HTTPS; absent where there is none. */
  readonly httpPort?: number;
  /** UDP; absent where STUN is off. */
  readonly stunPort?: number;
  readonly derp: boolean;
  /** The name or IP address in the certificate. */
  readonly hostname: string;
  readonly certDir: string;
  /** Absent where the key is to be thrown away. */
  readonly keyFile?: string;
  readonly home: Home;
  /** At most one of `meshPskFile` and `meshKey` is there. */
  readonly meshPskFile?: string;
  readonly meshKey?: MeshKey;
  /** Only with a mesh key; the relay itself may be among them. */
  readonly meshWith: readonly MeshTarget[];
  readonly verifyClients?: { readonly socket: string };
  readonly verifyClientUrl?: {
    readonly url: string;
    readonly failOpen: boolean;
  };
  readonly tcpKeepAliveMs: number;
  /** 0 leaves it to the system. */
  readonly tcpUserTimeoutMs: number;
  /** 0 is no limit. */
  readonly tcpWriteTimeoutMs: number;
  readonly dev: boolean;
}
