/** An ACME server without a network: it issues what it is asked for, unless a test wants something else. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { hostnameIp } from "../../src/certs/names.ts";
import { parsePem } from "../../src/certs/pem.ts";
import type {
  AcmeServer,
  CertificateOrder,
  RenewalInfo,
} from "../../src/certs/acme_server.ts";
import type { Clock } from "../../src/util/clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const EXTRACTABLE = true;

/** What a certificate is to be like, where it isn't what was asked for. */
export interface Difference {
  readonly names?: readonly string[];
  readonly validDays?: number;
  readonly startDays?: number;
  /** PKCS #8. */
  readonly key?: string;
}

/** Counts what it is asked; `fail` and `info` say what it answers. */
export class FakeAcmeServer implements AcmeServer {
  readonly orders: CertificateOrder[] = [];
  polls = 0;
  /** Called for each order; what it throws is the answer. */
  fail: (order: CertificateOrder) => void = () => {};
  /** Called for each question when to renew. */
  info: () => RenewalInfo | undefined = () => undefined;
  difference: Difference = {};
  /** What comes instead of a chain. */
  nonsense: string | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async issue(order: CertificateOrder): Promise<string> {
    this.orders.push(order);
    this.fail(order);
    if (this.nonsense !== undefined) return this.nonsense;
    return await makeCertificate(order.certificateKey, {
      names: order.names,
      now: this.#clock.date(),
      ...this.difference,
    });
  }

  renewalInfo(): Promise<RenewalInfo | undefined> {
    this.polls++;
    return Promise.resolve().then(this.info);
  }
}

/** A self-signed certificate as PEM, valid for 90 days where nothing else is said. */
export async function makeCertificate(
  certificateKey: string,
  { names = [], now, validDays = 90, startDays = 0, key }:
    & Difference
    & { readonly now: Date },
): Promise<string> {
  const [block] = parsePem(key ?? certificateKey);
  const privateKey = await crypto.subtle.importKey(
    "pkcs8",
    Uint8Array.from(block!.bytes),
    ALGORITHM,
    EXTRACTABLE,
    ["sign"],
  );
  const { d: _, key_ops: __, ...jwk } = await crypto.subtle
    .exportKey("jwk", privateKey);
  const publicKey = await crypto.subtle.importKey(
    "jwk",
    jwk,
    ALGORITHM,
    EXTRACTABLE,
    ["verify"],
  );
  const startMs = now.getTime() + startDays * DAY_MS;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "",
    notBefore: new Date(startMs),
    notAfter: new Date(startMs + validDays * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: { privateKey, publicKey },
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({
        type: hostnameIp(value) ? "ip" as const : "dns" as const,
        value,
      }))),
    ],
  });
  return certificate.toString("pem") + "\n";
}
