/** Flags from the environment. */
import {
  flagsOfVariables,
  readEnvironment,
} from "../../../src/config/environment.ts";
import { FLAGS } from "../../../src/config/flags.ts";
import { usageText } from "../../../src/config/usage.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, parse, PLAIN, problemsOf, run } from "./read_line.ts";

/** The environment of a container of a widespread image. */
const IMAGE = {
  HOME: "/root",
  DERP_DOMAIN: "relay.example",
  DERP_CERT_MODE: "manual",
  DERP_CERT_DIR: "/app/certs",
  DERP_ADDR: ":8443",
  DERP_STUN: "true",
  DERP_STUN_PORT: "3479",
  DERP_HTTP_PORT: "-1",
  DERP_VERIFY_CLIENTS: "true",
  DERP_VERIFY_CLIENT_URL: "",
};

Deno.test("parseCommandLine() takes flags from the environment under the images' names", () => {
  const { config, notes } = run("-c k", { env: IMAGE });
  assertEquals(config.hostname, "relay.example");
  assertEquals(config.certificate, { kind: "manual", certDir: "/app/certs" });
  assertEquals(config.listen, { port: 8443 });
  assertEquals(config.stunPort, 3479);
  assert(!("httpPort" in config));
  assertEquals(config.verification?.sockets.length, 1);
  assertEquals(config.verification?.urls, []);
  assertEquals(notes.length, 1);
  assertStringIncludes(notes[0]!, "Flags from the environment: DERP_");
  const ip = {
    DERP_HOST: "10.0.0.1",
    DERP_CERTS: "d",
    DERP_CERTMODE: "manual",
  };
  assertEquals(configOf("-c k", { env: ip }).hostname, "10.0.0.1");
  assertEquals(configOf("-c k", { env: ip }).certificate, {
    kind: "manual",
    certDir: "d",
  });
});

Deno.test("flagsOfVariables() has each flag but -version under its own name, and -h names the others", () => {
  const variables = flagsOfVariables(FLAGS);
  for (const flag of Object.keys(FLAGS)) {
    const name = `DERP_${flag.toUpperCase().replaceAll("-", "_")}`;
    assertEquals(variables.get(name), flag === "version" ? undefined : flag);
    variables.delete(name);
  }
  assertEquals(variables.size, 6);
  const usage = usageText(FLAGS, new Map());
  for (const name of variables.keys()) assertStringIncludes(usage, name);
});

Deno.test("parseCommandLine() prefers a flag to its variable, whatever that holds", () => {
  const env = {
    DERP_ADDR: "nonsense",
    DERP_A: "other nonsense",
    DERP_STUN: "maybe",
    DERP_C: "from-there",
  };
  const config = configOf("-a :8080 -stun=false", { env });
  assertEquals(config.listen, { port: 8080 });
  assertEquals(config.keyFile, "from-there");
  assert(!("stunPort" in config));
});

Deno.test("parseCommandLine() names the variable of a bad value", () => {
  const env = {
    DERP_STUN_PORT: "x",
    DERP_VERIFY_CLIENTS: "yes",
    DERP_DOMAIN: "https://relay.example",
    DERP_CERT_MODE: "manual",
    DERP_CERT_DIR: "d",
    DERP_ACE: "true",
    DERP_HTTP_PORT: "99999",
  };
  assertEquals([...problemsOf("-c k", { env })].sort(), [
    'Invalid DERP_DOMAIN "https://relay.example": it is a URL, give the host name in it alone',
    'Invalid DERP_HTTP_PORT "99999": it takes a port from 0 to 65535, or -1',
    'Invalid DERP_STUN_PORT "x": it takes a whole number',
    'Invalid DERP_VERIFY_CLIENTS "yes": it takes true or false',
    'Unsupported DERP_ACE "true": derper has it as an undocumented experiment',
  ]);
  const result = parse("-c k", { env });
  assert(result.kind === "problems" && !("usage" in result));
});

Deno.test("parseCommandLine() never shows a secret from the environment", () => {
  const env = {
    DERP_ACME_EAB_KEY: "s3cret!",
    DERP_ACME_EAB_KID: "id",
    DERP_CERTMODE: "gcp",
    DERP_ACME_EMAIL: "a@b",
    DERP_HOSTNAME: "relay.example",
    DERP_CERTDIR: "d",
  };
  assertEquals(problemsOf("-c k", { env }), [
    "Invalid DERP_ACME_EAB_KEY (hidden): it is no base64",
  ]);
});

Deno.test("parseCommandLine() refuses two variables that contradict each other", () => {
  const env = { DERP_DOMAIN: "a.example", DERP_HOST: "b.example" };
  assertEquals(problemsOf(PLAIN, { env }), [
    "DERP_DOMAIN and DERP_HOST both mean -hostname and differ, remove one of them",
  ]);
  const same = { DERP_DOMAIN: "a.example", DERP_HOSTNAME: "a.example" };
  assertEquals(configOf(PLAIN, { env: same }).hostname, "a.example");
  assertEquals(configOf(`${PLAIN} -hostname c`, { env }).hostname, "c");
});

Deno.test("parseCommandLine() refuses misspelt variables, and lets those of others be", () => {
  const slips = ["CLIENT", "CLEINTS", "CLIENTSS", "CLIETS"];
  for (const slip of slips.map((end) => `DERP_VERIFY_${end}`)) {
    assertEquals(problemsOf(PLAIN, { env: { [slip]: "true" } }), [
      `Unknown environment variable ${slip}: rename it if DERP_VERIFY_CLIENTS is meant, else remove it`,
    ]);
    assertEquals(run(PLAIN, { env: { [slip]: "" } }).notes, []);
  }
  const others = {
    DERP_CERT: "c",
    DERP_IMAGE: "derper:latest",
    DERP_PORT: "tcp://10.0.0.1:443",
    DERP_REGION: "900",
    DERP_SERVICE_HOST: "10.0.0.1",
    DERP_VERSION: "1.102.5",
    VERIFY_CLIENT: "true",
  };
  assertEquals(run(PLAIN, { env: others }).notes, []);
});

Deno.test("parseCommandLine() ignores the port that Kubernetes sets for a Service", () => {
  const env = { DERP_STUN_PORT: "udp://10.0.0.1:3478" };
  const { config, notes } = run(PLAIN, { env });
  assertEquals(config.stunPort, 3478);
  assertEquals(notes, [
    'DERP_STUN_PORT "udp://10.0.0.1:3478" looks like that of a Kubernetes Service and is ignored',
  ]);
});

Deno.test("parseCommandLine() answers -h and -version whatever the environment holds", () => {
  const env = { DERP_STUN_PORT: "x", DERP_VERSION: "true", DERP_DEV: "?" };
  assertEquals(parse("-h", { env }).kind, "help");
  assertEquals(parse("-version", { env }).kind, "version");
});

Deno.test("readEnvironment() asks for no variable without DERP_ in front, and for few", () => {
  const asked: string[] = [];
  const env = (name: string) => {
    asked.push(name);
    return undefined;
  };
  readEnvironment(FLAGS, { env, given: new Set() });
  assert(asked.every((name) => name.startsWith("DERP_")));
  assert(asked.length < 3000, String(asked.length));
});
