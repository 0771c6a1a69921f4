/** What is read of HTTP answers, and what isn't taken for one. */
import {
  type HttpAnswer,
  httpGet,
  NotHttpError,
} from "../../../src/probe/http_get.ts";
import { writeAll } from "../../../src/net/conn.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { connPair } from "../../support/conn_pair.ts";

/** The answer as read, and the request. */
async function exchange(
  text: string,
  { maxReadBytes = 1000, ends = true } = {},
): Promise<{ answer: HttpAnswer; request: string }> {
  using pair = connPair({ maxReadBytes, bufferBytes: 1024 * 1024 });
  const dial = () => Promise.resolve(pair.client);
  const { signal } = new AbortController();
  const asked = httpGet(dial, signal, { host: "h:1", path: "/p" });
  const buffer = new Uint8Array(1000);
  let request = "";
  while (!request.endsWith("\r\n\r\n")) {
    const bytes = await pair.server.read(buffer) ?? 0;
    request += new TextDecoder().decode(buffer.subarray(0, bytes));
  }
  await writeAll(pair.server, new TextEncoder().encode(text));
  if (ends) pair.server.close();
  return { answer: await asked, request };
}

Deno.test("httpGet() asks with the path, the host and the given headers", async () => {
  const { request } = await exchange("HTTP/1.1 204 No Content\r\n\r\n", {
    ends: false,
  });
  assertEquals(
    request,
    "GET /p HTTP/1.1\r\nHost: h:1\r\nUser-Agent: derper-probe\r\nConnection: close\r\n\r\n",
  );
});

Deno.test("httpGet() reads status, headers and bodies of every kind, a byte at a time too", async () => {
  const head = "HTTP/1.1 200 OK\r\nX-A: 1\r\n";
  const cases: readonly (readonly [string, string, boolean])[] = [
    [`${head}Content-Length: 5\r\n\r\nhello and more`, "hello", false],
    [`${head}\r\nup to the end`, "up to the end", true],
    [
      `${head}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`,
      "hello",
      false,
    ],
  ];
  for (const [text, body, ends] of cases) {
    for (const maxReadBytes of [1, 1000]) {
      const { answer } = await exchange(text, { maxReadBytes, ends });
      assertEquals(answer.status, 200);
      assertEquals(answer.headers.get("x-a"), "1");
      assertEquals(answer.body, body);
    }
  }
});

Deno.test("httpGet() waits for no body where there is none", async () => {
  for (const status of ["101 Switching Protocols", "204 No Content"]) {
    const text = `HTTP/1.1 ${status}\r\nContent-Length: 9\r\n\r\n`;
    const { answer } = await exchange(text, { ends: false });
    assertEquals(answer.body, "");
  }
});

Deno.test("httpGet() says what came in place of HTTP", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["SSH-2.0-OpenSSH\r\n", 'the answer is no HTTP: "S'],
    ["", "the connection was closed without an answer"],
    ["HTTP/1.1 200 OK\r\nX: 1", "the answer is no HTTP: "],
    ["HTTP/1.1 2 OK\r\n\r\n", "the answer is no HTTP: "],
    ["HTTP/2 200\r\n\r\n", "the answer is no HTTP: "],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(300_000)}`, "the answer is too long"],
  ];
  for (const [text, expected] of cases) {
    for (const maxReadBytes of text.length > 1000 ? [16_000] : [1, 1000]) {
      await assertRejects(
        () => exchange(text, { maxReadBytes }),
        NotHttpError,
        expected,
      );
    }
  }
});
