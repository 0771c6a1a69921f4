/** Which certificates a relay serves, and which version of TLS it chooses, trusted or not. */
import type { CertificateChain } from "../certs/chain.ts";
import { parseCertificate, type ParsedCertificate } from "../certs/x509.ts";
import { ConnectionLostError, writeAll } from "../net/conn.ts";
import { parseIp } from "../util/ip.ts";
import { type Dial, withConn } from "./dialer.ts";
import { encodeClientHello } from "./tls_client_hello.ts";
import { ServerFlight } from "./tls_server_flight.ts";

/** How the common name of the meta certificate begins (`derpconst.MetaCertCommonNamePrefix`). */
const META_NAME = /derpkey([0-9a-f]{64})/;
const BUFFER_BYTES = 16 * 1024;
const RANDOM_BYTES = 64;

/** What was seen of it. */
export interface ServedChain {
  /** As on the wire; undefined where the server refused. */
  readonly version: number | undefined;
  /** The alert it refused with. */
  readonly alert: number | undefined;
  /** Without the meta certificate; undefined where TLS 1.3 alone is spoken, or none could be read. */
  readonly chain: CertificateChain | undefined;
  /** The relay's key in the meta certificate, in hexadecimal. */
  readonly metaKey: string | undefined;
}

/**
 * Begins two handshakes and ends neither: one that offers all versions, and,
 * where the server chose TLS 1.3, one without it that shows the certificates.
 *
 * @throws NotTlsError, and what the connection throws
 */
export async function readServedChain(
  dial: Dial,
  serverName: string,
  signal: AbortSignal,
): Promise<ServedChain> {
  const name = parseIp(serverName) === undefined ? serverName : undefined;
  const first = await sayHello(dial, { name, offersTls13: true }, signal);
  const { version, alert } = first;
  if (alert !== undefined) {
    return { version, alert, chain: undefined, metaKey: undefined };
  }
  const certificates = first.certificates ??
    (await sayHello(dial, { name, offersTls13: false }, signal)).certificates;
  const parsed = (certificates ?? []).map(parse);
  const isMeta = (certificate: ParsedCertificate | undefined) =>
    certificate !== undefined && metaKeyOf(certificate) !== undefined;
  const meta = parsed.find(isMeta);
  const [leaf, ...others] = parsed.filter((one) => !isMeta(one));
  return {
    version,
    alert,
    chain: leaf && [leaf, ...others.filter((one) => one !== undefined)],
    metaKey: meta && metaKeyOf(meta),
  };
}

async function sayHello(
  dial: Dial,
  hello: { name: string | undefined; offersTls13: boolean },
  signal: AbortSignal,
): Promise<ServerFlight> {
  return await withConn(dial, signal, async (conn) => {
    const flight = new ServerFlight();
    const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
    const { name: serverName, offersTls13 } = hello;
    await writeAll(
      conn,
      encodeClientHello({ serverName, offersTls13, random }),
    );
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (!flight.isDone) {
      const bytes = await conn.read(buffer);
      if (bytes === null) {
        throw new ConnectionLostError("the server closed the connection");
      }
      flight.push(buffer.subarray(0, bytes));
    }
    return flight;
  });
}

/** Undefined for what can't be read: clients skip what they don't need. */
function parse(bytes: Uint8Array): ParsedCertificate | undefined {
  try {
    return parseCertificate(bytes);
  } catch {
    return undefined;
  }
}

/** The subject is DER, and its text stands in it as it is. */
function metaKeyOf({ subject }: ParsedCertificate): string | undefined {
  return META_NAME.exec(new TextDecoder("latin1").decode(subject))?.[1];
}
