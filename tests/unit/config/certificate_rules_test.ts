/** The rules for where the certificate comes from. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, problemsOf, run, TLS } from "./read_line.ts";

const ACME = "-c k -hostname relay.example -certdir d";
const GCP = `${ACME} -certmode gcp`;
const EAB = "-acme-eab-kid id -acme-eab-key c2VjcmV0";
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

Deno.test("parseCommandLine() serves TLS on port 443, and everywhere with a certificate from files", () => {
  for (const mode of ["letsencrypt", "gcp"]) {
    assert(!("certificate" in configOf(`${PLAIN} -certmode ${mode}`)));
  }
  const tls = [
    TLS,
    ACME,
    "-a :https -certmode manual -c k",
    "-a [::1]:443 -certmode manual -c k",
    "-a 10.0.0.1:0443 -certmode manual -c k",
    `${PLAIN} -cert-file c -key-file k`,
  ];
  for (const line of tls) assert("certificate" in configOf(line), line);
  assertEquals(problemsOf(`${PLAIN} -certmode off`), [
    'Invalid -certmode "off": it takes manual, letsencrypt or gcp',
  ]);
  assertEquals(problemsOf(`${ACME} -certmode toString`).length, 1);
});

Deno.test("parseCommandLine() checks the certificate's flags where there is one", () => {
  const bad = "-certdir= -hostname https://x";
  const expected = [
    'Invalid -hostname "https://x": it is a URL, give the host name in it alone',
    'Invalid -certdir "": name the directory of the certificate',
  ];
  assertEquals(problemsOf(`${TLS} ${bad}`), expected);
  assertEquals(problemsOf(`-c k ${bad}`), expected);
  const ignored = "-acme-ip-certs -acme-email x -acme-directory y";
  assertEquals(configOf(`${PLAIN} ${bad} ${ignored}`).hostname, "https://x");
  assertEquals(problemsOf(TLS, { env: {} }).length, 1);
});

Deno.test("parseCommandLine() asks Let's Encrypt for the certificate, if not told otherwise", () => {
  const { config, notes } = run(ACME);
  const certificate = {
    kind: "acme" as const,
    directory: LETS_ENCRYPT,
    certDir: "d",
    ipCerts: false,
  };
  assertEquals(config.certificate, certificate);
  assertEquals(notes, []);
  assertEquals(configOf(`${ACME} -acme-email a@b -acme-ip-certs`).certificate, {
    ...certificate,
    email: "a@b",
    ipCerts: true,
  });
  for (const email of ["nobody", "mailto:", "@b", "a@", "a@b,c@d", "a@b?c"]) {
    assertEquals(problemsOf(`${ACME} -acme-email ${email}`), [
      `Invalid -acme-email "${email}": it is no mail address`,
    ]);
  }
});

Deno.test("parseCommandLine() notes that only Tailscale gets a certificate for the default host name", () => {
  const { notes } = run("-c k");
  assertEquals(notes.length, 1);
  assertStringIncludes(notes[0]!, "derp.tailscale.com");
  assertEquals(run("-c k -hostname derp.tailscale.com").notes, []);
});

Deno.test("parseCommandLine() wants an account to bind, a mail address and a host name for gcp", () => {
  const certificate = configOf(`${GCP} ${EAB} -acme-email a@b`).certificate;
  assert(certificate?.kind === "acme");
  assertEquals(
    certificate.directory,
    "https://dv.acme-v02.api.pki.goog/directory",
  );
  assertEquals(certificate.email, "a@b");
  assertEquals(certificate.eab?.kid, "id");
  assertEquals(certificate.eab?.hmacKey.reveal(), "c2VjcmV0");
  assertEquals(problemsOf(`${GCP} -acme-ip-certs -hostname 10.0.0.1`), [
    'Invalid -acme-ip-certs "true": it needs -certmode letsencrypt',
    'Invalid -hostname "10.0.0.1": -certmode gcp needs a host name, not an IP address',
    'Invalid -acme-email "": -certmode gcp needs a mail address',
    'Invalid -acme-eab-kid "": -certmode gcp needs the key ID that belongs to it',
    'Invalid -acme-eab-key "": -certmode gcp needs it',
  ]);
});

Deno.test("parseCommandLine() takes an IP address with -acme-ip-certs or -certmode manual", () => {
  for (const ip of ["10.0.0.1", "2001:db8::1"]) {
    const line = `-c k -certdir d -hostname ${ip}`;
    assertEquals(problemsOf(line), [
      `Invalid -hostname "${ip}": for an IP address give -acme-ip-certs, or -certmode manual for a self-signed certificate`,
    ]);
    const { certificate } = configOf(`${line} -acme-ip-certs`);
    assert(certificate?.kind === "acme" && certificate.ipCerts);
    assert(configOf(`${line} -certmode manual`).hostname === ip);
  }
  assertEquals(problemsOf(`${TLS} -acme-ip-certs`), [
    'Invalid -acme-ip-certs "true": it needs -certmode letsencrypt',
  ]);
});

Deno.test("parseCommandLine() takes another ACME server, with an account to bind or none", () => {
  const line = `${ACME} -acme-directory https://ca.example/dir`;
  const { certificate } = configOf(`${line} ${EAB}`);
  assert(certificate?.kind === "acme");
  assertEquals(certificate.directory, "https://ca.example/dir");
  assertEquals(certificate.eab?.kid, "id");
  assert(!("eab" in configOf(line).certificate!));
  assertEquals(problemsOf(`${line} -acme-eab-kid id`), [
    'Invalid -acme-eab-key "": -acme-eab-kid needs it',
  ]);
  assertEquals(problemsOf(`${line} -acme-eab-key c2VjcmV0`), [
    'Invalid -acme-eab-kid "": -acme-eab-key needs the key ID that belongs to it',
  ]);
  for (const url of ["http://ca.example/dir", "ca.example", "https://"]) {
    assertEquals(problemsOf(`${ACME} -acme-directory ${url}`), [
      `Invalid -acme-directory "${url}": it is no URL that starts with https://`,
    ]);
  }
});

Deno.test("parseCommandLine() binds no account at Let's Encrypt, as derper", () => {
  const { config, notes } = run(`${ACME} ${EAB}`);
  assert(!("eab" in config.certificate!));
  assertEquals(notes, [
    '-acme-eab-kid "id" has no effect with Let\'s Encrypt, which binds no accounts',
    "-acme-eab-key (hidden) has no effect with Let's Encrypt, which binds no accounts",
  ]);
});

Deno.test("parseCommandLine() never shows the key of an account to bind", () => {
  const line = `${GCP} -acme-email a@b -acme-eab-kid id -acme-eab-key`;
  assertEquals(problemsOf(`${line} s3cret!`), [
    "Invalid -acme-eab-key (hidden): it is no base64",
  ]);
  const config = configOf(`${line} c2VjcmV0`);
  for (
    const text of [JSON.stringify(config), Deno.inspect(config, { depth: 9 })]
  ) {
    assertStringIncludes(text, "relay.example");
    assert(!text.includes("c2VjcmV0"));
  }
});

Deno.test("parseCommandLine() wants the port at which an ACME server asks", () => {
  const problems = problemsOf(`${ACME} -http-port -1`);
  assertEquals(problems.length, 1);
  assertStringIncludes(
    problems[0]!,
    'Invalid -http-port "-1": the ACME server',
  );
  assertEquals(run(`${ACME} -http-port 8080`).notes, [
    "The ACME server connects to port 80, which has to lead to port 8080 of the relay",
  ]);
});

Deno.test("parseCommandLine() takes a certificate and its key from two files", () => {
  const files = "-cert-file fullchain.pem -key-file privkey.pem";
  const expected = {
    kind: "files" as const,
    certFile: "fullchain.pem",
    keyFile: "privkey.pem",
  };
  const line = `-c k -hostname relay.example ${files}`;
  assertEquals(configOf(line).certificate, expected);
  assertEquals(configOf(`${line} -certmode manual`).certificate, expected);
  assertEquals(run(`${line} -certdir d -acme-email a@b`).notes, [
    '-acme-email "a@b" has no effect with a certificate from files',
    '-certdir "d" has no effect with -cert-file and -key-file',
  ]);
  assertEquals(problemsOf(`${line} -certmode letsencrypt -acme-ip-certs`), [
    'Invalid -certmode "letsencrypt": -cert-file and -key-file mean manual, leave one or the other out',
    'Invalid -acme-ip-certs "true": it needs -certmode letsencrypt',
  ]);
  assertEquals(problemsOf("-c k -cert-file f"), [
    'Invalid -key-file "": name the private key of -cert-file',
  ]);
  assertEquals(problemsOf("-c k -key-file f"), [
    'Invalid -cert-file "": name the certificate that -key-file is for',
  ]);
});
