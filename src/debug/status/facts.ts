/** What the status page is told of the parts that it doesn't know. */
import type { SourceStatus } from "../../admission/asked_source.ts";
import type { MetricSource } from "../metric_family.ts";
import type { ClientSession } from "./client_looks.ts";

/** All that it asks for; the functions are asked at each look. */
export interface StatusFacts {
  readonly version: string;
  /** Of this machine; undefined where the program may not ask for it. */
  readonly machine: string | undefined;
  /** Flag `-hostname`. */
  readonly hostname: string;
  readonly hasMeshKey: boolean;
  readonly uptimeSeconds: () => number;
  /** Resident memory of the process. */
  readonly memoryBytes: () => number;
  /** What keeps the relay from relaying; empty where nothing does. */
  readonly problems: () => readonly string[];
  readonly sessions: () => Iterable<ClientSession>;
  readonly metrics: MetricSource;
  /** Undefined where there is no TLS. */
  readonly certificate?: (() => CertificateFacts) | undefined;
  /** Undefined where nobody is verified. */
  readonly verification?: (() => readonly SourceStatus[]) | undefined;
  readonly meshLinks: () => readonly MeshLinkFacts[];
  readonly stun: StunFacts;
}

/** The certificate that is served, if any. */
export interface CertificateFacts {
  readonly served:
    | {
      readonly names: readonly string[];
      readonly notAfter: Date;
      readonly selfSigned: boolean;
      readonly daysLeft: number;
    }
    | undefined;
  /** Why there is none, or why a newer one wasn't taken. */
  readonly problem: string | undefined;
}

/** One link of the mesh. */
export interface MeshLinkFacts {
  readonly host: string;
  readonly state: "connecting" | "linked" | "down" | "self";
  readonly since: Date;
  /** Keys that the other relay has. */
  readonly clients: number;
  readonly roundTripMs: number | undefined;
  readonly lastError: string | undefined;
}

/** What STUN has counted since the start. */
export interface StunFacts {
  readonly successes: number;
  readonly unhealthy: number;
  readonly ipv4: number;
  readonly ipv6: number;
}
