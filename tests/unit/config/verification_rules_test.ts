/** The rules for who verifies clients, and how. */
import { parseCommandLine } from "../../../src/config/command_line.ts";
import type { Verification } from "../../../src/config/config.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, problemsOf, run, surroundings } from "./read_line.ts";

const NO_URL = "it is no URL that starts with http:// or https://";
const HEADSCALE = "-verify-headscale https://h -verify-headscale-key-file k";
const API = "-verify-tailscale-api example.com " +
  "-verify-tailscale-client-id-file i -verify-tailscale-client-secret-file s";

/** What `flags` make of a right command line. */
function verificationOf(
  flags: string,
  env?: Readonly<Record<string, string>>,
): Verification {
  const line = `${PLAIN} ${flags}`.trim();
  const { verification } = configOf(line, { ...env && { env } });
  assert(verification !== undefined, flags);
  return verification;
}

function problems(flags: string): readonly string[] {
  return problemsOf(`${PLAIN} ${flags}`);
}

/** With derper's defaults. */
const DERPERS: Verification = {
  sockets: [],
  urls: [],
  urlFailOpen: true,
  policy: "each-kind",
  cacheTtlMs: 0,
  staleTtlMs: 0,
  reverifyIntervalMs: 0,
};

Deno.test("verification() is absent without a source, and as derper's with its flags", () => {
  assert(!("verification" in configOf(PLAIN)));
  assert(!("verification" in configOf(`${PLAIN} -verify-clients=false`)));
  assert(!("verification" in configOf(`${PLAIN} -verify-client-url=`)));
  const sockets = ["/var/run/tailscale/tailscaled.sock"];
  const urls = ["https://v/verify"];
  const url = `-verify-client-url ${urls[0]}`;
  const of = (part: Partial<Verification>) => ({ ...DERPERS, ...part });
  assertEquals(verificationOf("-verify-clients"), of({ sockets }));
  assertEquals(verificationOf("-verify-clients -socket="), of({ sockets }));
  assertEquals(
    verificationOf("-verify-clients -socket /s"),
    of({ sockets: ["/s"] }),
  );
  assertEquals(verificationOf(url), of({ urls }));
  assertEquals(
    verificationOf(`-verify-clients ${url}`),
    of({ sockets, urls }),
  );
});

Deno.test("verification() has one source for each flag of ours", () => {
  assertEquals(verificationOf("-verify-keys-file n").keysFile, "n");
  assertEquals(verificationOf(HEADSCALE).headscale, {
    url: "https://h",
    keyFile: "k",
  });
  assertEquals(verificationOf(API).tailscaleApi, {
    tailnet: "example.com",
    clientIdFile: "i",
    clientSecretFile: "s",
  });
});

Deno.test("verification() adds up what is repeated and what commas separate", () => {
  const { sockets, urls } = verificationOf(
    "-verify-clients -socket /a,/b -socket=/c " +
      "-verify-client-url https://v,http://w/x?y=1,2 -verify-client-url HTTPS://z",
  );
  assertEquals(sockets, ["/a", "/b", "/c"]);
  assertEquals(urls, ["https://v", "http://w/x?y=1,2", "HTTPS://z"]);
  const spaced = parseCommandLine(
    [...PLAIN.split(" "), "-verify-clients", "-socket", " /a , /b c"],
    surroundings(),
  );
  assert(spaced.kind === "run");
  assertEquals(spaced.config.verification?.sockets, ["/a", "/b c"]);
});

Deno.test("verification() takes lists from the environment, unless a flag is given", () => {
  const env = {
    DERP_VERIFY_CLIENTS: "true",
    DERP_SOCKET: "/a,/b",
    DERP_VERIFY_POLICY: "all",
    DERP_REVERIFY_INTERVAL: "1m",
  };
  const verification = verificationOf("", env);
  assertEquals(verification.sockets, ["/a", "/b"]);
  assertEquals(verification.policy, "all");
  assertEquals(verification.reverifyIntervalMs, 60_000);
  assertEquals(verificationOf("-socket /c", env).sockets, ["/c"]);
});

Deno.test("verification() refuses lists with gaps and repetitions", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["socket", "/a,", "it has an empty entry, leave out the comma"],
    ["socket", "/a,,/b", "it has an empty entry, leave out the comma"],
    ["socket", "/a,/b,/a", 'it has "/a" twice'],
    [
      "verify-client-url",
      "http://v,",
      "it has an empty entry, leave out the comma",
    ],
    ["verify-client-url", "http://v,http://v", 'it has "http://v" twice'],
    [
      "verify-client-url",
      "https://v.example,w.example",
      "the host has a comma, write each URL with http:// or https://",
    ],
    ["verify-client-url", "http://v,https://", `in "https://" ${NO_URL}`],
  ];
  for (const [flag, value, mistake] of cases) {
    assertEquals(problems(`-verify-clients -${flag} ${value}`), [
      `Invalid -${flag} "${value}": ${mistake}`,
    ]);
  }
  assertEquals(problems("-verify-clients -socket /a -socket /b -socket /a"), [
    'Invalid -socket "/a", "/b", "/a": it has "/a" twice',
  ]);
});

Deno.test("verification() wants URLs, files and a tailnet", () => {
  assertEquals(problems("-verify-client-url v:80"), [
    `Invalid -verify-client-url "v:80": ${NO_URL}`,
  ]);
  assertEquals(problems("-verify-headscale h"), [
    `Invalid -verify-headscale "h": ${NO_URL}`,
    'Invalid -verify-headscale-key-file "": -verify-headscale needs a file with an API key',
  ]);
  assertEquals(problems(`${HEADSCALE} -verify-headscale https://h?a`), [
    'Invalid -verify-headscale "https://h?a": leave out what begins with ? or #',
  ]);
  assertEquals(problems("-verify-tailscale-api -"), [
    'Invalid -verify-tailscale-client-id-file "": -verify-tailscale-api needs a file with the id of an OAuth client',
    'Invalid -verify-tailscale-client-secret-file "": -verify-tailscale-api needs a file with the secret of an OAuth client',
  ]);
  for (const tailnet of ["https://t", "a/b", "a,b", "a?b"]) {
    assertEquals(problems(`${API} -verify-tailscale-api ${tailnet}`), [
      `Invalid -verify-tailscale-api "${tailnet}": it takes a tailnet as the admin console names it, or "-"`,
    ]);
  }
});

Deno.test("verification() never shows a secret that was given in place of a file", () => {
  const secret = "s3cr3t";
  const lines = [
    `${HEADSCALE} -verify-headscale-key-file hskey-api-${secret}`,
    `${HEADSCALE} -verify-headscale https://u:${secret}@h`,
    `${API} -verify-tailscale-client-id-file tskey-client-${secret}`,
    `${API} -verify-tailscale-client-secret-file=tskey-client-${secret}`,
    `${API} -verify-tailscale-api tskey-api-${secret}`,
    `${HEADSCALE} -verify-headscale-key ${secret}`,
    `${API} -verify-tailscale-client-secret=${secret}`,
    `-verify-headscale-token ${secret}`,
  ];
  for (const line of lines) {
    const found = problems(line);
    assertEquals(found.length, 1, line);
    assertStringIncludes(found[0]!, " (hidden)");
    assert(!found[0]!.includes(secret), line);
  }
});

Deno.test("verification() takes any and all for a policy, and one of each kind without", () => {
  const two = "-verify-clients -verify-keys-file n";
  assertEquals(verificationOf(two).policy, "each-kind");
  assertEquals(verificationOf(`${two} -verify-policy any`).policy, "any");
  assertEquals(verificationOf(`${two} -verify-policy all`).policy, "all");
  for (const policy of ["ANY", "each-kind", "none"]) {
    assertEquals(problems(`${two} -verify-policy ${policy}`), [
      `Invalid -verify-policy "${policy}": it takes any or all`,
    ]);
  }
});

Deno.test("verification() wants to be told who comes in with any source while a URL is down", () => {
  const line = "-verify-policy any -verify-client-url http://v -verify-clients";
  const [problem, ...more] = problems(line);
  assertEquals(more, []);
  assertStringIncludes(problem!, 'Invalid -verify-policy "any": while');
  for (const failOpen of [true, false]) {
    const flag = `-verify-client-url-fail-open=${failOpen}`;
    assertEquals(verificationOf(`${line} ${flag}`).urlFailOpen, failOpen);
  }
});

Deno.test("verification() takes times of at least 0, and re-verifies no more often than each second", () => {
  const flags = ["verify-cache-ttl", "verify-stale-ttl", "reverify-interval"];
  for (const flag of flags) {
    assertEquals(problems(`-verify-clients -${flag} -1s`), [
      `Invalid -${flag} "-1s": a time can't be negative`,
    ]);
    assertEquals(problems(`-${flag} 597h`).length, 1); // also where it has no effect
  }
  assertEquals(problems("-verify-clients -reverify-interval 999ms"), [
    'Invalid -reverify-interval "999ms": it can\'t be under 1s; 0 is for never',
  ]);
  const { cacheTtlMs, staleTtlMs, reverifyIntervalMs } = verificationOf(
    "-verify-clients -verify-cache-ttl 1ns -verify-stale-ttl 0 -reverify-interval 1s",
  );
  assertEquals([cacheTtlMs, staleTtlMs, reverifyIntervalMs], [1, 0, 1_000]);
});

Deno.test("verification() notes flags that have no effect", () => {
  const without = run(
    `${PLAIN} -socket s -verify-client-url-fail-open=false ` +
      "-verify-headscale-key-file k -verify-tailscale-client-id-file i " +
      "-verify-tailscale-client-secret-file s -verify-policy any " +
      "-verify-cache-ttl 5m -verify-stale-ttl 24h -reverify-interval 1h",
  );
  assert(!("verification" in without.config));
  const flags = without.notes.map((note) => note.split(" ")[0]);
  assertEquals(flags.sort(), [
    "-reverify-interval",
    "-socket",
    "-verify-cache-ttl",
    "-verify-client-url-fail-open",
    "-verify-headscale-key-file",
    "-verify-policy",
    "-verify-stale-ttl",
    "-verify-tailscale-client-id-file",
    "-verify-tailscale-client-secret-file",
  ]);
  const single = run(`${PLAIN} -verify-clients -verify-policy any`);
  assertEquals(single.notes, [
    '-verify-policy "any" has no effect with a single source that verifies',
  ]);
});
