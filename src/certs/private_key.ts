/** Private keys in the forms that operators have: PKCS #8, SEC 1 ("EC PRIVATE KEY") and PKCS #1 ("RSA PRIVATE KEY"). */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { toHex } from "../util/bytes.ts";
import { contextTag, DerReader, DerTag } from "./der_reader.ts";
import { der } from "./der_writer.ts";
import { OperatorError } from "../util/operator_error.ts";
import { formatPem, parsePem, type PemBlock } from "./pem.ts";

/** A private key that can be served. */
export interface PrivateKey {
  /** One PEM block of the form it was read in; Deno.listenTls takes all three. */
  readonly pem: string;
  /** What its certificate has as `publicKey`. */
  readonly publicKey: Uint8Array;
}

type Algorithm = "rsa" | "ec" | "ed25519";

/** Algorithm object identifiers: 1.2.840.113549.1.1.1, 1.2.840.10045.2.1 and 1.3.101.112. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  "2a864886f70d010101": "rsa",
  "2a8648ce3d0201": "ec",
  "2b6570": "ed25519",
};
/** P-256, P-384 and P-521, the curves that the runtime's TLS signs with. */
const CURVES = new Set(["2a8648ce3d030107", "2b81040022", "2b81040023"]);
/** The runtime's TLS takes no others; clients refuse shorter ones anyway. */
const RSA_BITS = { least: 2048, most: 8192 };

const NONE = new Uint8Array(0);
const KINDS =
  "use RSA of 2048 to 8192 bits, ECDSA (P-256, P-384, P-521) or Ed25519";

/** Parses the first private key in `text`; throws an OperatorError that names `path`. */
export function parsePrivateKey(text: string, path: string): PrivateKey {
  const block = findKeyBlock(text, path);
  if (block.encrypted) {
    throw new OperatorError(
      `Private key "${path}" is encrypted; write it without a passphrase: openssl pkey -in <encrypted> -out <plain>`,
    );
  }
  try {
    const publicKey = publicKeyOf(block);
    if (publicKey !== undefined) {
      return { pem: formatPem(block.label, block.bytes), publicKey };
    }
  } catch (cause) {
    throw new OperatorError(
      `Private key "${path}" is damaged and cannot be read; copy it anew`,
      { cause },
    );
  }
  throw new OperatorError(
    `Private key "${path}" is of a kind that cannot be served; ${KINDS}`,
  );
}

/** The first block that is a key: OpenSSL writes "EC PARAMETERS" in front of some, people put the certificate there. */
function findKeyBlock(text: string, path: string): PemBlock {
  let blocks: PemBlock[];
  try {
    blocks = parsePem(text);
  } catch (cause) {
    throw new OperatorError(
      `Private key "${path}" is damaged PEM text; copy it anew`,
      { cause },
    );
  }
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    throw new OperatorError(
      `Private key "${path}" holds no PEM "PRIVATE KEY" block; write the key into it, for DER: openssl pkey -in <DER> -out <PEM>`,
    );
  }
  return block;
}

/** The public half, or undefined for a kind that cannot be served. */
function publicKeyOf(block: PemBlock): Uint8Array | undefined {
  switch (block.label) {
    case "RSA PRIVATE KEY":
      return rsaPublicKey(block.bytes);
    case "EC PRIVATE KEY":
      return ecPublicKey(block, { key: block.bytes });
    case "PRIVATE KEY":
      return pkcs8PublicKey(block);
    default:
      return undefined;
  }
}

/** OneAsymmetricKey (RFC 5958): version, algorithm with its parameters, the key in the algorithm's own form. */
function pkcs8PublicKey(block: PemBlock): Uint8Array | undefined {
  const fields = new DerReader(block.bytes).enter(DerTag.sequence);
  fields.read(DerTag.integer);
  const identifier = fields.enter(DerTag.sequence);
  const algorithm = toHex(identifier.read(DerTag.objectId).content);
  const key = fields.read(DerTag.octetString).content;
  switch (ALGORITHMS[algorithm]) {
    case "rsa":
      return rsaPublicKey(key);
    case "ec":
      return ecPublicKey(block, { key, parameters: identifier });
    case "ed25519":
      return derivePublicKey(block);
    default:
      return undefined;
  }
}

/** RSAPrivateKey (RFC 8017, A.1.2) begins with version, modulus, exponent; RSAPublicKey is the last two. */
function rsaPublicKey(key: Uint8Array): Uint8Array | undefined {
  const fields = new DerReader(key).enter(DerTag.sequence);
  fields.read(DerTag.integer);
  const modulus = fields.read(DerTag.integer);
  const exponent = fields.read(DerTag.integer);
  const bits = bitLength(modulus.content);
  return bits < RSA_BITS.least || bits > RSA_BITS.most
    ? undefined
    : der(DerTag.sequence, modulus.whole, exponent.whole);
}

/** ECPrivateKey (RFC 5915): version, key, and, both optional, [0] curve and [1] public key. */
function ecPublicKey(
  block: PemBlock,
  { key, parameters }: { key: Uint8Array; parameters?: DerReader },
): Uint8Array | undefined {
  const fields = new DerReader(key).enter(DerTag.sequence);
  fields.read(DerTag.integer);
  fields.read(DerTag.octetString);
  const ownParameters = fields.readOptional(contextTag(0));
  const curve = parameters ?? new DerReader(ownParameters?.content ?? NONE);
  const curveId = curve.readOptional(DerTag.objectId)?.content ?? NONE;
  if (!CURVES.has(toHex(curveId))) return undefined;
  return fields.peekTag() === contextTag(1)
    ? fields.enter(contextTag(1)).readBitString()
    : derivePublicKey(block);
}

/** Asks the runtime for what the file leaves out. */
function derivePublicKey(block: PemBlock): Uint8Array {
  const privateKey = createPrivateKey({
    key: Buffer.from(block.bytes),
    format: "der",
    type: block.label === "EC PRIVATE KEY" ? "sec1" : "pkcs8",
  });
  const info = createPublicKey(privateKey).export({
    format: "der",
    type: "spki",
  });
  const fields = new DerReader(new Uint8Array(info)).enter(DerTag.sequence);
  fields.read(DerTag.sequence);
  return fields.readBitString();
}

/** How many bits a positive INTEGER has. */
function bitLength(integer: Uint8Array): number {
  const first = integer.findIndex((octet) => octet !== 0);
  if (first < 0) return 0;
  return (integer.length - first) * 8 - Math.clz32(integer[first]!) + 24;
}
