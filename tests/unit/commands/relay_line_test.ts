/** Which relay a command line means, and which mistakes are named. */
import { takeOperands } from "../../../src/commands/operands.ts";
import { CERT_NAME, STUN_PORT } from "../../../src/commands/relay_flags.ts";
import { parseRelayLine } from "../../../src/commands/relay_line.ts";
import { localPlace, nearAddress } from "../../../src/commands/local_relay.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { surroundings } from "../config/read_line.ts";

const TABLES = { own: CERT_NAME, url: STUN_PORT };

function parse(line: string, env: Record<string, string> = {}) {
  const args = line === "" ? [] : line.split(" ");
  return parseRelayLine(args, surroundings({ env }), TABLES);
}

function problems(line: string, env?: Record<string, string>): string {
  const result = parse(line, env);
  assert(result.kind === "problems", JSON.stringify(result));
  return result.problems.join("\n");
}

Deno.test("takeOperands() finds operands in front of flags, between and behind them", () => {
  const table = {
    b: { type: "bool", default: "false", help: "" },
    s: { type: "string", default: "", help: "" },
  } as const;
  const cases: readonly (readonly [string, string, string])[] = [
    ["x -b -s v", "x", "-b -s v"],
    ["-b x -s v", "x", "-b -s v"],
    ["-s v -b x", "x", "-s v -b"],
    ["--s=v x", "x", "--s=v"],
    ["-s", "", "-s"],
    ["-n v x", "x", "-n v"],
    ["-n -b x", "x", "-n -b"],
    ["x y", "x y", ""],
  ];
  for (const [line, operands, flags] of cases) {
    const taken = takeOperands(line.split(" "), table);
    assertEquals(taken.operands.join(" "), operands, line);
    assertEquals(taken.flagArgs.join(" "), flags, line);
  }
});

Deno.test("parseRelayLine() takes a URL with its own flags, and no environment", () => {
  const line = parse("-stun-port 1 https://a.test:8443", {
    DERP_STUN_PORT: "2",
    DERP_HOSTNAME: "b.test",
  });
  assert(line.kind === "url");
  assertEquals(line.place, { name: "a.test", port: 8443, isTls: true });
  assertEquals(line.url["stun-port"], 1);
});

Deno.test("parseRelayLine() takes the relay's own flags and environment where there is no URL", () => {
  const env = { DERP_HOSTNAME: "b.test", DERP_CERT_DIR: "/d", DERP_A: ":8443" };
  const line = parse("-certmode manual -home https://c.test", env);
  assert(line.kind === "local");
  assertEquals(localPlace(line.config), {
    name: "b.test",
    port: 8443,
    isTls: true,
  });
  const dev = parse("-dev");
  assert(dev.kind === "local");
  assertEquals(localPlace(dev.config), {
    name: "127.0.0.1",
    port: 3340,
    isTls: false,
  });
});

Deno.test("parseRelayLine() names what is wrong", () => {
  assertMatch(problems(""), /^Which relay\? Give its URL/);
  assertMatch(problems("derp.example.com"), /^Invalid URL "derp.example.com"/);
  assertMatch(problems("https://a.test https://b.test"), /"https:\/\/b.test"/);
  assertMatch(problems("https://a.test -hostname x"), /Unknown flag/);
  assertMatch(problems("https://a.test -stun-port x"), /^Invalid -stun-port/);
  assertMatch(problems("-hostname a.test -dev=maybe"), /^Invalid -dev/m);
  assertMatch(problems("-dev", { DERP_STUN_PORT: "x" }), /DERP_STUN_PORT/);
  assertMatch(problems("-dev -stun-port 0"), /^Invalid -stun-port: port 0/);
  assertMatch(problems("-a unix:/d.sock"), /^Invalid -a: .* the proxy/);
});

Deno.test("parseRelayLine() leaves help to the command", () => {
  assertEquals(parse("-h").kind, "help");
  assertEquals(parse("https://a.test -help").kind, "help");
});

Deno.test("nearAddress() stays on the machine where that can be", () => {
  assertEquals(
    [undefined, "0.0.0.0", "::", "localhost", "192.0.2.1"].map(nearAddress),
    ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "192.0.2.1"],
  );
});
