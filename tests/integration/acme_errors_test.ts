/** What a relay makes of an ACME server that is down, or isn't one. */
import { refused, Running } from "../support/acme_fixture.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { withDir } from "../support/certs/cert_dir.ts";

const JSON_TYPE = { "content-type": "application/json" };
const PROBLEM_TYPE = { "content-type": "application/problem+json" };

/** Why there is no certificate from a server that answers like this; and how often it was asked. */
async function problemOf(
  answer: (request: Request, origin: string) => Response,
): Promise<{ problem: string; requests: number }> {
  let requests = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      requests++;
      return answer(request, new URL(request.url).origin);
    },
  );
  try {
    const { port } = server.addr;
    return {
      problem: await problemAt(`http://127.0.0.1:${port}/directory`),
      requests,
    };
  } finally {
    await server.shutdown();
  }
}

async function problemAt(directoryUrl: string): Promise<string> {
  let problem = "";
  await withDir({}, async (dir) => {
    await using running = new Running(0, { certDir: dir, directoryUrl });
    await running.start();
    problem = await refused(running);
    assertEquals(running.source.current, undefined);
  });
  assert(problem.length < 600 && !/[\n\r]/.test(problem), problem);
  return problem.replace(/^no certificate for relay\.example\.com yet: /, "");
}

/** A directory, and `answer` for everything behind it. */
function behindDirectory(
  answer: (path: string) => Response,
): (request: Request, origin: string) => Response {
  return (request, origin) => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/directory") return answer(pathname);
    return Response.json({
      newNonce: `${origin}/nonce`,
      newAccount: `${origin}/account`,
      newOrder: `${origin}/order`,
    });
  };
}

Deno.test("AcmeSource tells that the server is down", async () => {
  const { port } = (() => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return listener.addr;
  })();
  assertMatch(
    await problemAt(`http://127.0.0.1:${port}/directory`),
    /^127\.0\.0\.1:\d+ cannot be asked: .*[Cc]onnection refused/,
  );
});

Deno.test("AcmeSource tells what is wrong with a directory, after one request", async () => {
  const cases: [() => Response, RegExp][] = [
    [
      () =>
        new Response("<html>\nhello", {
          headers: { "content-type": "text/html" },
        }),
      /answers with status 200 and no ACME: "<html>\\nhello"$/,
    ],
    [
      () => new Response("{", { headers: JSON_TYPE }),
      /answers with broken JSON: "\{"$/,
    ],
    [() => Response.json({}), /"http:.*\/directory" is no ACME directory$/],
    [() => Response.json(null), /is no ACME directory$/],
    [() => Response.json([1]), /is no ACME directory$/],
    [
      () => new Response(null, { status: 503 }),
      /answers with status 503 and no ACME: ""$/,
    ],
    [
      () => new Response("x".repeat(2_000_000)),
      /answers with more than 1 MiB$/,
    ],
    [
      () => new Response(null, { status: 302, headers: { location: "/x" } }),
      /cannot be asked: .*redirect/i,
    ],
    [
      () =>
        new Response(
          JSON.stringify({ type: "about:blank", detail: "down\nfor a while" }),
          { status: 500, headers: PROBLEM_TYPE },
        ),
      /^down for a while \(about:blank\)$/,
    ],
  ];
  for (const [answer, expected] of cases) {
    const { problem, requests } = await problemOf(answer);
    assertMatch(problem, expected);
    assertEquals(requests, 1, problem);
  }
});

Deno.test("AcmeSource survives a server that is ACME in its directory only, with few requests", async () => {
  const nonce = { "replay-nonce": "abc" };
  const cases: [(path: string) => Response, RegExp][] = [
    [() => new Response(null), /nonce/],
    [
      (path) =>
        path === "/nonce"
          ? new Response(null, { headers: nonce })
          : Response.json({}),
      /doesn't give the account's URL/,
    ],
    [
      (path) =>
        path === "/nonce"
          ? new Response(null, { headers: nonce })
          : Response.json(
            { type: "urn:ietf:params:acme:error:badNonce", detail: "again" },
            { status: 400, headers: nonce },
          ),
      /again/,
    ],
    [
      (path) => {
        if (path === "/nonce") return new Response(null, { headers: nonce });
        const location = path === "/account" ? "/me" : "file:///etc/passwd";
        return Response.json(
          { status: "pending", authorizations: [7], finalize: {} },
          { status: 201, headers: { ...nonce, location } },
        );
      },
      /URL|url/,
    ],
  ];
  for (const [answer, expected] of cases) {
    const { problem, requests } = await problemOf(behindDirectory(answer));
    assertMatch(problem, expected);
    assert(requests < 20, `${requests} requests: ${problem}`);
  }
});
