/** The certificate of the relay on this machine: from its file, else from the relay itself. */
import { type CertificateChain, factsOf, parseChain } from "../certs/chain.ts";
import { manualPaths } from "../certs/manual.ts";
import { hostnameIp } from "../certs/names.ts";
import type { CertificateFacts } from "../certs/provider.ts";
import type { RelayPlace } from "../config/derpmap_line.ts";
import { readSmallFile } from "../files/small_file.ts";
import { plainDialer } from "../probe/dialer.ts";
import { readServedChain } from "../probe/served_chain.ts";
import { OperatorError } from "../util/operator_error.ts";
import { nearAddress } from "./local_relay.ts";

const MAX_BYTES = 1024 * 1024;
const DEADLINE_MS = 3_000;

/**
 * What a map has to know of it, or one line about why nobody can tell.
 *
 * @throws OperatorError where the map would be of no use without it: nodes trust a certificate for an IP address by its pin
 */
export async function relayCertificate(
  relay: RelayPlace,
): Promise<CertificateFacts | string> {
  try {
    return factsOf(await readFile(relay));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    // Its directory is often for the relay's user alone.
    const served = await askRelay(relay);
    if (served !== undefined) return factsOf(served);
    if (hostnameIp(relay.hostname) !== undefined) throw error;
    return `${error.message}; a self-signed certificate would need its CertName in the map`;
  }
}

async function readFile(
  { hostname, certificate: origin }: RelayPlace,
): Promise<CertificateChain> {
  const { cert: path } = manualPaths(
    origin?.kind === "files"
      ? {
        hostname,
        certDir: "",
        files: { cert: origin.certFile, key: origin.keyFile },
      }
      : { hostname, certDir: origin?.certDir ?? "" },
  );
  const what = "certificate";
  const remedy = "start the relay, or run this as its user";
  const file = await readSmallFile({ path, what, remedy }, MAX_BYTES);
  if (file !== undefined) return parseChain(file.text, path);
  throw new OperatorError(
    `Cannot read ${what} ${
      JSON.stringify(path)
    }: it does not exist; start the relay with these flags, which makes one for an IP address`,
  );
}

/** Undefined where it doesn't run, or doesn't tell. */
async function askRelay(
  { hostname, listenHost, listenPort }: RelayPlace,
): Promise<CertificateChain | undefined> {
  try {
    const { chain } = await readServedChain(
      plainDialer(nearAddress(listenHost), listenPort),
      hostname,
      AbortSignal.timeout(DEADLINE_MS),
    );
    return chain;
  } catch {
    return undefined;
  }
}
