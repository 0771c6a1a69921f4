/** What people get wrong in a node of a DERP map, as far as the file alone tells. */
import { hostnameIp } from "../certs/names.ts";
import { isPublicIp, parseIp, parseIpv4 } from "../util/ip.ts";
import type { JsonObject } from "../util/json.ts";
import {
  type FieldReader,
  type FieldValues,
  NODE_FIELDS,
  show,
} from "./fields.ts";
import { hostNameMistake } from "./host_name.ts";
import { DEFAULT_PORT, NO_STUN } from "./node.ts";

/** A node whose fields were checked; what can't be used is undefined. */
export interface CheckedNode {
  readonly reader: FieldReader;
  readonly name: string | undefined;
  /** A DNS name or an IP address. */
  readonly hostName: string | undefined;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  /** What clients make of the fields. */
  readonly derpPort: number;
  readonly stunPort: number;
}

type Fields = FieldValues<typeof NODE_FIELDS>;

const HTTP_PORT = 80;
const MAX_PORT = 65_535;
/** Switches an address family off. */
const NONE = "none";
const PRIVATE = "is private, nodes elsewhere can't reach it";

/** Checks a node of the region with that number. */
export function checkNode(
  node: JsonObject,
  { reader, regionId }: { reader: FieldReader; regionId: number | undefined },
): CheckedNode {
  const fields = reader.read(node, NODE_FIELDS);
  if (!fields.Name) reader.report("Name", "it is missing");
  checkRegionId(fields, { reader, regionId });
  checkPorts(fields, reader);
  checkTestFields(fields, reader);
  checkCertName(fields, reader);
  const ipv4 = address("IPv4", { fields, reader });
  const ipv6 = address("IPv6", { fields, reader });
  if (fields.IPv4 === NONE && fields.IPv6 === NONE) {
    reader.report(undefined, "without IPv4 and IPv6 nobody can reach it");
  }
  return {
    reader,
    name: fields.Name,
    hostName: hostName(fields, reader),
    ipv4,
    ipv6,
    derpPort: fields.DERPPort || DEFAULT_PORT.DERPPort,
    stunPort: fields.STUNPort || DEFAULT_PORT.STUNPort,
  };
}

function checkRegionId(
  { RegionID }: Fields,
  { reader, regionId }: { reader: FieldReader; regionId: number | undefined },
): void {
  if (RegionID === undefined) {
    reportMissingId(reader, regionId);
  } else if (regionId !== undefined && RegionID !== regionId) {
    reader.report(
      "RegionID",
      `${RegionID} is not that of its region, ${regionId}`,
    );
  }
}

/** Clients take a missing number for 0, and fail in ways that don't show it (tailscale/tailscale#9526). */
export function reportMissingId(
  reader: FieldReader,
  id: number | undefined,
): void {
  const advice = id === undefined ? "" : `, write ${id}`;
  reader.report("RegionID", `it is missing${advice}`);
}

function hostName(
  { HostName }: Fields,
  reader: FieldReader,
): string | undefined {
  const mistake = HostName
    ? hostNameMistake(HostName)
    : "it is missing, write the name of the relay, or its IP address";
  if (mistake === undefined) {
    if (parseIp(HostName!) && !isPublicIp(HostName!)) {
      reader.report("HostName", `${HostName} ${PRIVATE}`);
    }
    return HostName;
  }
  const shown = HostName ? `${show(HostName)}: ` : "";
  reader.report("HostName", shown + mistake);
  return undefined;
}

function checkPorts(fields: Fields, reader: FieldReader): void {
  const { DERPPort, STUNPort } = fields;
  for (const field of ["DERPPort", "STUNPort"] as const) {
    const port = fields[field];
    const mistake = port === undefined ? undefined : portMistake(field, port);
    if (mistake !== undefined) reader.report(field, `${port} ${mistake}`);
  }
  const isSwapped = DERPPort === DEFAULT_PORT.STUNPort ||
    STUNPort === DEFAULT_PORT.DERPPort;
  if (isSwapped) {
    const usual = `usual are ${
      reader.spell("DERPPort")
    } ${DEFAULT_PORT.DERPPort} (TCP) and ${
      reader.spell("STUNPort")
    } ${DEFAULT_PORT.STUNPort} (UDP)`;
    reader.report(undefined, `the ports are mixed up, ${usual}`);
    return;
  }
  // Who changes one of them often forgets the other (tailscale/tailscale#11180).
  for (
    const [field, other] of [
      ["DERPPort", "STUNPort"],
      ["STUNPort", "DERPPort"],
    ] as const
  ) {
    const port = fields[other];
    const isOwn = port !== undefined && port > 0 && port <= MAX_PORT &&
      port !== DEFAULT_PORT[other];
    if (fields[field] === undefined && isOwn) {
      reader.report(
        field,
        `it is missing and so ${DEFAULT_PORT[field]}, with ${
          reader.spell(other)
        } ${port}; write it if that is right`,
      );
    }
  }
}

function portMistake(
  field: keyof typeof DEFAULT_PORT,
  port: number,
): string | undefined {
  const isStun = field === "STUNPort";
  if (port === 0) {
    const off = isStun ? `, or ${NO_STUN} for no STUN` : "";
    return `means ${DEFAULT_PORT[field]}, write that${off}`;
  }
  if (port === NO_STUN && isStun) return undefined;
  if (port < 0 || port > MAX_PORT) {
    return `is no port, they go from 1 to ${MAX_PORT}`;
  }
  return port === HTTP_PORT && !isStun
    ? "is the port of plain HTTP, DERP is on that of HTTPS"
    : undefined;
}

/** Tests of Tailscale switch checks off by these. */
function checkTestFields(fields: Fields, reader: FieldReader): void {
  if (fields.InsecureForTests) {
    reader.report(
      "InsecureForTests",
      "anybody could pass for the relay; leave it out, CertName pins a self-signed certificate",
    );
  }
  if (fields.STUNTestIP) {
    reader.report("STUNTestIP", "it is for tests alone, leave it out");
  }
}

function checkCertName({ CertName }: Fields, reader: FieldReader): void {
  if (!CertName) return;
  const [, pin] = /^sha256-raw:(.*)$/is.exec(CertName) ?? [];
  const mistake = pin === undefined
    ? hostNameMistake(CertName)
    : /^sha256-raw:[0-9a-f]{64}$/.test(CertName)
    ? undefined
    : "a pin is sha256-raw: and 64 hexadecimal digits in lower case";
  if (mistake !== undefined) {
    reader.report("CertName", `${show(CertName)}: ${mistake}`);
  }
}

function address(
  field: "IPv4" | "IPv6",
  { fields, reader }: { fields: Fields; reader: FieldReader },
): string | undefined {
  const text = fields[field];
  if (!text || text === NONE) return undefined;
  const isIpv4 = parseIpv4(text) !== undefined;
  const isIp = parseIp(text) !== undefined && !text.includes("%");
  if (!isIp || isIpv4 !== (field === "IPv4")) {
    reader.report(
      field,
      `${
        show(text)
      } is no ${field} address, so clients use none; leave it out to have them look the name up`,
    );
    return undefined;
  }
  if (!isPublicIp(text) && hostnameIp(fields.HostName ?? "") === undefined) {
    reader.report(field, `${text} ${PRIVATE}`);
  }
  return text;
}
