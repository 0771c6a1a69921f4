/** A headscale server as far as its list of nodes goes, by the OpenAPI description of its v1 API. */

/** A node as the API has it; all fields are always there. */
export interface HeadscaleNode {
  readonly nodeKey: string;
  readonly givenName: string;
  readonly expiry: string | null;
}

export interface FakeHeadscaleOptions {
  /** With TLS; absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Serves on 127.0.0.1; each answer is made from what its fields are then. */
export class FakeHeadscale implements AsyncDisposable {
  apiKey = "hskey-api-abc-1234567890";
  nodes: HeadscaleNode[] = [];
  /** Answers in place of the API, where it is set. */
  answer: ((request: Request) => Response | Promise<Response>) | undefined;
  /** Method, path and query of each request. */
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #scheme: string;

  constructor({ tls }: FakeHeadscaleOptions = {}) {
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls },
      (request) => this.#serve(request),
    );
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}${search}`);
    if (this.answer !== undefined) return await this.answer(request);
    if (pathname !== "/api/v1/node") return problem(404, "Not Found");
    if (request.headers.get("authorization") !== `Bearer ${this.apiKey}`) {
      return problem(401, "Unauthorized");
    }
    return Response.json({ nodes: this.nodes.map(wholeNode) });
  }
}

/** An error as the API has it since version 0.29, by RFC 9457. */
function problem(status: number, detail: string): Response {
  return Response.json({ title: detail, status, detail }, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

function wholeNode(node: HeadscaleNode, at: number): unknown {
  const created = "2026-01-01T10:00:00.123456789Z";
  const user = {
    id: "1",
    name: "anne",
    createdAt: created,
    displayName: "",
    email: "",
    providerId: "",
    provider: "",
    profilePicUrl: "",
  };
  return {
    id: `${at + 1}`,
    machineKey: `mkey:${"0b".repeat(32)}`,
    discoKey: `discokey:${"0c".repeat(32)}`,
    ipAddresses: [`100.64.0.${at + 1}`, `fd7a:115c:a1e0::${at + 1}`],
    name: "host",
    user,
    lastSeen: created,
    preAuthKey: null,
    createdAt: created,
    registerMethod: "REGISTER_METHOD_AUTH_KEY",
    online: true,
    approvedRoutes: [],
    availableRoutes: ["10.0.0.0/8"],
    subnetRoutes: [],
    tags: [],
    ...node,
  };
}
