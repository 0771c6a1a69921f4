/** A relay's certificate source with an ACME server that can ask it for challenges. */
import { type AcmeOptions, AcmeSource } from "../../src/certs/acme.ts";
import type { ServedCertificate } from "../../src/certs/provider.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { SERVER_KEY, withDir } from "./certs/cert_dir.ts";
import { ROOT_CERT } from "./certs/chain.ts";
import { findPebble, Pebble, type PebbleOptions } from "./pebble.ts";

const WAIT_MS = 20_000;
const PROGRAMS = findPebble();
const SKIPPED = PROGRAMS === undefined ? " (SKIPPED: needs Go or Pebble)" : "";

/** Runs `fn` with an empty -certdir and a server. */
export function testPebble(
  name: string,
  fn: (parts: { dir: string; pebble: Pebble }) => Promise<void>,
  options: PebbleOptions = {},
): void {
  Deno.test({
    name: name + SKIPPED,
    ignore: PROGRAMS === undefined,
    fn: () =>
      withDir({}, async (dir) => {
        await using pebble = await Pebble.start(PROGRAMS!, options);
        await fn({ dir, pebble });
      }),
  });
}

/** A source that Pebble can ask on the HTTP-01 port, as the relay's plain-HTTP port would. */
export class Running implements AsyncDisposable {
  readonly source: AcmeSource;
  changes = 0;
  readonly #http: Deno.HttpServer;

  constructor(
    httpPort: number,
    options: Partial<AcmeOptions> & { certDir: string; directoryUrl: string },
  ) {
    this.source = new AcmeSource({
      hostname: "relay.example.com",
      ipAddresses: [],
      email: "ops@example.com",
      externalAccount: undefined,
      serverKey: SERVER_KEY,
      caCerts: [ROOT_CERT],
      clock: systemClock,
      ...options,
    });
    this.#http = Deno.serve({
      hostname: "127.0.0.1",
      port: httpPort,
      onListen: () => {},
    }, (request) => {
      const token = new URL(request.url).pathname
        .replace("/.well-known/acme-challenge/", "");
      const answer = this.source.challenge(token);
      return new Response(answer ?? "none", { status: answer ? 200 : 404 });
    });
  }

  start(): Promise<void> {
    return this.source.start(() => void this.changes++);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    await this.#http.shutdown();
  }
}

/** Waits for something that happens outside of this process. */
export async function until(
  condition: () => boolean,
  what: () => unknown,
): Promise<void> {
  const endMs = systemClock.nowMs() + WAIT_MS;
  while (!condition()) {
    if (systemClock.nowMs() > endMs) throw new Error(`In vain: ${what()}`);
    await delay(systemClock, 10);
  }
}

/** The first certificate. */
export async function certified(
  { source }: Running,
): Promise<ServedCertificate> {
  await until(() => source.current !== undefined, () => source.problem);
  return source.current!;
}

/** The first reason that the server gives, or the network. */
export async function refused({ source }: Running): Promise<string> {
  const isAsking = () => source.problem?.includes(": asking http");
  await until(() => !isAsking(), () => source.problem);
  return source.problem ?? "none";
}

/** How many orders the server has been sent. */
export function orderCount({ output }: Pebble): number {
  return output.match(/POST \/order-plz/g)?.length ?? 0;
}
