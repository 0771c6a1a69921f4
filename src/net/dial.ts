/** Connections to other relays, with verified TLS or without TLS. */
import { messageOf } from "../util/error_message.ts";
import { OperatorError } from "../util/operator_error.ts";
import type { Conn } from "./conn.ts";
import { DenoConn } from "./deno_conn.ts";

/** Where the usual systems keep the certificates that they trust. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, Arch, OpenWrt
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/ssl/cert.pem",
];

export interface DialTarget {
  /** The name that the certificate must have. */
  readonly host: string;
  readonly port: number;
  /** The name or address to connect to. */
  readonly dialHost: string;
}

/** How a connection is made. */
export interface DialOptions {
  readonly caCerts: string[];
  readonly signal: AbortSignal;
  /** Takes a trusted certificate with whatever names; only for who says that it has the wrong ones. */
  readonly anyName?: boolean;
}

/** Connects without TLS; rejects when `signal` aborts before that. */
export async function dialTcp(
  { port, dialHost }: Omit<DialTarget, "host">,
  signal: AbortSignal,
): Promise<Conn> {
  const tcp = await Deno.connect({ hostname: dialHost, port, signal });
  tcp.setNoDelay();
  return new DenoConn(tcp);
}

/** Connects and finishes the TLS handshake; rejects when `signal` aborts before that. */
export async function dialTls(
  target: DialTarget,
  options: DialOptions,
): Promise<Conn> {
  const { host, port, dialHost } = target;
  const { signal } = options;
  const tcp = await Deno.connect({ hostname: dialHost, port, signal });
  const tls = await startTls(tcp, host, options);
  const conn = new DenoConn(tls);
  const abort = () => conn.close();
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted(); // it came before there was a listener
    await tls.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Not by connectTls: with Nagle's algorithm on, single packets are late. */
async function startTls(
  tcp: Deno.TcpConn,
  hostname: string,
  { caCerts, anyName = false }: DialOptions,
): Promise<Deno.TlsConn> {
  try {
    tcp.setNoDelay();
    return await Deno.startTls(tcp, {
      hostname,
      caCerts,
      unsafelyDisableHostnameVerification: anyName,
    });
  } catch (error) {
    tcp.close();
    throw error;
  }
}

/**
 * The certificates to trust besides the runtime's own: the file that DENO_CERT
 * names, which a compiled program doesn't read by itself, else the system's.
 *
 * @throws OperatorError for a file that can't be used
 */
export async function readCaCerts(
  denoCert: string | undefined,
): Promise<string[]> {
  if (denoCert) return [await readNamed(denoCert)];
  for (const path of SYSTEM_BUNDLES) {
    try {
      return [await Deno.readTextFile(path)];
    } catch {
      continue; // another system's
    }
  }
  return [];
}

async function readNamed(path: string): Promise<string> {
  const remedy = "set DENO_CERT to a PEM file with the CA's certificate";
  const where = `Cannot use "${path}" (DENO_CERT)`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new OperatorError(`${where}: ${messageOf(cause)}; ${remedy}`, {
      cause,
    });
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new OperatorError(`${where}: it holds no certificate; ${remedy}`);
}
