/** Every page against what derper 1.102.5 answered; its prose, and redirects' bodies, are left out of the files. */
import type { HttpHandler } from "../../../src/http/connection.ts";
import type { HomePage } from "../../../src/http/pages.ts";
import { plainRoutes } from "../../../src/http/port80.ts";
import { mainRoutes } from "../../../src/http/routes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { exchange } from "../../support/http_exchange.ts";

interface GoldenCase {
  readonly requestLine: string;
  readonly request: string;
  readonly statusLine: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

const GOLDEN = new URL("../../golden/http/", import.meta.url);

function parseGolden(text: string): GoldenCase[] {
  return text.split(/^=== /m).slice(1).map((block) => {
    const [request = "", answer = "", ...body] = block.split("\n\n");
    const [requestLine = "", ...requestFields] = request.split("\n");
    const [statusLine = "", ...fields] = answer.split("\n");
    return {
      requestLine,
      request: [
        `${requestLine} HTTP/1.1`,
        "Host: relay.test",
        ...requestFields,
        "",
        "",
      ].join("\r\n"),
      statusLine,
      fields: Object.fromEntries(
        fields.map((field) => field.split(/: (.*)/).slice(0, 2)),
      ),
      body: body.join("\n\n"),
    };
  });
}

async function compare(file: string, handler: HttpHandler): Promise<void> {
  const cases = parseGolden(await Deno.readTextFile(new URL(file, GOLDEN)));
  assert(cases.length >= 3, `${file} has ${cases.length} cases`);
  for (const { requestLine, request, statusLine, fields, body } of cases) {
    const { responses, end } = await exchange(request, { handler });
    const [response] = responses;
    assertEquals(responses.length, 1, requestLine);
    assertEquals(response!.statusLine, statusLine, requestLine);
    const ours = Object.fromEntries(response!.fields);
    if (!("Content-Length" in fields)) delete ours["Content-Length"];
    else assertEquals(response!.body, body, requestLine);
    assertEquals(ours, { ...fields }, requestLine);
    assertEquals(end, { kind: "closed" }, requestLine);
  }
}

function routes(home: HomePage, derp = true): HttpHandler {
  return mainRoutes({ home, derp });
}

Deno.test("mainRoutes() answers as derper does", async () => {
  await compare("main.txt", routes({ kind: "default" }));
});

Deno.test("mainRoutes() answers as derper does with -home blank", async () => {
  await compare("home_blank.txt", routes({ kind: "blank" }));
});

Deno.test("mainRoutes() answers as derper does with -home URL", async () => {
  await compare(
    "home_redirect.txt",
    routes({ kind: "redirect", url: "https://example.com/a?b=c" }),
  );
});

Deno.test("mainRoutes() answers as derper does with -derp=false", async () => {
  const isOn = false;
  await compare("derp_off.txt", routes({ kind: "default" }, isOn));
});

Deno.test("plainRoutes() answers as derper's plain-HTTP port does", async () => {
  await compare("port80.txt", plainRoutes());
});
