/**
 * The meta certificate: it tells the relay's node key within the TLS handshake,
 * so that a client can start DERP without waiting for the HTTP answer.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { PROTOCOL_VERSION } from "../derp/frame.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { makeCertificate, NO_CA } from "./make_certificate.ts";
import { formatPem } from "./pem.ts";

/** Followed by 64 hexadecimal digits: longer than X.520 allows, but what clients look for. */
const COMMON_NAME_PREFIX = "derpkey";
const DAY_MS = 24 * 60 * 60 * 1000;
/** Either side of now; nobody checks it, but Windows wants to have it. */
const VALID_DAYS = 30;

/** The meta certificate of `serverKey` as PEM; the key it is signed with is of no use afterwards. */
export function makeMetaCert(
  serverKey: NodePublic,
  now: Date,
  { signer = generateKeyPairSync("ed25519").privateKey }: {
    signer?: KeyObject;
  } = {},
): string {
  const certificate = makeCertificate({
    serial: Uint8Array.of(PROTOCOL_VERSION), // where clients look for it
    commonName: COMMON_NAME_PREFIX + serverKey.hex(),
    notBefore: new Date(now.getTime() - VALID_DAYS * DAY_MS),
    notAfter: new Date(now.getTime() + VALID_DAYS * DAY_MS),
    extensions: [NO_CA], // macOS wants it where subject and issuer are one
  }, signer);
  return formatPem("CERTIFICATE", certificate);
}
