/**
 * The meta certificate: it tells the relay's node key within the TLS handshake,
 * so that a client can start DERP without waiting for the HTTP answer.
 */
import { PROTOCOL_VERSION } from "../derp/frame.ts";
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import type { NodePublic } from "../keys/node_key.ts";
import { contextTag, DerTag } from "./der_reader.ts";
import { der, derBitString, derTime } from "./der_writer.ts";
import { formatPem } from "./pem.ts";

const COMMON_NAME_PREFIX = "derpkey";
/** Clients read the DERP protocol version from the serial number. */
const DAY_MS = 24 * 60 * 60 * 1000;
/** Either side of now; nobody checks it, but Windows wants to have it. */
const VALID_DAYS = 30;

const VERSION_3 = der(
  contextTag(0),
  der(DerTag.integer, Uint8Array.of(2)),
);
/** 1.3.101.112, Ed25519 (RFC 8410). */
const ED25519 = der(
  DerTag.sequence,
  der(DerTag.objectId, Uint8Array.of(0x2b, 0x65, 0x70)),
);
/** 2.5.4.3. */
const COMMON_NAME = der(DerTag.objectId, Uint8Array.of(0x55, 0x04, 0x03));
/** basicConstraints (2.5.29.19), critical, "no CA": macOS wants it where subject and issuer are one. */
const EXTENSIONS = der(
  contextTag(3),
  der(
    DerTag.sequence,
    der(
      DerTag.sequence,
      der(DerTag.objectId, Uint8Array.of(0x55, 0x1d, 0x13)),
      der(DerTag.boolean, Uint8Array.of(0xff)),
      der(DerTag.octetString, der(DerTag.sequence)),
    ),
  ),
);

/** The meta certificate of `serverKey` as PEM; the key it is signed with is of no use afterwards. */
export function makeMetaCert(
  serverKey: NodePublic,
  now: Date,
  { signer = generateKeyPairSync("ed25519").privateKey }: {
    signer?: KeyObject;
  } = {},
): string {
  const toBeSigned = der(
    DerTag.sequence,
    VERSION_3,
    der(DerTag.integer, Uint8Array.of(PROTOCOL_VERSION)),
    ED25519,
    name(serverKey), // issuer
    der(
      DerTag.sequence,
      derTime(new Date(now.getTime() - VALID_DAYS * DAY_MS)),
      derTime(new Date(now.getTime() + VALID_DAYS * DAY_MS)),
    ),
    name(serverKey), // subject
    createPublicKey(signer).export({ format: "der", type: "spki" }),
    EXTENSIONS,
  );
  const signature = sign(null, toBeSigned, signer);
  return formatPem(
    "CERTIFICATE",
    der(DerTag.sequence, toBeSigned, ED25519, derBitString(signature)),
  );
}

/** CN=derpkey and 64 hexadecimal digits: longer than X.520 allows, but what clients look for. */
function name(serverKey: NodePublic): Uint8Array {
  const commonName = new TextEncoder().encode(
    COMMON_NAME_PREFIX + serverKey.hex(),
  );
  return der(
    DerTag.sequence,
    der(
      DerTag.set,
      der(
        DerTag.sequence,
        COMMON_NAME,
        der(DerTag.printableString, commonName),
      ),
    ),
  );
}
