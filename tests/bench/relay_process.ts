/** A relay in a process of its own: ours or any program with derper's flags. */
import { delay, systemClock } from "../../src/util/clock.ts";
import { freePort } from "../support/free_ports.ts";
import type { RelayAddress } from "./load_client.ts";
import { cpuSeconds, listeningProcess, residentKb } from "./process_usage.ts";

export const HOST = "127.0.0.1";
const START_MS = 20_000;
const STOP_MS = 5_000;
/** A relay that writes more than this has gone wrong early enough. */
const MAX_LOG_CHARACTERS = 1024 * 1024;

/** What a relay is started with, besides its ports and its certificate. */
export interface RelayStart {
  /** Where HOST.crt and HOST.key are, and where the relay's own key goes. */
  readonly dir: string;
  /** The certificate in that directory. */
  readonly certificate: string;
  readonly flags?: readonly string[];
  /** A port to listen on, where another relay has to know it before. */
  readonly port?: number;
  /** HOST by default; clients of other networks need more. */
  readonly listenHost?: string;
}

/** Disposing of it ends the process. */
export class RelayProcess implements AsyncDisposable {
  readonly address: RelayAddress;
  readonly stunPort: number;
  /** The process that listens, which isn't the command itself where that is a script. */
  #pid = 0;
  #log = "";
  readonly #child: Deno.ChildProcess;
  readonly #logging: Promise<unknown>;
  #hasEnded = false;

  private constructor(command: readonly string[], start: RelayStart) {
    const { dir, certificate, flags = [], port = freePort("tcp") } = start;
    const { listenHost = HOST } = start;
    this.address = { host: HOST, port, certificate };
    this.stunPort = freePort("udp");
    const [program = "", ...args] = command;
    this.#child = new Deno.Command(program, {
      args: [
        ...args,
        ...["-a", `${listenHost}:${port}`, "-stun-port", `${this.stunPort}`],
        ...["-hostname", HOST, "-certmode", "manual", "-certdir", dir],
        ...["-http-port", "-1", "-c", `${dir}/${port}.key`],
        ...flags,
      ],
      // For mesh peers: names of the file with our authority for Deno and for Go.
      env: {
        NO_COLOR: "1",
        DENO_CERT: `${dir}/${HOST}.crt`,
        SSL_CERT_FILE: `${dir}/${HOST}.crt`,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#logging = Promise.all([
      this.#collect(this.#child.stdout),
      this.#collect(this.#child.stderr),
    ]);
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  /** Starts `command`, and waits until it accepts connections. */
  static async start(
    command: readonly string[],
    start: RelayStart,
  ): Promise<RelayProcess> {
    const relay = new RelayProcess(command, start);
    try {
      await relay.#becomeReady();
      return relay;
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#pid;
  }

  /** All that it has written so far. */
  get log(): string {
    return this.#log;
  }

  /** CPU time since its start. */
  cpuSeconds(): number {
    return cpuSeconds(this.#pid);
  }

  residentKb(): number {
    return residentKb(this.#pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill("SIGTERM");
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#logging;
  }

  #kill(signal: Deno.Signal): void {
    // The listener first: a script that was its parent waits for it.
    for (const pid of new Set([this.#pid, this.#child.pid])) {
      try {
        if (pid !== 0 && !this.#hasEnded) Deno.kill(pid, signal);
      } catch {
        // It has ended by itself.
      }
    }
  }

  async #becomeReady(): Promise<void> {
    const endMs = systemClock.nowMs() + START_MS;
    while (!await accepts(this.address.port)) {
      if (this.#hasEnded || systemClock.nowMs() > endMs) {
        throw new Error(`The relay did not start; it says:\n${this.#log}`);
      }
      await delay(systemClock, 5);
    }
    const pid = listeningProcess(this.#child.pid, this.address.port);
    if (pid === undefined) throw new Error("Another process has the port");
    this.#pid = pid;
  }

  async #collect(output: ReadableStream<Uint8Array>): Promise<void> {
    const text = output.pipeThrough(new TextDecoderStream() as ByteDecoder);
    for await (const part of text) {
      if (this.#log.length < MAX_LOG_CHARACTERS) this.#log += part;
    }
  }
}

/** Its declared type wants another kind of buffer than the process gives. */
type ByteDecoder = ReadableWritablePair<string, Uint8Array>;

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch {
    return false;
  }
}
