import {
  formatKeys,
  type ParsedKeys,
  parseKeys,
} from "../../../src/admission/key_list_text.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const [ANN, BOB, EVE] = ["a", "b", "e"]
  .map((digit) => `nodekey:${digit.repeat(64)}`) as [string, string, string];
const FAULT = 'begin with "nodekey:" and 64 hexadecimal digits';

function parse(text: string): ParsedKeys {
  const parsed = parseKeys(text, NOW);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

function namesIn(text: string): [string, string | undefined][] {
  return [...parse(text).list.names];
}

const BOTH: [string, string | undefined][] = [
  [ANN, "ann's phone"],
  [BOB, undefined],
];

const LISTS: Record<string, string> = {
  "lines": `${ANN} ann's phone\n${BOB}\n`,
  "no line feed at the end": `${ANN} ann's phone\n${BOB}`,
  "CRLF": `${ANN}\tann's phone\r\n${BOB}\r\n`,
  "a byte order mark": `\ufeff${ANN} ann's phone\n${BOB}\n`,
  "a byte order mark before a comment":
    `\ufeff# list\n${ANN} ann's phone\n${BOB}`,
  "empty lines and comments":
    `# list\n\n \n${ANN}   ann's phone  \n  # ${EVE}\n ${BOB} \n\n`,
  "upper case": `${
    ANN.toUpperCase().replace("NODEKEY", "nodekey")
  } ann's phone\n${BOB}`,
  "a key twice": `${ANN} ann's phone\n${BOB}\n${ANN} another`,
};

for (const [what, text] of Object.entries(LISTS)) {
  Deno.test(`parseKeys() reads a list with ${what}`, () => {
    assertEquals(namesIn(text), BOTH);
    assertEquals(parse(text).fault, undefined);
  });
}

const STATUS = JSON.stringify({
  BackendState: "Running",
  Self: { PublicKey: ANN, DNSName: "ann.example.ts.net.", InNetworkMap: true },
  Peer: {
    [BOB]: { PublicKey: BOB, HostName: "bob", InNetworkMap: true },
    [EVE]: { PublicKey: EVE, HostName: "eve", Expired: true },
  },
});

for (
  const [what, text] of Object.entries({
    "as it is": STATUS,
    "with a byte order mark and CRLF": `\ufeff\r\n${STATUS}\r\n`,
  })
) {
  Deno.test(`parseKeys() reads the output of tailscale status --json ${what}`, () => {
    assertEquals(namesIn(text), [[ANN, "ann.example.ts.net"], [BOB, "bob"]]);
    assertEquals(parse(text).fault, undefined);
  });
}

Deno.test("parseKeys() says how many nodes of a status have no usable key", () => {
  const { list, fault } = parse(
    JSON.stringify({ Self: { PublicKey: ANN }, Peer: { x: {}, y: {} } }),
  );
  assertEquals(list.size, 1);
  assertEquals(fault, "2 of its nodes have no usable key");
});

Deno.test("parseKeys() takes 9,999 of 10,000 lines and names the bad one", () => {
  const lines = Array.from(
    { length: 10_000 },
    (_, i) => `nodekey:${(i + 1).toString(16).padStart(64, "0")} node ${i}`,
  );
  lines[7_654] = `${ANN}f ann`;
  const { list, fault } = parse(lines.join("\n"));
  assertEquals(list.size, 9_999);
  assertEquals(fault, `line 7655 doesn't ${FAULT}`);
});

Deno.test("parseKeys() names the first bad lines, counts the others and quotes none", () => {
  const bad = `privkey:${"5".repeat(64)}`;
  const text = [ANN, "", bad, bad, `# ${bad}`, bad, BOB, "x", "y"].join("\r\n");
  const { list, fault } = parse(text);
  assertEquals(list.size, 2);
  assertEquals(fault, `lines 3, 4, 6 and 2 more don't ${FAULT}`);
});

const WRONG: [text: string, why: string][] = [
  ["", "it is empty"],
  ["\ufeff \r\n", "it is empty"],
  ["# nobody yet\n", "it lists no node key"],
  ["<html>\n", `it lists no node key: line 1 doesn't ${FAULT}`],
  [
    `nodekey:${"0".repeat(64)}`,
    `it lists no node key: line 1 doesn't ${FAULT}`,
  ],
  ["a\nb", `it lists no node key: lines 1, 2 don't ${FAULT}`],
  [`${ANN} ann\n${BOB.slice(0, 40)}`, "its last line is cut off"],
  [STATUS.slice(0, -1), "it begins as JSON but isn't, or isn't complete"],
  [`${STATUS}x`, "it begins as JSON but isn't, or isn't complete"],
  [
    '{"error": "no"}',
    'it is JSON, but not what "tailscale status --json" says: it has neither Self nor Peer',
  ],
  [
    JSON.stringify({
      BackendState: "NeedsLogin",
      Self: { PublicKey: `nodekey:${"0".repeat(64)}` },
      Peer: { [EVE]: { Expired: true } },
    }),
    'it lists no node that may be admitted: its state is "NeedsLogin", expired nodes: 1',
  ],
];

for (const [text, why] of WRONG) {
  Deno.test(`parseKeys() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assertEquals(parseKeys(text, NOW), why);
  });
}

Deno.test("parseKeys() recognizes UTF-16, whatever it holds", () => {
  for (const content of [STATUS, `${ANN}\n`]) {
    for (const mark of ["\ufeff", ""]) {
      const bytes = new Uint8Array(
        Uint16Array.from(mark + content, (c) => c.charCodeAt(0)).buffer,
      );
      const text = new TextDecoder().decode(bytes);
      assertEquals(
        parseKeys(text, NOW),
        "it isn't UTF-8 but perhaps UTF-16, as PowerShell writes it",
      );
    }
  }
});

Deno.test("parseKeys() gives up on JSON that is nested too deeply", () => {
  const parsed = parseKeys('{"Self":' + "[".repeat(1_000_000), NOW);
  assertEquals(parsed, "it begins as JSON but isn't, or isn't complete");
});

Deno.test("formatKeys() sorts by name and key, below its comments", () => {
  const names = new Map([
    [EVE, "zoë"],
    [BOB, "ann"],
    [ANN, "ann"],
    [`nodekey:${"f".repeat(64)}`, undefined],
  ]);
  assertEquals(
    formatKeys(names, ["first", "second"]),
    `# first\n# second\nnodekey:${
      "f".repeat(64)
    }\n${ANN} ann\n${BOB} ann\n${EVE} zoë\n`,
  );
});

Deno.test("parseKeys() reads back what formatKeys() writes", () => {
  const names = new Map([[ANN, "# ann {"], [BOB, undefined], [EVE, "eve"]]);
  const { list, fault } = parse(formatKeys(names, ["{"]));
  assertEquals(new Map(list.names), names);
  assert(fault === undefined);
});
