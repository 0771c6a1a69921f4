/** What the relay serves besides DERP: the endpoints that clients ask for, and the captive portal check. */
import { type Dial, plainDialer } from "./dialer.ts";
import { explainTalk, type Failure } from "./failure.ts";
import { type HttpAnswer, httpGet, type HttpQuestion } from "./http_get.ts";
import { fail, ok, type Row, skipped, warn } from "./row.ts";
import { hostHeader, type ProbeContext } from "./target.ts";

const PORTAL = "captive portal check";
const CHALLENGE = "probe-1";
const HTTP_PORT = 80;

/** The captive portal check of Tailscale's clients. */
export const PORTAL_QUESTION = {
  path: "/generate_204",
  headers: { "X-Tailscale-Challenge": CHALLENGE },
} as const;

/** One endpoint, and what is right there. */
interface Endpoint {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is wrong with the answer, or undefined. */
  readonly mistake: (answer: HttpAnswer) => string | undefined;
  readonly advice: string;
  /** Clients get by without it. */
  readonly isOptional?: true;
}

const PROXY = "does a proxy in front pass all paths to the relay as they are?";

const ENDPOINTS: readonly Endpoint[] = [
  {
    path: "/",
    // 404 is what -home 404 asks for.
    mistake: ({ status }) =>
      unless(status < 400 || status === 404, `status ${status}`),
    advice: PROXY,
    isOptional: true,
  },
  {
    path: "/robots.txt",
    mistake: ({ status, body }) =>
      status !== 200
        ? `status ${status}`
        : unless(/^Disallow: *\/\s*$/m.test(body), 'no "Disallow: /"'),
    advice: `search engines will find it; ${PROXY}`,
    isOptional: true,
  },
  { ...PORTAL_QUESTION, mistake: portalMistake, advice: PROXY },
  {
    path: "/derp/probe",
    mistake: probeMistake,
    advice:
      "is it a relay, and a well one? See its log, or /readyz of -metrics-addr",
  },
  {
    path: "/derp/latency-check",
    mistake: probeMistake,
    advice:
      "is it a relay, and a well one? See its log, or /readyz of -metrics-addr",
  },
  {
    path: "/derp",
    mistake: ({ status }) =>
      unless(status === 426, `status ${status} in place of 426`),
    advice: "is it a relay, and does the proxy in front pass /derp to it?",
  },
  {
    path: "/bootstrap-dns",
    mistake: ({ status, body }) =>
      status !== 200
        ? `status ${status}`
        : unless(body === "" || isJson(body), "no JSON"),
    advice: PROXY,
    isOptional: true,
  },
];

const WEBSOCKET = "WebSocket";

/** The rows of this family, for when there is no connection. */
export const HTTP_CHECKS: readonly string[] = [
  ...ENDPOINTS.map(({ path }) => nameOf(path)),
  WEBSOCKET,
];

/** Asks every endpoint at once. */
export async function checkHttp(
  context: ProbeContext,
  dial: Dial,
): Promise<Row[]> {
  const { local } = context.target;
  return await Promise.all([
    ...ENDPOINTS.map((endpoint) =>
      local?.relays === false && endpoint.path === "/derp"
        ? Promise.resolve(skipped(nameOf("/derp"), "-derp=false"))
        : checkEndpoint(context, dial, endpoint)
    ),
    local?.relays === false
      ? Promise.resolve(skipped(WEBSOCKET, "-derp=false"))
      : checkWebSocket(context, dial),
  ]);
}

async function checkEndpoint(
  context: ProbeContext,
  dial: Dial,
  { path, headers = {}, mistake, advice, isOptional }: Endpoint,
): Promise<Row> {
  const check = nameOf(path);
  const host = hostHeader(context.target);
  const asked = await ask(context, dial, { host, path, headers });
  if ("seen" in asked) return fail(check, asked);
  const seen = mistake(asked);
  if (seen === undefined) return ok(check, `status ${asked.status}`);
  return isOptional
    ? warn(check, { seen, advice })
    : fail(check, { seen, advice });
}

/** Plain HTTP beside HTTPS, which clients with CanPort80 ask for captive portals. */
export async function checkPortal(
  context: ProbeContext,
  address: string,
): Promise<Row> {
  const { name, httpPort, isTls } = context.target;
  if (!isTls) return skipped(PORTAL, "plain HTTP");
  if (httpPort === undefined) return skipped(PORTAL, "no port for plain HTTP");
  const asked = await ask(context, plainDialer(address, httpPort), {
    host: hostHeader({ name, port: httpPort, isTls: false }),
    ...PORTAL_QUESTION,
  });
  const where = `TCP port ${httpPort}`;
  const withoutIt = httpPort === HTTP_PORT
    ? "or leave CanPort80 out of the DERP map"
    : "clients ask on port 80 alone, so CanPort80 has to stay out of the DERP map";
  if ("seen" in asked) {
    const seen = `${where}: ${asked.seen}`;
    return warn(PORTAL, { seen, advice: `open ${where}, ${withoutIt}` });
  }
  const mistake = portalMistake(asked);
  if (mistake === undefined) return ok(PORTAL, `${where}, challenge answered`);
  return fail(PORTAL, {
    seen: `${where}: ${mistake}`,
    advice:
      `clients would see a captive portal: pass /generate_204 to the relay, ${withoutIt}`,
  });
}

/** Only nodes in browsers need it. */
async function checkWebSocket(
  context: ProbeContext,
  dial: Dial,
): Promise<Row> {
  const key = btoa(String.fromCharCode(
    ...crypto.getRandomValues(new Uint8Array(16)),
  ));
  const asked = await ask(context, dial, {
    host: hostHeader(context.target),
    path: "/derp",
    headers: {
      "Connection": "Upgrade",
      "Upgrade": "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Protocol": "derp",
      "Sec-WebSocket-Key": key,
    },
  });
  const advice = "nodes in browsers need it; let the proxy in front pass it";
  if ("seen" in asked) return warn(WEBSOCKET, { seen: asked.seen, advice });
  const { status } = asked;
  if (status === 101) return ok(WEBSOCKET, "status 101");
  return warn(WEBSOCKET, { seen: `status ${status} in place of 101`, advice });
}

async function ask(
  { budget, target }: ProbeContext,
  dial: Dial,
  question: HttpQuestion,
): Promise<HttpAnswer | Failure> {
  try {
    return await budget.within((signal) => httpGet(dial, signal, question));
  } catch (error) {
    return explainTalk(error, target);
  }
}

/** What is wrong with an answer to the captive portal check, or undefined. */
export function portalMistake(
  { status, headers }: HttpAnswer,
): string | undefined {
  if (status !== 204) return `status ${status} in place of 204`;
  const answer = headers.get("x-tailscale-response") ?? "";
  return unless(answer === `response ${CHALLENGE}`, "challenge not answered");
}

/** What is wrong with an answer of `/derp/probe`, or undefined. */
export function probeMistake(
  { status, headers }: HttpAnswer,
): string | undefined {
  if (status === 503) return "status 503: it can't relay at the moment";
  if (status !== 200) return `status ${status} in place of 200`;
  const origin = headers.get("access-control-allow-origin");
  return unless(origin === "*", "no Access-Control-Allow-Origin: *");
}

function unless(isRight: boolean, mistake: string): string | undefined {
  return isRight ? undefined : mistake;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function nameOf(path: string): string {
  return `GET ${path}`;
}
