/** `-verify-headscale`: who is admitted by a headscale server, and by one that misbehaves. */
import { headscaleSource } from "../../src/admission/headscale.ts";
import type { ListedSource } from "../../src/admission/listed_source.ts";
import { SourceError } from "../../src/admission/source.ts";
import type { NodePublic } from "../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { withDir } from "../support/certs/cert_dir.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeHeadscale } from "../support/fake_headscale.ts";
import { testKey } from "../support/test_keys.ts";
import { freePort } from "../support/free_ports.ts";
import { NEW, OLD } from "../support/tls_server.ts";

const ANNE = testKey(1).publicKey;
const BERT = testKey(2).publicKey;

/** A server, its API key in a file, and sources that ask it. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly server: FakeHeadscale;
  readonly keyFile: string;
  readonly #sources: ListedSource[] = [];

  constructor(server: FakeHeadscale, keyFile: string) {
    this.server = server;
    this.keyFile = keyFile;
    this.server.nodes = [node(ANNE, "anne")];
  }

  source(url = this.server.url): ListedSource {
    const { clock, keyFile } = this;
    const source = headscaleSource({
      url,
      keyFile,
      clock,
      caCerts: [OLD.cert],
    });
    this.#sources.push(source);
    return source;
  }

  /** Time for the source to look again, which may fail. */
  async lookAgain(source: ListedSource): Promise<void> {
    await this.clock.advance(5_000);
    await ask(source, testKey(99).publicKey).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of this.#sources) await source.close();
    await this.server[Symbol.asyncDispose]();
    assertEquals(this.clock.pending, 0);
  }
}

function node(
  key: NodePublic,
  givenName: string,
  expiry: string | null = null,
) {
  return { nodeKey: key.toString(), givenName, expiry };
}

/** Runs `test` with a server over TLS and its API key in a file. */
async function withBench(test: (bench: Bench) => Promise<void>): Promise<void> {
  await withDir({}, async (dir) => {
    const server = new FakeHeadscale({ tls: OLD });
    const keyFile = `${dir}/key`;
    const options = { mode: 0o600 };
    await Deno.writeTextFile(keyFile, `${server.apiKey}\n`, options);
    await using bench = new Bench(server, keyFile);
    await test(bench);
  });
}

function ask(source: ListedSource, key: NodePublic) {
  const { signal } = new AbortController();
  return source.ask({ key, ip: "192.0.2.1" }, signal);
}

/** What an operator reads of the error that there is. */
async function complaint(source: ListedSource): Promise<string> {
  const error = await assertRejects(() => ask(source, BERT), SourceError);
  assert(!error.message.includes("1234567890"));
  assert(!error.advice.includes("1234567890"));
  assert(!/[\r\n]/.test(error.message));
  return `${error.message}; ${error.advice}`;
}

Deno.test("headscaleSource() admits the nodes that headscale lists, over TLS", () =>
  withBench(async (bench) => {
    const source = bench.source(`${bench.server.url}/`);
    const zero = "0001-01-01T00:00:00Z";
    bench.server.nodes.push(
      node(BERT, "bert", zero),
      node(testKey(3).publicKey, "carl", "2020-01-01T00:00:00Z"),
    );
    assertEquals(await ask(source, ANNE), { admitted: true, node: "anne" });
    assertEquals(await ask(source, BERT), { admitted: true, node: "bert" });
    const expired = await ask(source, testKey(3).publicKey);
    assert(!expired.admitted);
    assertEquals(
      expired.reason,
      `In the list of headscale at ${bench.server.url}, but the device "carl" has a key that expired at 2020-01-01T00:00:00.000Z`,
    );
    assert(!(await ask(source, testKey(4).publicKey)).admitted);
    const look = "GET /api/v1/node"; // once to begin with, once for a stranger
    assertEquals(bench.server.requests, [look, look]);
  }));

Deno.test("headscaleSource() admits a node that was just added", () =>
  withBench(async (bench) => {
    const source = bench.source();
    assert((await ask(source, ANNE).catch(() => ask(source, ANNE))).admitted);
    await bench.clock.advance(5_000);
    bench.server.nodes.push(node(BERT, "bert"));
    const answers = await Promise.all([ask(source, BERT), ask(source, BERT)]);
    assert(answers.every(({ admitted }) => admitted));
    assertEquals(bench.server.requests.length, 2);
  }));

Deno.test("headscaleSource() takes an API key that was changed in its file", () =>
  withBench(async (bench) => {
    const source = bench.source();
    assert((await ask(source, ANNE)).admitted);
    bench.server.apiKey = "hskey-api-new-1234567890";
    await bench.lookAgain(source);
    assertStringIncludes(
      await complaint(source),
      `headscale at ${bench.server.url} answers with status 401 and "{\\"title\\":\\"Unauthorized\\",\\"status\\":401,\\"detail\\":\\"Unauthorized\\"}"; the API key in "${bench.keyFile}" is wrong or has expired: `,
    );
    assert((await ask(source, ANNE)).admitted);
    await Deno.writeTextFile(bench.keyFile, bench.server.apiKey);
    await bench.lookAgain(source);
    assertEquals(source.problem, undefined);
  }));

Deno.test("headscaleSource() knows how headscale before 0.27 says that an API key is wrong", () =>
  withBench(async (bench) => {
    bench.server.answer = () => new Response("Unauthorized", { status: 500 });
    assertStringIncludes(
      await complaint(bench.source()),
      'status 500 and "Unauthorized"; the API key in ',
    );
  }));

Deno.test("headscaleSource() keeps a list that headscale says is still the same", () =>
  withBench(async (bench) => {
    bench.server.answer = ({ headers }) =>
      headers.get("if-none-match") === '"v1"'
        ? new Response(null, { status: 304 })
        : Response.json({ nodes: [node(ANNE, "anne")] }, {
          headers: { etag: '"v1"' },
        });
    const source = bench.source();
    assert((await ask(source, ANNE)).admitted);
    bench.server.nodes = [];
    await bench.lookAgain(source);
    assertEquals(bench.server.requests.length, 2);
    assert((await ask(source, ANNE)).admitted);
    assertEquals(source.problem, undefined);
  }));

const HALF = '{"nodes":[{"nodeKey":"nodekey:00","givenName":"a"},{"nodeK';

/** Each with what its complaint has in it. */
const BAD_ANSWERS: readonly [string, () => Response, string][] = [
  [
    "500",
    () => new Response("oops", { status: 500 }),
    'status 500 and "oops"; is it healthy',
  ],
  [
    "404",
    () => new Response("", { status: 404 }),
    'status 404 and ""; does -verify-headscale name',
  ],
  [
    "429",
    () =>
      new Response("slow", { status: 429, headers: { "retry-after": "60" } }),
    "status 429",
  ],
  [
    "304 without a question",
    () => new Response(null, { status: 304 }),
    "status 304",
  ],
  ["204", () => new Response(null, { status: 204 }), "status 204"],
  [
    "HTML",
    () => new Response(`<html>\n<body>Welcome${"!".repeat(500)}`),
    `answers with no list of devices but "<html> <body>Welcome${
      "!".repeat(80)
    }"; is it healthy`,
  ],
  ["nothing", () => new Response(""), 'no list of devices but ""'],
  [
    "half a JSON",
    () => new Response(HALF),
    'no list of devices but "{\\"nodes\\"',
  ],
  ["another JSON", () => Response.json({ machines: [] }), "no list of devices"],
  [
    "a list of something else",
    () => Response.json({ nodes: ["a"] }),
    "no list of devices",
  ],
  [
    "nodes without a key",
    () => Response.json({ nodes: [{}, {}] }),
    "lists 2 nodes without any node key",
  ],
  [
    "the API key",
    () => new Response("hskey-api-abc-1234567890 is bad", { status: 400 }),
    "status 400 and a text with the secret in it",
  ],
  ["an answer that breaks off", broken, "No answer from headscale at"],
];

/** It has less than it says. */
function broken(): Response {
  const body = new Blob([HALF]).stream();
  return new Response(body, { headers: { "content-length": "1000" } });
}

for (const [what, answer, expected] of BAD_ANSWERS) {
  Deno.test(`headscaleSource() can't tell by ${what}, and keeps its list`, () =>
    withBench(async (bench) => {
      const source = bench.source();
      assert((await ask(source, ANNE)).admitted);
      bench.server.answer = answer;
      await bench.lookAgain(source);
      assertStringIncludes(await complaint(source), expected);
      assert((await ask(source, ANNE)).admitted);
    }));
}

Deno.test("headscaleSource() reads no more than 64 MiB", () =>
  withBench(async (bench) => {
    const chunk = new TextEncoder().encode(
      `{"x":"${"y".repeat(1_000_000)}"},`,
    );
    let sent = 0;
    const cancelled = Promise.withResolvers<void>();
    bench.server.answer = () =>
      new Response(
        new ReadableStream({
          start: (controller) =>
            controller.enqueue(new TextEncoder().encode('{"nodes":[')),
          pull(controller) {
            controller.enqueue(chunk);
            sent += chunk.length;
          },
          cancel: () => cancelled.resolve(),
        }),
      );
    assertStringIncludes(
      await complaint(bench.source()),
      "answers with more than 65536 KiB; is it healthy",
    );
    await cancelled.promise;
    assert(sent < 100_000_000);
  }));

Deno.test("headscaleSource() gives a server that hangs 20 s, in its head as in its body", async () => {
  for (const isHeadSent of [true, false]) {
    await withBench(async (bench) => {
      const arrived = Promise.withResolvers<void>();
      const released = Promise.withResolvers<Response>();
      bench.server.answer = () => {
        arrived.resolve();
        return isHeadSent
          ? new Response(new ReadableStream({ cancel() {} }))
          : released.promise;
      };
      const source = bench.source();
      const complaining = complaint(source);
      await arrived.promise;
      await bench.clock.advance(20_000);
      assertEquals(
        await complaining,
        `No answer from headscale at ${bench.server.url}: not in time; is it running, can this machine reach it, and is -verify-headscale right?`,
      );
      released.resolve(new Response());
    });
  }
});

Deno.test("headscaleSource() doesn't follow a redirect, which would get the API key", () =>
  withBench(async (bench) => {
    await using elsewhere = new FakeHeadscale({ tls: OLD });
    elsewhere.nodes = [node(BERT, "bert")];
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `${elsewhere.url}/api/v1/node?token=1234567890`;
      bench.server.answer = () =>
        new Response(null, { status, headers: { location } });
      assertStringIncludes(
        await complaint(bench.source()),
        `redirects to "${elsewhere.url}/api/v1/node", which would get the secrets; give the URL`,
      );
    }
    assertEquals(elsewhere.requests, []);
  }));

Deno.test("headscaleSource() refuses a certificate of somebody else", () =>
  withBench(async (bench) => {
    await using other = new FakeHeadscale({ tls: NEW });
    other.nodes = [node(BERT, "bert")];
    assertStringIncludes(
      await complaint(bench.source(other.url)),
      `No answer from headscale at ${other.url}: client error (Connect): invalid peer certificate: UnknownIssuer; its certificate has to be valid`,
    );
    assertEquals(other.requests, []);
  }));

Deno.test("headscaleSource() says that nobody is there", () =>
  withBench(async (bench) => {
    const url = `https://127.0.0.1:${freePort()}`;
    const text = await complaint(bench.source(url));
    assertStringIncludes(text, `No answer from headscale at ${url}: `);
    assertStringIncludes(text, "Connection refused");
  }));

Deno.test("headscaleSource() says what is wrong with the file of the API key", () =>
  withBench(async (bench) => {
    const { keyFile } = bench;
    const name = `API key of headscale ${JSON.stringify(keyFile)}`;
    const cases: [string, string][] = [
      ["", `The ${name} is empty`],
      ["two words 1234567890", `The ${name} isn't one line without spaces`],
      ["a\nX-Header: 1234567890", `The ${name} isn't one line without spaces`],
      ["clé-1234567890", `The ${name} isn't one line without spaces`],
      ["x".repeat(2_000), `Cannot use ${name}: it is larger than 1 KiB`],
    ];
    for (const [text, expected] of cases) {
      await Deno.writeTextFile(keyFile, text);
      assertStringIncludes(await complaint(bench.source()), `${expected}; `);
    }
    await Deno.remove(keyFile);
    assertStringIncludes(
      await complaint(bench.source()),
      `There is no ${name}; put the API key`,
    );
    await Deno.mkdir(keyFile);
    assertStringIncludes(
      await complaint(bench.source()),
      `Cannot read ${name}: it is a directory; let the user`,
    );
    await Deno.remove(keyFile);
    assertEquals(bench.server.requests, []);
  }));

Deno.test("headscaleSource() warns of what could give the API key away, and never logs it", () =>
  withBench(async (bench) => {
    await using log = await CapturedLog.start();
    await Deno.chmod(bench.keyFile, 0o644);
    const source = bench.source();
    await ask(source, ANNE);
    await bench.lookAgain(source);
    const open = log.matching("every user of this machine has rights on the");
    assertEquals(open.length, 1);
    bench.source("http://headscale.invalid");
    const plain = log.matching(
      "goes to headscale at http://headscale.invalid unencrypted",
    );
    assertEquals(plain.length, 1);
    await using local = new FakeHeadscale();
    local.nodes = [node(BERT, "bert")];
    assert((await ask(bench.source(local.url), BERT)).admitted);
    assertEquals(log.matching("unencrypted").length, 1);
    assertEquals(log.matching("1234567890"), []);
  }));
