/**
 * The files in `-certdir` that ACME keeps: the account's key and one file per
 * host name, named and written as autocert of Go does, so that neither way of
 * changing the program needs a new account or certificate.
 */
import {
  type NamedFile,
  type NewFile,
  readSmallFile,
  replaceSmallFile,
} from "../files/small_file.ts";
import { OperatorError } from "../util/operator_error.ts";
import { makeEcKey, toPkcs8 } from "./acme_key.ts";

const ACCOUNT_KEY = "acme_account+key";
const MAX_BYTES = 1024 * 1024;
const REMEDY = "make -certdir writable for the relay's user, or set another";

/** One relay's files. */
export class AcmeStore {
  readonly #directory: string;
  /** The certificate's file, its private key before its chain. */
  readonly path: string;

  /** @throws OperatorError where there is nowhere to keep anything */
  constructor(certDir: string, hostname: string) {
    if (certDir === "") {
      throw new OperatorError(
        "Cannot keep certificates: -certdir is empty; set it to a directory for the ACME account and certificates",
      );
    }
    const name = hostname.toLowerCase().replace(/:/g, ".")
      .replace(/[^a-z0-9.-]/g, "");
    if (name.replace(/\./g, "") === "") {
      throw new OperatorError(
        `Cannot get a certificate: -hostname "${hostname}" is no host name; set it to the DNS name or IP address that clients use`,
      );
    }
    this.#directory = certDir.replace(/\/+$/, "");
    this.path = `${this.#directory}/${name}`;
  }

  /** The account's key as PKCS #8; made and kept where there is none yet. @throws OperatorError */
  async accountKey(): Promise<string> {
    const path = `${this.#directory}/${ACCOUNT_KEY}`;
    const file = { path, what: "ACME account key", remedy: REMEDY };
    let pem = (await readSmallFile(file, MAX_BYTES))?.text;
    if (pem === undefined) {
      pem = await makeEcKey();
      await replaceSmallFile(file, newFile(pem));
    }
    try {
      return toPkcs8(pem);
    } catch (cause) {
      throw new OperatorError(
        `Cannot use ACME account key "${path}": it holds no private key; restore it, or remove it to have a new account made`,
        { cause },
      );
    }
  }

  /** Private key and chain as they were kept; undefined where there is nothing. @throws OperatorError */
  async readCertificate(): Promise<string | undefined> {
    return (await readSmallFile(this.#certificate, MAX_BYTES))?.text;
  }

  /** Keeps private key and chain in place of the last ones. @throws OperatorError */
  async writeCertificate(key: string, chain: string): Promise<void> {
    await replaceSmallFile(this.#certificate, newFile(key + chain));
  }

  get #certificate(): NamedFile {
    return { path: this.path, what: "certificate", remedy: REMEDY };
  }
}

function newFile(text: string): NewFile {
  return { text, mode: 0o600, directoryMode: 0o700 };
}
