/** The flag table against derper's own. */
import { FLAGS } from "../../../src/config/flags.ts";
import { flagDefaults, type FlagTable } from "../../../src/config/go_flag.ts";
import { usageText } from "../../../src/config/usage.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

/**
 * Name, type and default of every flag, from `HOME=/home/u derper -h` of derper
 * 1.102.5, but for `unpublished-bootstrap-dns-names`, whose type it prints as 0.
 */
const GO_FLAGS = `
a string ":443"
accept-connection-burst int 9223372036854775807
accept-connection-limit float +Inf
ace
acme-eab-key string
acme-eab-kid string
acme-email string
acme-ip-certs
bootstrap-dns-names string
c string
certdir string "/home/u/.cache/tailscale/derper-certs"
certmode string "letsencrypt"
derp true
dev
home string
hostname string "derp.tailscale.com"
http-port int 80
mesh-psk-file string
mesh-with string
rate-config string
secrets-cache-dir string "/home/u/.cache/derper-secrets"
secrets-path-prefix string "prod/derp"
secrets-url string
socket string
stun true
stun-port int 3478
tcp-keepalive-time duration 10m0s
tcp-user-timeout duration 15s
tcp-write-timeout duration 2s
unpublished-bootstrap-dns-names string
verify-client-url string
verify-client-url-fail-open true
verify-clients
version
`;

const SUPPORTED =
  "a c certdir certmode derp dev home hostname http-port mesh-psk-file mesh-with " +
  "socket stun stun-port tcp-keepalive-time tcp-user-timeout tcp-write-timeout " +
  "verify-client-url verify-client-url-fail-open verify-clients version";

const table: FlagTable = FLAGS;

function defaultsFor(
  env: Readonly<Record<string, string>>,
  ...files: readonly string[]
): ReadonlyMap<string, string> {
  return flagDefaults(table, {
    env: (name) => env[name],
    uid: 0,
    exists: (path) => files.includes(path),
  });
}

/** What `-h` prints, as lines of `GO_FLAGS`. */
function summary(usage: string): string[] {
  return [...usage.matchAll(/^ {2}-(.*)\n(.*)$/gm)].map(([, head, help]) => {
    const value = /\(default (.*)\)$/.exec(help!)?.[1];
    return value === undefined ? head! : `${head} ${value}`;
  });
}

Deno.test("FLAGS has the names, types and defaults of derper 1.102.5", () => {
  const all = Object.fromEntries(
    Object.entries(table).map(([name, { type, default: value, help }]) => [
      name,
      { type, default: value, help },
    ]),
  );
  const defaults = defaultsFor({ HOME: "/home/u" });
  assertEquals(
    summary(usageText(all, defaults)),
    GO_FLAGS.trim().split("\n"),
  );
});

Deno.test("usageText() shows all supported flags and no other, in Go's layout", () => {
  const text = usageText(table, defaultsFor({ HOME: "/home/u" }));
  const names = summary(text).map((line) => line.split(" ")[0]);
  assertEquals(names.join(" "), SUPPORTED);
  assert(text.startsWith("Usage of derper:\n  -a string\n    \taddress"));
  assertMatch(text, /\(default ":443"\)\n {2}-c string\n {4}\t/);
  assertMatch(text, / {2}-stun\n {4}\t.*\(default true\)\n/);
  assert(text.endsWith("\n"));
});

Deno.test("FLAGS has a help text for each flag", () => {
  for (const [name, { help }] of Object.entries(table)) {
    assertMatch(help, /^\S.{10,}[^.\s]$/, name);
  }
});

Deno.test("FLAGS has no name that parseArgs() takes for something else", () => {
  for (const name of Object.keys(table)) {
    assertMatch(name, /^(?!no-)[a-z]+(?:-[a-z]+)*$/);
  }
});

Deno.test("certdir's default is where Go keeps a user's caches", () => {
  const leaf = "/tailscale/derper-certs";
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ HOME: "/h", XDG_CACHE_HOME: "/x" }, `/x${leaf}`],
    [{ HOME: "/h", XDG_CACHE_HOME: "" }, `/h/.cache${leaf}`],
    [{ HOME: "/h/" }, `/h/.cache${leaf}`],
    [{ HOME: "/" }, `/.cache${leaf}`],
    [{ HOME: "/h", XDG_CACHE_HOME: "relative" }, ""],
    [{}, ""],
  ];
  for (const [env, expected] of cases) {
    assertEquals(defaultsFor(env).get("certdir"), expected);
  }
});

Deno.test("mesh-psk-file's default is the first of derper's two places that exists", () => {
  const first = "/home/derp/keys/derp-mesh.key";
  const second = "/h/keys/derp-mesh.key";
  const read = (...files: readonly string[]) =>
    defaultsFor({ HOME: "/h" }, ...files).get("mesh-psk-file");
  assertEquals(read(), "");
  assertEquals(read(second), second);
  assertEquals(read(second, first), first);
});
