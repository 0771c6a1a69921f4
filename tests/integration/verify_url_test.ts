/** Verdicts of an admission controller over HTTP. */
import { LogLimiter } from "../../src/log/limited.ts";
import type { Verdict } from "../../src/admission/admission.ts";
import { Verifier } from "../../src/admission/verifier.ts";
import { VerifyUrlSource } from "../../src/admission/verify_url.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { OLD } from "../support/tls_server.ts";

const KEY = NodePublic.fromBytes(new Uint8Array(32).fill(5));

type Handler = (request: Request) => Response | Promise<Response>;

/** A controller that answers by `handler`, and who asks it. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #verifiers: Verifier[] = [];

  constructor(handler: Handler) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        this.requests.push(
          `${request.method} ${pathname} ${await request.text()}`,
        );
        return handler(request);
      },
    );
  }

  url(path: string, login = ""): string {
    return `http://${login}127.0.0.1:${this.#server.addr.port}${path}`;
  }

  verifier(
    failOpen: boolean,
    url = this.url("/verify"),
    caCerts: string[] = [],
  ): Verifier {
    const ownKey = failOpen ? undefined : KEY; // as the relay does it
    const verifier = new Verifier({
      sources: [new VerifyUrlSource({ url, ownKey, caCerts })],
      policy: "each-kind",
      urlFailOpen: failOpen,
      cacheTtlMs: 0,
      staleTtlMs: 0,
      clock: this.clock,
      limiter: new LogLimiter(this.clock),
    });
    this.#verifiers.push(verifier);
    return verifier;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const verifier of this.#verifiers) await verifier.close();
    await this.#server.shutdown();
  }
}

function admit(verifier: Verifier): Promise<Verdict> {
  return verifier.admit({ key: KEY, ip: "192.0.2.1" });
}

function reasonOf(verdict: Verdict): string {
  if (verdict.allow) throw new Error("Admitted");
  return verdict.reason;
}

const FAIL_OPEN = { open: true, closed: false };

Deno.test("VerifyUrlSource puts the question that derper puts", async () => {
  const types: (string | null)[] = [];
  await using bench = new Bench((request) => {
    types.push(request.headers.get("content-type"));
    return Response.json({ Allow: true });
  });
  assert((await admit(bench.verifier(FAIL_OPEN.closed))).allow);
  assertEquals(bench.requests, [
    `POST /verify {"NodePublic":"nodekey:${
      "05".repeat(32)
    }","Source":"192.0.2.1"}`,
  ]);
  assertEquals(types, ["application/json"]);
  assertEquals(bench.clock.pending, 0);
});

for (
  const answer of [
    '{"Allow":true}',
    ' {"allow": true, "Other": {}}\n',
    '{"Allow":false,"ALLOW":true}',
  ]
) {
  Deno.test(`VerifyUrlSource admits on ${answer.trim()}`, async () => {
    await using bench = new Bench(() => new Response(answer));
    assert((await admit(bench.verifier(FAIL_OPEN.closed))).allow);
  });
}

const NO = { isClear: true, why: "doesn't allow it" };
const nonsense = (why: string) => ({ isClear: false, why });

const REFUSALS: Record<string, { isClear: boolean; why: string }> = {
  '{"Allow":false}': NO,
  '{"Allow":true,"allow":false}': NO,
  '{"Allow":null}': NO,
  "{}": NO,
  null: NO,
  "true": nonsense("true isn't"),
  '[{"Allow":true}]': nonsense("isn't {"),
  '{"Allow":"true"}': nonsense("isn't {"),
  "yes": nonsense(`"yes" isn't JSON`),
  '{"Allow":true': nonsense(`"{"Allow":true" isn't JSON`),
  "<!doctype html><p>It works": nonsense("isn't JSON"),
  "": nonsense(`"" isn't JSON`),
};

for (const [answer, { isClear, why }] of Object.entries(REFUSALS)) {
  Deno.test(`VerifyUrlSource refuses on "${answer}", failing open or not`, async () => {
    await using bench = new Bench(() => new Response(answer));
    for (const failOpen of Object.values(FAIL_OPEN)) {
      const verdict = await admit(bench.verifier(failOpen));
      assertStringIncludes(reasonOf(verdict), why);
      assertEquals(!verdict.allow && verdict.isClear, isClear);
    }
  });
}

Deno.test("VerifyUrlSource stays up when a controller refuses by a status, and is down when that can't be meant", async () => {
  let status = 403;
  await using bench = new Bench(() => new Response(null, { status }));
  const verifier = bench.verifier(FAIL_OPEN.closed);
  const stateOn = async (next: number) => {
    status = next;
    const verdict = await admit(verifier);
    assert(!verdict.allow && !verdict.isClear);
    return verifier.states()[0]?.state;
  };
  for (const next of [400, 401, 403, 404]) {
    assertEquals(await stateOn(next), "up", String(next));
  }
  for (const next of [201, 408, 429, 500, 503]) {
    assertEquals(await stateOn(next), "down", String(next));
  }
});

for (const status of [201, 204, 400, 403, 500, 503]) {
  Deno.test(`VerifyUrlSource refuses on status ${status}, whatever the body says`, async () => {
    const body = status === 204 ? null : '{"Allow":true}';
    await using bench = new Bench(() => new Response(body, { status }));
    const reason = reasonOf(await admit(bench.verifier(FAIL_OPEN.open)));
    assertStringIncludes(reason, `answers with status ${status}`);
    assertStringIncludes(reason, bench.url("/verify"));
  });
}

Deno.test("VerifyUrlSource reads 4 KiB of an answer, and no more", async () => {
  const padded = (bytes: number) =>
    `{"Allow":true,"x":"${"y".repeat(bytes - 21)}"}`;
  let answer = padded(4_096);
  await using bench = new Bench(() => new Response(answer));
  const verifier = bench.verifier(FAIL_OPEN.open);
  assertEquals(answer.length, 4_096);
  assert((await admit(verifier)).allow);
  answer = padded(4_097);
  assertStringIncludes(reasonOf(await admit(verifier)), "isn't JSON");
});

for (const status of [301, 302, 303]) {
  Deno.test(`VerifyUrlSource follows a redirect with ${status} by GET, as Go's client does`, async () => {
    await using bench = new Bench((request) =>
      request.method === "POST"
        ? new Response(null, { status, headers: { location: "/there" } })
        : Response.json({ Allow: true })
    );
    assert((await admit(bench.verifier(FAIL_OPEN.closed))).allow);
    assertEquals(bench.requests[1], "GET /there ");
  });
}

for (const status of [307, 308]) {
  Deno.test(`VerifyUrlSource follows a redirect with ${status} by the same question`, async () => {
    await using bench = new Bench((request) =>
      request.url.endsWith("/verify")
        ? new Response(null, { status, headers: { location: "/there" } })
        : Response.json({ Allow: true })
    );
    assert((await admit(bench.verifier(FAIL_OPEN.closed))).allow);
    assertEquals(
      bench.requests[1],
      bench.requests[0]?.replace("/verify", "/there"),
    );
  });
}

Deno.test("VerifyUrlSource doesn't take the word of another host that it is redirected to", async () => {
  await using bench = new Bench((request) => {
    const { hostname, port } = new URL(request.url);
    return hostname === "127.0.0.1"
      ? Response.redirect(`http://localhost:${port}/verify`, 307)
      : Response.json({ Allow: true });
  });
  const reason = reasonOf(await admit(bench.verifier(FAIL_OPEN.open)));
  assertStringIncludes(reason, "redirects to elsewhere (http://localhost:");
});

/** A response that begins with `start` and doesn't end. */
function endless(start: string, onCancel: () => void): Response {
  return new Response(
    new ReadableStream({
      start: (controller) =>
        controller.enqueue(new TextEncoder().encode(start)),
      cancel: onCancel,
    }),
  );
}

Deno.test("VerifyUrlSource needs no end of an answer that is complete", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using bench = new Bench(() =>
    endless('{"Allow":true}', cancelled.resolve)
  );
  assert((await admit(bench.verifier(FAIL_OPEN.closed))).allow);
  await cancelled.promise;
});

Deno.test("VerifyUrlSource refuses when an answer isn't complete after 5 s, though it fails open", async () => {
  await using bench = new Bench(() => endless('{"Allow"', () => {}));
  const verifier = bench.verifier(FAIL_OPEN.open);
  let verdict: Verdict = { allow: true, by: "" };
  // Nothing shows that the head has arrived, before which time's up means no answer.
  for (let waitMs = 1; verdict.allow; waitMs *= 4) {
    const pending = admit(verifier);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await bench.clock.advance(5_000);
    verdict = await pending;
  }
  assertStringIncludes(reasonOf(verdict), "gives no proper answer");
});

Deno.test("VerifyUrlSource refuses when an answer is cut off, though it fails open", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(4096));
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{";
    await conn.write(new TextEncoder().encode(answer));
  })();
  await using bench = new Bench(() => new Response());
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  const reason = reasonOf(await admit(bench.verifier(FAIL_OPEN.open, url)));
  assertStringIncludes(reason, "gives no proper answer");
  await serving;
});

Deno.test("VerifyUrlSource without an answer for 5 s fails as it is told", async () => {
  const late = Promise.withResolvers<Response>();
  await using bench = new Bench(() => late.promise);
  const open = admit(bench.verifier(FAIL_OPEN.open));
  const closed = admit(bench.verifier(FAIL_OPEN.closed));
  await until(() => bench.requests.length === 2);
  await bench.clock.advance(4_999);
  assertEquals(await Promise.race([open, closed, "pending"]), "pending");
  await bench.clock.advance(1);
  assert((await open).allow);
  assertStringIncludes(reasonOf(await closed), "no answer in time");
  late.resolve(new Response());
});

Deno.test("VerifyUrlSource fails as it is told when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nowhere = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  await using bench = new Bench(() => new Response());
  assert((await admit(bench.verifier(FAIL_OPEN.open, nowhere))).allow);
  const verdict = await admit(bench.verifier(FAIL_OPEN.closed, nowhere));
  assertStringIncludes(reasonOf(verdict), "refused");
  assert(!verdict.allow && verdict.advice?.includes("-fail-open"));
});

Deno.test("VerifyUrlSource fails as it is told when the connection just closes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closing = (async () => {
    for (let i = 0; i < 2; i++) (await listener.accept()).close();
  })();
  await using bench = new Bench(() => new Response());
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  assert((await admit(bench.verifier(FAIL_OPEN.open, url))).allow);
  reasonOf(await admit(bench.verifier(FAIL_OPEN.closed, url)));
  await closing;
});

Deno.test("VerifyUrlSource warns once a minute that it fails open, and tells no password", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench(() => Response.error());
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const url = `http://joe:secret@127.0.0.1:${port}/verify?token=secret`;
  const verifier = bench.verifier(FAIL_OPEN.open, url);
  for (let i = 0; i < 3; i++) await admit(verifier);
  const lines = () => log.matching("[BQUFB] from 192.0.2.1 unverified");
  assertEquals(lines().length, 1);
  assertStringIncludes(lines()[0]!, `http://127.0.0.1:${port}/verify`);
  await bench.clock.advance(60_000);
  await admit(verifier);
  assertStringIncludes(lines()[1]!, "the last of 2 in a minute");
  assertEquals(log.matching("can't verify clients").length, 1);
  assert(!log.lines.join().includes("secret"), log.lines.join("\n"));
});

Deno.test("VerifyUrlSource shows user and password of the URL to the controller alone", async () => {
  const logins: (string | null)[] = [];
  await using bench = new Bench((request) => {
    logins.push(request.headers.get("authorization"));
    return Response.json({});
  });
  const url = bench.url("/verify", "joe:secret@");
  const verifier = bench.verifier(FAIL_OPEN.closed, url);
  const reason = reasonOf(await admit(verifier));
  assertEquals(logins, [`Basic ${btoa("joe:secret")}`]);
  assert(!(reason + verifier.name).includes("secret"), reason);
});

/** Waits for what another task does with real sockets. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("VerifyUrlSource.check() asks about the relay itself, and takes any answer for one", async () => {
  let status = 200;
  await using bench = new Bench(() =>
    new Response('{"Allow":false}', { status })
  );
  const verifier = bench.verifier(FAIL_OPEN.closed);
  for (status of [200, 403, 404]) {
    assertEquals(await verifier.check(), undefined, String(status));
  }
  assertEquals(
    bench.requests[0],
    `POST /verify {"NodePublic":"${KEY}","Source":"127.0.0.1"}`,
  );
  status = 502;
  const problem = await verifier.check() ?? "";
  assertStringIncludes(problem, "/verify answers with status 502");
});

Deno.test("VerifyUrlSource.check() finds that nobody answers, unless clients are let in then", async () => {
  let url: string;
  {
    await using gone = new Bench(() => new Response());
    url = gone.url("/verify", "user:password@");
  }
  await using bench = new Bench(() => new Response());
  assertEquals(
    await bench.verifier(FAIL_OPEN.open, url).check(),
    undefined,
  );
  const problem = await bench.verifier(FAIL_OPEN.closed, url).check() ?? "";
  assertStringIncludes(problem, "No answer from the admission controller");
  assert(!problem.includes("password"), problem);
});

Deno.test("VerifyUrlSource.check() waits 5 s", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using bench = new Bench(() => hanging.promise);
  const checked = bench.verifier(FAIL_OPEN.closed).check();
  while (bench.requests.length === 0) await bench.clock.advance(0);
  await bench.clock.advance(5_000);
  assertStringIncludes(await checked ?? "", "no answer in time");
  hanging.resolve(new Response());
});

Deno.test("VerifyUrlSource reads no further than it must in 100 MB", async () => {
  let sent = 0;
  const chunk = new TextEncoder().encode(" ".repeat(64 * 1024));
  await using bench = new Bench(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += chunk.length;
          controller.enqueue(chunk);
          if (sent >= 100_000_000) controller.close();
        },
      }),
    )
  );
  const verdict = await admit(bench.verifier(FAIL_OPEN.open));
  assertStringIncludes(reasonOf(verdict), "isn't JSON");
  assert(sent < 50_000_000, `${sent} bytes`);
});

Deno.test("VerifyUrlSource takes nobody's word behind a certificate that it doesn't know", async () => {
  await using _log = await CapturedLog.start();
  const { cert, key } = OLD;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
    () => Response.json({ Allow: true }),
  );
  const url = `https://127.0.0.1:${server.addr.port}/verify`;
  await using bench = new Bench(() => new Response());
  const closed = FAIL_OPEN.closed;
  const reason = reasonOf(await admit(bench.verifier(closed, url)));
  assertStringIncludes(reason, "certificate");
  // As with derper, that counts as a controller that can't be reached.
  const open = await admit(bench.verifier(FAIL_OPEN.open, url));
  assert(open.allow && open.by.startsWith("nobody, "), JSON.stringify(open));
  const trusting = bench.verifier(closed, url, [cert]);
  assert((await admit(trusting)).allow);
});
