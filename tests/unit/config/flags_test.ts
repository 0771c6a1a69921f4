/** The flag table against derper's own. */
import { FLAGS } from "../../../src/config/flags.ts";
import { flagDefaults, type FlagTable } from "../../../src/config/go_flag.ts";
import { usageText } from "../../../src/config/usage.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

/** Names of our own, and those of derper, which a test with the real one compares in full. */
const OURS =
  "acme-directory cert-file drain home-file key-file log-format log-level metrics-addr reuse-port " +
  "reverify-interval stun-health-gate trusted-proxies " +
  "verify-cache-ttl verify-headscale verify-headscale-key-file verify-keys-file " +
  "verify-policy verify-stale-ttl verify-tailscale-api " +
  "verify-tailscale-client-id-file verify-tailscale-client-secret-file";

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

Deno.test("FLAGS marks our own, and refuses -ace alone", () => {
  const named = (is: (name: string) => boolean) =>
    Object.keys(table).filter(is).sort().join(" ");
  assertEquals(named((name) => table[name]!.ours === true), OURS);
  assertEquals(named((name) => table[name]!.unsupported !== undefined), "ace");
  assertEquals(named((name) => table[name]!.secret === true), "acme-eab-key");
  assertEquals(
    named((name) => table[name]!.repeats === true),
    "socket verify-client-url",
  );
});

Deno.test("usageText() shows all flags in Go's layout, and which are ours", () => {
  const text = usageText(table, defaultsFor({ HOME: "/home/u" }));
  const lines = text.matchAll(/^ {2}-(\S+).*\n {4}\t(.*)$/gm);
  const helps = new Map([...lines].map(([, name, help]) => [name!, help!]));
  assertEquals([...helps.keys()], Object.keys(table).sort());
  const ours = [...helps].filter(([, help]) =>
    help.includes(" [not in Tailscale's derper]")
  );
  assertEquals(ours.map(([name]) => name).join(" "), OURS);
  assert(text.startsWith("Usage of derper:\n  -a string\n    \taddress"));
  assertMatch(text, /\(default ":443"\)\n {2}-accept-connection-burst int\n/);
  assertMatch(text, / {2}-stun\n {4}\t.*\(default true\)\n/);
  assertMatch(text, /derper\] \(default true\)\n/);
  assertMatch(text, /DERP_VERIFY_CLIENTS=true[^]* wins\.\n$/);
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
