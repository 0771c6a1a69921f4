/** A tailscaled as far as the relay asks it: its LocalAPI on a unix socket, with every way to go wrong. */
import type { NodePublic } from "../../src/keys/node_key.ts";
import { delay, systemClock } from "../../src/util/clock.ts";

/** What the fake does with each question. */
export type Behaviour =
  | "good" // as tailscaled since 1.70
  | "old" // as before: whois doesn't know node keys, status does
  | "forbidding" // 403, as for users that may not ask
  | "failing" // 500
  | "html" // 200, as some other web server would
  | "half" // 200 and JSON that ends too soon
  | "cut off" // less than the Content-Length that it announces
  | "garbage" // no HTTP
  | "huge" // an answer without end
  | "redirecting" // to a page that would say yes
  | "closing" // without a word
  | "hanging"; // for ever

/** Of every node; in full, as tailscaled has it. */
const NODE_NAME = "laptop.example.ts.net.";

/** A question as it came in. */
export interface Question {
  /** Path and query. */
  readonly target: string;
  readonly host: string | undefined;
}

/** Listens until it is disposed of. */
export class FakeTailscaled implements AsyncDisposable {
  behaviour: Behaviour = "good";
  /** What it says of itself; while it is anything else, it knows no node, not even its own. */
  backendState = "Running";
  /** What its status says, where that isn't made of the keys alone. */
  status: unknown;
  /** Resolved when questions may be answered; for tests that want several at a time. */
  gate: Promise<void> = Promise.resolve();
  /** How long it takes to answer. */
  answerAfterMs = 0;
  /** Whether every node is in its tailnet, whichever key it has. */
  knowsEverybody = false;
  readonly questions: Question[] = [];
  /** The most questions that waited for an answer at a time, in all and with the same target. */
  mostAtOnce = 0;
  mostAtOncePerTarget = 0;
  readonly #unanswered = new Map<string, number>();
  #atOnce = 0;
  readonly #members = new Set<string>();
  readonly #self: string;
  readonly #listener: Deno.UnixListener;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #tasks: Promise<void>[] = [];

  /** Its socket file is at `path`, its own node's key is `self`, and the tailnet has `peers` besides. */
  constructor(path: string, self: NodePublic, ...peers: NodePublic[]) {
    this.#self = self.toString();
    for (const peer of peers) this.#members.add(peer.toString());
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#tasks.push(this.#acceptAll());
  }

  /** Stops, and takes the socket file away. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of [...this.#open]) this.#close(conn);
    await Promise.all(this.#tasks);
  }

  async #acceptAll(): Promise<void> {
    for await (const conn of this.#listener) {
      this.#open.add(conn);
      this.#tasks.push(this.#serve(conn));
    }
  }

  async #serve(conn: Deno.UnixConn): Promise<void> {
    try {
      const question = parseQuestion(await readHead(conn));
      this.questions.push(question);
      using _counted = this.#count(question.target);
      await this.gate;
      if (this.answerAfterMs > 0) await delay(systemClock, this.answerAfterMs);
      await this.#answer(conn, question);
    } catch {
      // The other side has had enough, or we were disposed of.
    } finally {
      this.#close(conn);
    }
  }

  /** Counts a question as unanswered until it is disposed of. */
  #count(target: string): Disposable {
    const change = (by: number) => {
      const questions = (this.#unanswered.get(target) ?? 0) + by;
      if (questions > 0) this.#unanswered.set(target, questions);
      else this.#unanswered.delete(target);
      this.#atOnce += by;
      return questions;
    };
    this.mostAtOncePerTarget = Math.max(this.mostAtOncePerTarget, change(1));
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    return { [Symbol.dispose]: () => void change(-1) };
  }

  #close(conn: Deno.UnixConn): void {
    if (this.#open.delete(conn)) conn.close();
  }

  async #answer(conn: Deno.UnixConn, question: Question): Promise<void> {
    const say = (text: string) => write(conn, text);
    switch (this.behaviour) {
      case "good":
      case "old":
        return await say(this.#localApi(question));
      case "forbidding":
        return await say(answer(403, "whois access denied\n"));
      case "failing":
        return await say(answer(500, "no backend\n"));
      case "html":
        return await say(answer(200, "<!doctype html><p>It works"));
      case "half":
        return await say(answer(200, '{"Node": {"ID": 1'));
      case "cut off":
        return await say("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{}");
      case "garbage":
        return await say("220 ready\r\n\r\n");
      case "huge":
        await say("HTTP/1.0 200 OK\r\n\r\n{}");
        for (;;) await say(" ".repeat(64 * 1024));
      case "redirecting":
        return await say(
          "HTTP/1.0 302 Found\r\nLocation: /localapi/v0/status\r\n\r\n{}",
        );
      case "closing":
        return;
      case "hanging":
        await conn.read(new Uint8Array(1));
    }
  }

  #localApi({ target, host }: Question): string {
    const { pathname, searchParams } = new URL(target, "http://_");
    if (host !== "local-tailscaled.sock") {
      return answer(403, "invalid localapi request\n");
    }
    if (pathname === "/localapi/v0/status") {
      return answer(
        200,
        JSON.stringify(this.status ?? this.#status(), null, "\t"),
      );
    }
    const key = searchParams.get("addr") ?? "";
    if (pathname !== "/localapi/v0/whois") return answer(404, "not found\n");
    if (this.behaviour === "old") {
      return answer(400, "invalid 'addr' parameter\n");
    }
    const isKnown = key === this.#self || this.#members.has(key) ||
      this.knowsEverybody;
    if (!isKnown || !this.#isRunning) {
      return answer(404, "no match for IP:port\n");
    }
    const node = { Key: key, Name: NODE_NAME };
    return answer(200, JSON.stringify({ Node: node }, null, "\t"));
  }

  get #isRunning(): boolean {
    return this.backendState === "Running";
  }

  #status(): unknown {
    const node = (key: string) => ({
      PublicKey: key,
      DNSName: NODE_NAME,
      InNetworkMap: this.#isRunning,
    });
    const peers = this.#isRunning ? [...this.#members] : [];
    return {
      BackendState: this.backendState,
      Self: node(this.#self),
      Peer: Object.fromEntries(peers.map((key) => [key, node(key)])),
    };
  }
}

async function readHead(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    const bytes = await conn.read(buffer);
    if (bytes === null) throw new Deno.errors.UnexpectedEof();
    head += new TextDecoder().decode(buffer.subarray(0, bytes));
  }
  return head;
}

function parseQuestion(head: string): Question {
  return {
    target: head.split(" ")[1] ?? "",
    host: /^host: *(.*)\r$/im.exec(head)?.[1],
  };
}

/** As Go's server answers HTTP/1.0: a length where the body is short, else the end of the connection. */
function answer(status: number, body: string): string {
  const length = body.length < 2048 ? `Content-Length: ${body.length}\r\n` : "";
  return `HTTP/1.0 ${status} Status\r\nTailscale-Cap: 113\r\n${length}\r\n${body}`;
}

async function write(conn: Deno.Conn, text: string): Promise<void> {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}
