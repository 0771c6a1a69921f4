/** `-certmode manual`: reads the certificate of the relay's host from two files, and checks it. */
import { logger } from "../log/log.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { equalBytes } from "../util/bytes.ts";
import {
  type CertificateChain,
  checkOrder,
  factsOf,
  parseChain,
} from "./chain.ts";
import { OperatorError } from "../util/operator_error.ts";
import {
  makeSmallFile,
  type NamedFile,
  readSmallFile,
} from "../files/small_file.ts";
import { makeMetaCert } from "./meta_cert.ts";
import { hostnameIp, isForHostname, listNames } from "./names.ts";
import { formatPem } from "./pem.ts";
import { parsePrivateKey } from "./private_key.ts";
import { ServedCertificate } from "./provider.ts";
import { makeSelfSigned } from "./self_signed.ts";
import type { ParsedCertificate } from "./x509.ts";

/** Where the files are, and what the certificate has to be good for. */
export interface ManualOptions {
  readonly certDir: string;
  /** Names the two files directly (-cert-file, -key-file); then nothing is looked for in `certDir`, nor made. */
  readonly files?: ManualPair | undefined;
  /** DNS name or IP address. */
  readonly hostname: string;
  /** Goes into the meta certificate. */
  readonly serverKey: NodePublic;
  readonly now: Date;
}

/** One string for each of the two files: its path, or its text. */
export interface ManualPair {
  readonly cert: string;
  readonly key: string;
}

/** Over any chain: clients refuse one of more than 256 KiB. */
const MAX_BYTES = 1024 * 1024;
const CERT_MODE = 0o644;
const KEY_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** Messages stay readable where a certificate has hundreds of names. */
const NAMES_TOLD = 10;

/**
 * Reads both files; undefined where there is neither and a pair may be made.
 *
 * @throws OperatorError
 */
export async function readManualPair(
  options: ManualOptions,
): Promise<ManualPair | undefined> {
  const { hostname } = options;
  const paths = manualPaths(options);
  const cert = await readPem(pemFile("certificate", options));
  const key = await readPem(pemFile("private key", options));
  if (cert !== undefined && key !== undefined) return { cert, key };
  const mayMake = options.files === undefined &&
    hostnameIp(hostname) !== undefined;
  if (cert === undefined && key === undefined) {
    if (mayMake) return undefined;
    throw new OperatorError(
      `No certificate for "${hostname}": neither "${paths.cert}" nor "${paths.key}" exists; put the PEM chain and its private key there, or set ${
        flagsOf(options)
      }`,
    );
  }
  const [missing, present] = cert === undefined
    ? [paths.cert, paths.key]
    : [paths.key, paths.cert];
  const otherwise = mayMake
    ? ", or remove the other to have a new pair made"
    : "";
  throw new OperatorError(
    `"${missing}" is missing, only "${present}" exists; put the missing file there${otherwise}`,
  );
}

/**
 * What is to be served of what the two files hold.
 *
 * @throws OperatorError where clients wouldn't accept it
 */
export function checkManualPair(
  text: ManualPair,
  options: ManualOptions,
): ServedCertificate {
  const paths = manualPaths(options);
  const chain = parseChain(text.cert, paths.cert);
  const key = parsePrivateKey(text.key, paths.key);
  checkKey(chain, { publicKey: key.publicKey, paths });
  checkOrder(chain, paths.cert);
  checkDates(chain[0], { now: options.now, path: paths.cert });
  checkHostname(chain[0], { hostname: options.hostname, path: paths.cert });
  const pems = chain.map(({ bytes }) => formatPem("CERTIFICATE", bytes));
  pems.push(makeMetaCert(options.serverKey, options.now));
  return new ServedCertificate(factsOf(chain), {
    cert: pems.join(""),
    key: key.pem,
  });
}

/**
 * Where the two files are; derper's names: what isn't a letter, digit, "-" or
 * "." is left out of the host name.
 *
 * @throws OperatorError
 */
export function manualPaths(
  { certDir, hostname, files }: Pick<
    ManualOptions,
    "certDir" | "hostname" | "files"
  >,
): ManualPair {
  if (files !== undefined) return files;
  if (certDir === "") {
    throw new OperatorError(
      "Cannot look for a certificate: -certdir is empty; set it to the directory with the .crt and .key files",
    );
  }
  const name = hostname.replace(/[^a-zA-Z0-9.-]/g, "");
  if (name === "") {
    throw new OperatorError(
      `Cannot look for a certificate: -hostname "${hostname}" is no host name; set it to a DNS name or an IP address`,
    );
  }
  const base = `${certDir.replace(/\/+$/, "")}/${name}`;
  return { cert: `${base}.crt`, key: `${base}.key` };
}

/**
 * Makes a self-signed pair, the key first: a certificate without its key would be of no use.
 *
 * @throws OperatorError
 */
export async function makeManualPair(
  options: ManualOptions,
): Promise<ManualPair> {
  const { hostname, now } = options;
  const paths = manualPaths(options);
  const { certPem, keyPem } = makeSelfSigned(hostname, now);
  await makePem(pemFile("private key", options), keyPem, KEY_MODE);
  try {
    await makePem(pemFile("certificate", options), certPem, CERT_MODE);
  } catch (error) {
    await Deno.remove(paths.key); // alone it would stop the next start
    throw error;
  }
  logger("certs").info(
    "Made a self-signed certificate for {hostname}: {path}",
    { hostname, path: paths.cert },
  );
  return { cert: certPem, key: keyPem };
}

function pemFile(
  what: "certificate" | "private key",
  options: ManualOptions,
): NamedFile {
  const { cert, key } = manualPaths(options);
  const flags = flagsOf(options);
  const remedy =
    `put a PEM file there that the relay's user may read, or set ${flags}`;
  return { path: what === "certificate" ? cert : key, what, remedy };
}

/** The flags that say where the files are. */
function flagsOf({ files }: ManualOptions): string {
  return files === undefined ? "-certdir" : "-cert-file and -key-file";
}

async function readPem(file: NamedFile): Promise<string | undefined> {
  const read = await readSmallFile(file, MAX_BYTES);
  if (read?.text !== "") return read?.text;
  throw new OperatorError(
    `Cannot use ${file.what} "${file.path}": it is empty; ${file.remedy}`,
  );
}

async function makePem(
  file: NamedFile,
  text: string,
  mode: number,
): Promise<void> {
  const directoryMode = DIRECTORY_MODE;
  if (await makeSmallFile(file, { text, mode, directoryMode })) return;
  throw new OperatorError(
    `Cannot make ${file.what} "${file.path}": something else is there; ${file.remedy}`,
  );
}

function checkKey(
  chain: CertificateChain,
  { publicKey, paths }: { publicKey: Uint8Array; paths: ManualPair },
): void {
  const owner = chain.findIndex((certificate) =>
    equalBytes(certificate.publicKey, publicKey)
  );
  if (owner < 0) {
    throw new OperatorError(
      `Private key "${paths.key}" does not belong to certificate "${paths.cert}"; put the key there that the certificate was requested with`,
    );
  }
  if (owner > 0) {
    throw new OperatorError(
      `Certificate "${paths.cert}" is out of order: its private key belongs to certificate ${
        owner + 1
      } of ${chain.length}; put that one first, then its issuer, then the issuer's`,
    );
  }
}

function checkDates(
  { notBefore, notAfter }: ParsedCertificate,
  { now, path }: { now: Date; path: string },
): void {
  if (now > notAfter) {
    throw new OperatorError(
      `Certificate "${path}" expired on ${notAfter.toISOString()}; renew it`,
    );
  }
  if (now < notBefore) {
    throw new OperatorError(
      `Certificate "${path}" is not valid before ${notBefore.toISOString()}, and the clock says ${now.toISOString()}; set the clock, or put another certificate there`,
    );
  }
}

function checkHostname(
  leaf: ParsedCertificate,
  { hostname, path }: { hostname: string; path: string },
): void {
  if (isForHostname(leaf, hostname)) return;
  const names = listNames(leaf);
  const told = names.slice(0, NAMES_TOLD).join(", ");
  const more = names.length > NAMES_TOLD
    ? ` and ${names.length - NAMES_TOLD} more`
    : "";
  throw new OperatorError(
    names.length === 0
      ? `Certificate "${path}" is not valid for "${hostname}": it has no subjectAltName, and clients ignore the common name; have it issued anew with one`
      : `Certificate "${path}" is not valid for "${hostname}" but for ${told}${more}; set -hostname to one of these, or put a certificate for "${hostname}" there`,
  );
}
