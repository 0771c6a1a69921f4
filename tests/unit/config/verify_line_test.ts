/** The command line of `derper verify`, and the one that is given to paste. */
import type { Verification } from "../../../src/config/config.ts";
import { FLAGS } from "../../../src/config/flags.ts";
import { VERIFICATION_FLAGS } from "../../../src/config/verification_flags.ts";
import { verifyCommandLine } from "../../../src/config/verify_command_line.ts";
import {
  parseVerifyLine,
  type VerifyLine,
} from "../../../src/config/verify_line.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { configOf, PLAIN, surroundings, type World } from "./read_line.ts";

const KEY = `nodekey:${"0123456789abcdef".repeat(4)}`;

/** Of flags that take no empty text. */
const SOME_VALUES: Readonly<Record<string, string>> = {
  "reverify-interval": "1h",
  "verify-cache-ttl": "5m",
  "verify-stale-ttl": "24h",
};

function parse(line: string, world?: World): VerifyLine {
  const args = line === "" ? [] : line.split(" ");
  return parseVerifyLine(args, surroundings(world));
}

function verificationOf(line: string, world?: World): Verification {
  const result = parse(line, world);
  assert(result.kind === "run", JSON.stringify(result));
  assertEquals(result.key.toString(), KEY);
  return result.verification;
}

function problemsOf(line: string, world?: World): readonly string[] {
  const result = parse(line, world);
  assert(result.kind === "problems", JSON.stringify(result));
  return result.problems;
}

Deno.test("parseVerifyLine() takes the relay's command line as it is, and minds what verifies alone", () => {
  const flags =
    "-verify-clients -socket /a,/b -verify-client-url https://v -verify-policy all";
  const relays = `${PLAIN} ${flags}`;
  const { verification } = configOf(relays);
  assertEquals(verificationOf(`${KEY} ${relays}`), verification);
  assertEquals(verificationOf(`${relays} ${KEY}`), verification);
  assertEquals(verificationOf(`${KEY} ${flags}`), verification);
  const wrong =
    "-a x -certmode nix -hostname https://x -stun-port many -tcp-user-timeout ? -ace -version";
  assertEquals(verificationOf(`${KEY} ${wrong} ${flags}`), verification);
});

Deno.test("parseVerifyLine() takes every flag of the relay", () => {
  for (const [name, { type }] of Object.entries(FLAGS)) {
    const value = Object.hasOwn(VERIFICATION_FLAGS, name)
      ? SOME_VALUES[name] ?? ""
      : "anything";
    const flag = type === "bool" ? `-${name}` : `-${name}=${value}`;
    const { keysFile } = verificationOf(
      `${KEY} -verify-client-url-fail-open ${flag} -verify-keys-file n`,
    );
    assertEquals(keysFile, "n", name);
  }
});

Deno.test("parseVerifyLine() takes the environment of the relay", () => {
  const env = {
    DERP_VERIFY_CLIENTS: "true",
    DERP_SOCKET: "/a",
    DERP_ADDR: "nonsense",
    DERP_STUN_PORT: "x",
    DERP_DOMAIN: "a",
    DERP_HOST: "b",
  };
  assertEquals(verificationOf(KEY, { env }).sockets, ["/a"]);
  assertEquals(verificationOf(`${KEY} -socket /b`, { env }).sockets, ["/b"]);
  assertEquals(problemsOf(KEY, { env: { DERP_VERIFY_CLIENT: "true" } }), [
    "Unknown environment variable DERP_VERIFY_CLIENT: rename it if DERP_VERIFY_CLIENTS is meant, else remove it",
  ]);
});

Deno.test("parseVerifyLine() says what is wrong with the key, and shows how it is done", () => {
  const keys = ["", "nodekey:00", KEY.slice(8), "[AbCdE]", `${KEY}0`];
  for (const key of keys) {
    const problems = problemsOf(`${key} -verify-clients`.trim());
    assertEquals(problems.length, 1, key);
    assertStringIncludes(problems[0]!, `Invalid node key "${key}": give`);
  }
});

Deno.test("parseVerifyLine() wants somebody to ask", () => {
  for (
    const flags of ["", " -a :80", " -socket /a", " -verify-clients=false"]
  ) {
    const [problem, ...more] = problemsOf(KEY + flags);
    assertEquals(more, []);
    assertStringIncludes(problem!, "Nobody is verified: ");
  }
});

Deno.test("parseVerifyLine() tells all that is wrong with the flags that verify", () => {
  assertEquals(
    problemsOf(
      `${KEY} -verify-policy x -verify-headscale h -nope stray -stun=?`,
    ),
    [
      'Unknown flag "-nope" with "stray"',
      'Invalid -stun "?": it takes true or false',
      'Invalid -verify-headscale "h": it is no URL that starts with http:// or https://',
      'Invalid -verify-headscale-key-file "": -verify-headscale needs a file with an API key',
      'Invalid -verify-policy "x": it takes any or all',
    ],
  );
  assertEquals(problemsOf(`${KEY} -verify-clients ${KEY}`).length, 1);
});

Deno.test("parseVerifyLine() answers -h with the flags that verify", () => {
  for (const line of ["-h", `${KEY} -help`, `${KEY} -a x -h`]) {
    const result = parse(line);
    assert(result.kind === "help", line);
    assertStringIncludes(result.text, "derper verify nodekey:...");
    assertStringIncludes(result.text, "\n  -verify-headscale string\n");
    assert(!result.text.includes("-certmode"));
  }
});

Deno.test("verifyCommandLine() makes a line that asks the same", () => {
  const lines = [
    "-verify-clients",
    "-verify-clients -socket /a,/b:c -verify-policy all",
    "-verify-client-url https://v/x,y,http://w -verify-client-url-fail-open=false",
    "-verify-keys-file n -verify-headscale https://h -verify-headscale-key-file k",
    "-verify-tailscale-api - -verify-tailscale-client-id-file i " +
    "-verify-tailscale-client-secret-file s",
  ];
  for (const line of lines) {
    const verification = configOf(`${PLAIN} ${line}`).verification!;
    const made = verifyCommandLine(verification, KEY);
    assert(made.startsWith(`derper verify ${KEY} -verify-`), made);
    const args = made.split(" ").slice(2).join(" ");
    assertEquals(verificationOf(args), verification);
  }
  const timed = configOf(`${PLAIN} -verify-keys-file n -verify-cache-ttl 5m`);
  assertEquals(
    verifyCommandLine(timed.verification!, KEY),
    `derper verify ${KEY} -verify-keys-file n`,
  );
});

Deno.test("verifyCommandLine() quotes for a shell, and shows no password", () => {
  const verification: Verification = {
    sockets: ["/it's $HOME"],
    urls: ["https://u:s3cret@v/x?token=s3cret", "https://v/x#s3cret"],
    urlFailOpen: true,
    policy: "each-kind",
    cacheTtlMs: 0,
    staleTtlMs: 0,
    reverifyIntervalMs: 0,
  };
  assertEquals(
    verifyCommandLine(verification, KEY),
    `derper verify ${KEY} -verify-clients -socket '/it'\\''s $HOME' ` +
      "-verify-client-url 'https://(hidden)@v/x?(hidden)' " +
      "-verify-client-url 'https://v/x?(hidden)'",
  );
});
