/** The rules for the flags that say where the certificate comes from. */
import { EabKey } from "../keys/eab_key.ts";
import { acmeUrlMistake, certNameMistake, isIp } from "./addresses.ts";
import type { AcmeOrigin, CertificateOrigin } from "./config.ts";
import type { Findings } from "./findings.ts";

/** The ACME servers that derper knows. */
const DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: "https://acme-v02.api.letsencrypt.org/directory",
  gcp: "https://dv.acme-v02.api.pki.goog/directory",
};

const HTTP_01_PORT = 80;

const ACME_FLAGS = [
  "acme-directory",
  "acme-email",
  "acme-eab-kid",
  "acme-eab-key",
] as const;

/** `manual`, `letsencrypt` or `gcp`; files that are named mean manual. */
export function certMode(findings: Findings): string {
  const { certmode, "cert-file": certFile, "key-file": keyFile } =
    findings.values;
  if (certmode !== "manual" && !Object.hasOwn(DIRECTORIES, certmode)) {
    findings.check("certmode", "it takes manual, letsencrypt or gcp");
  }
  if (certFile === "" && keyFile === "") return certmode;
  if (findings.isGiven("certmode") && Object.hasOwn(DIRECTORIES, certmode)) {
    findings.check(
      "certmode",
      "-cert-file and -key-file mean manual, leave one or the other out",
    );
  }
  return "manual";
}

/** Where the certificate of a relay that serves TLS comes from. */
export function certificateOrigin(
  mode: string,
  findings: Findings,
): CertificateOrigin {
  const { values } = findings;
  findings.check("hostname", certNameMistake(values.hostname));
  if (values["acme-ip-certs"] && mode !== "letsencrypt") {
    findings.check("acme-ip-certs", "it needs -certmode letsencrypt");
  }
  if (Object.hasOwn(DIRECTORIES, mode)) return acmeOrigin(mode, findings);
  findings.unused("with a certificate from files", ...ACME_FLAGS);
  return fileOrigin(findings);
}

/** Notes what is of no use without TLS. */
export function noCertificate(findings: Findings): void {
  findings.unused(
    "without TLS",
    "certdir",
    "acme-ip-certs",
    ...ACME_FLAGS,
  );
  // On a TCP address these mean TLS.
  findings.unused("without TLS", "cert-file", "key-file");
  if (findings.values.certmode === "manual") {
    findings.unused("on a unix socket, where TLS is the proxy's", "certmode");
  }
}

function fileOrigin(findings: Findings): CertificateOrigin {
  const { "cert-file": certFile, "key-file": keyFile, certdir: certDir } =
    findings.values;
  if (certFile === "" && keyFile === "") {
    checkCertDir(findings);
    return { kind: "manual", certDir };
  }
  findings.unused("with -cert-file and -key-file", "certdir");
  if (certFile === "") {
    findings.check("cert-file", "name the certificate that -key-file is for");
  }
  if (keyFile === "") {
    findings.check("key-file", "name the private key of -cert-file");
  }
  return { kind: "files", certFile, keyFile };
}

function acmeOrigin(mode: string, findings: Findings): AcmeOrigin {
  const { values } = findings;
  checkCertDir(findings);
  checkHost(mode, findings);
  const { "acme-directory": directory, "acme-email": email } = values;
  if (directory !== "") {
    findings.check("acme-directory", acmeUrlMistake(directory));
  }
  if (email !== "" && !/^[^\s@,?]+@[^\s@,?]+$/.test(email)) {
    findings.check("acme-email", "it is no mail address");
  } else if (email === "" && mode === "gcp") {
    findings.check("acme-email", "-certmode gcp needs a mail address");
  }
  checkHttpPort(findings);
  return {
    kind: "acme",
    directory: directory || DIRECTORIES[mode]!,
    certDir: values.certdir,
    ...email !== "" && { email },
    ...eab(mode, findings),
    ipCerts: values["acme-ip-certs"],
  };
}

function checkCertDir(findings: Findings): void {
  if (findings.values.certdir !== "") return;
  findings.check("certdir", "name the directory of the certificate");
}

function checkHost(mode: string, findings: Findings): void {
  const { hostname, "acme-ip-certs": ipCerts } = findings.values;
  if (!findings.isGiven("hostname")) {
    findings.notes.push(
      `No -hostname given, asking for a certificate for ${hostname}, which only Tailscale can get; give the name of this relay`,
    );
  }
  if (!isIp(hostname)) return;
  if (mode === "gcp") {
    findings.check(
      "hostname",
      "-certmode gcp needs a host name, not an IP address",
    );
  } else if (!ipCerts) {
    findings.check(
      "hostname",
      "for an IP address give -acme-ip-certs, or -certmode manual for a self-signed certificate",
    );
  }
}

/** derper can also prove a name within TLS; Deno can't, so the port of HTTP-01 has to be there. */
function checkHttpPort(findings: Findings): void {
  const port = findings.values["http-port"];
  if (port === -1) {
    findings.check(
      "http-port",
      "the ACME server checks the name over plain HTTP, so give 80, or use -certmode manual",
    );
  } else if (port !== HTTP_01_PORT && port !== 0) {
    findings.notes.push(
      `The ACME server connects to port ${HTTP_01_PORT}, which has to lead to port ${port} of the relay`,
    );
  }
}

/** As derper, which gives the binding to gcp and not to Let's Encrypt; an ACME server of the operator's choice gets it too. */
function eab(mode: string, findings: Findings): Pick<AcmeOrigin, "eab"> {
  const { "acme-eab-kid": kid, "acme-eab-key": text } = findings.values;
  const isNeeded = mode === "gcp";
  if (!isNeeded && findings.values["acme-directory"] === "") {
    const why = "with Let's Encrypt, which binds no accounts";
    findings.unused(why, "acme-eab-kid", "acme-eab-key");
    return {};
  }
  if (!isNeeded && kid === "" && text === "") return {};
  if (kid === "") {
    const why = isNeeded ? "-certmode gcp" : "-acme-eab-key";
    findings.check(
      "acme-eab-kid",
      `${why} needs the key ID that belongs to it`,
    );
  }
  const hmacKey = EabKey.parse(text);
  if (hmacKey) return { eab: { kid, hmacKey } };
  const missing = isNeeded
    ? "-certmode gcp needs it"
    : "-acme-eab-kid needs it";
  findings.check("acme-eab-key", text === "" ? missing : "it is no base64");
  return {};
}
