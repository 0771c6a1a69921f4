/** A setec server on 127.0.0.1 with secrets from a table. */
import { SecretValue } from "../../src/secrets/secret_value.ts";

/** One question that was put. */
export interface SetecQuestion {
  readonly line: string;
  readonly contentType: string | null;
  readonly body: unknown;
}

export class SetecServer implements AsyncDisposable {
  readonly secrets = new Map<string, SecretValue>();
  readonly questions: SetecQuestion[] = [];
  /** Answers in place of the table, where it is set. */
  answer: ((request: Request) => Response | Promise<Response>) | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#serve(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    const { method, url, headers } = request;
    const body = await request.json();
    this.questions.push({
      line: `${method} ${new URL(url).pathname}`,
      contentType: headers.get("content-type"),
      body,
    });
    if (this.answer) return this.answer(request);
    if (headers.get("sec-x-tailscale-no-browsers") !== "setec") {
      return new Response("no browsers", { status: 403 });
    }
    const secret = this.secrets.get(body.Name);
    return secret
      ? Response.json(secret.revealJson())
      : new Response("not found", { status: 404 });
  }
}

/** A secret as the server has it. */
export function secretOf(text: string, version = 1): SecretValue {
  const secret = SecretValue.fromJson({ Value: btoa(text), Version: version });
  if (secret === undefined) throw new RangeError("No such secret");
  return secret;
}
