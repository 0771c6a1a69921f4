/** `derper derpmap`: finds out what the flags of the relay don't say, and makes the text of its map. */
import type { CertificateFacts } from "../certs/provider.ts";
import type { DerpmapLine, RelayPlace } from "../config/derpmap_line.ts";
import {
  aclText,
  headscaleText,
  jsonText,
  type OneNodeRegion,
} from "../derpmap/formats.ts";
import { derpNode } from "../derpmap/node.ts";
import { publicAddresses } from "../derpmap/public_addresses.ts";
import { nearAddress } from "./local_relay.ts";

/** What is found out on the relay's machine. */
export interface RelayMachine {
  /** The addresses of its interfaces. */
  addresses(): string[];
  /** The addresses of a name, none where there is no such name; rejects where nobody can tell. */
  resolve(name: string): Promise<readonly string[]>;
  /** Whether a host answers captive portal checks on that port. Never rejects. */
  answersCaptiveCheck(host: string, port: number): Promise<boolean>;
  /** What the relay's certificate file holds, or why nobody can tell. */
  certificate(relay: RelayPlace): Promise<CertificateFacts | string>;
}

/** The map, and what an operator should know about it, a line each. */
export interface MapText {
  readonly text: string;
  readonly notes: readonly string[];
}

type MapLine = Extract<DerpmapLine, { kind: "map" }>;

const TEXT = { acl: aclText, headscale: headscaleText, json: jsonText };

const USE: Readonly<Record<MapLine["format"], string>> = {
  acl:
    'put "derpMap" into the policy file beside its other members; one that is there already gets the region alone',
  headscale:
    "write this to a file that derp.paths of headscale's config.yaml names, and restart headscale",
  json: "serve this for derp.urls of headscale, or give it to derpprobe",
};

/** The port of captive portal checks, whatever -http-port says. */
const CAPTIVE_PORT = 80;
const ANYWHERE = /^(?:0\.0\.0\.0|::)$/;

/** Makes the map of the relay. */
export async function mapText(
  { relay, region, format }: MapLine,
  machine: RelayMachine,
): Promise<MapText> {
  const { hostname, derpPort, stunPort, derp } = relay;
  const notes: string[] = [];
  const certificate = relay.certificate && await machine.certificate(relay);
  if (typeof certificate === "string") notes.push(certificate);
  const chosen = await addresses(relay, machine, notes);
  const canPort80 = await canUsePort80(chosen.ipv4 ?? hostname, {
    relay,
    machine,
  });
  if (!canPort80 && relay.httpPort !== undefined) {
    notes.push(
      `port ${CAPTIVE_PORT} doesn't answer captive portal checks, so CanPort80 is left out; start the relay first, with -http-port ${CAPTIVE_PORT}`,
    );
  }
  const node = derpNode({ hostname, derpPort, stunPort }, {
    name: region.nodeName,
    regionId: region.id,
    certificate: typeof certificate === "string" ? undefined : certificate,
    ipv4: chosen.ipv4,
    ipv6: chosen.ipv6,
    stunOnly: !derp,
    canPort80,
  });
  const { id, code, name } = region;
  const one: OneNodeRegion = { id, code, name, node };
  return { text: TEXT[format](one), notes: [...notes, USE[format]] };
}

async function addresses(
  { hostname, listenHost }: RelayPlace,
  machine: RelayMachine,
  notes: string[],
): Promise<{ ipv4?: string | undefined; ipv6?: string | undefined }> {
  const isBound = listenHost !== undefined && !ANYWHERE.test(listenHost);
  const own = isBound ? [listenHost] : machine.addresses();
  let resolved: readonly string[] = [];
  try {
    resolved = await machine.resolve(hostname);
  } catch {
    // Said as a name that leads nowhere; the map is good nevertheless.
  }
  const { notes: found, ...chosen } = publicAddresses({
    hostname,
    own,
    resolved,
  });
  notes.push(...found);
  return chosen;
}

/** From here the public address may be out of reach though it is open to others, so the relay itself counts too. */
async function canUsePort80(
  publicHost: string,
  { relay, machine }: { relay: RelayPlace; machine: RelayMachine },
): Promise<boolean> {
  const { httpPort, listenHost } = relay;
  if (await machine.answersCaptiveCheck(publicHost, CAPTIVE_PORT)) return true;
  if (httpPort !== CAPTIVE_PORT) return false;
  const host = nearAddress(listenHost);
  return await machine.answersCaptiveCheck(host, CAPTIVE_PORT);
}
