/** Where a benchmark runs: which relay, and the certificate of all relays. */
import { makeSelfSigned } from "../../src/certs/self_signed.ts";
import { HOST, RelayProcess, type RelayStart } from "./relay_process.ts";

const SHOWN_LINES = 10;

/** Disposing of it removes its files. */
export class TestBed implements AsyncDisposable {
  /** The relay's program and its first arguments. */
  readonly command: readonly string[];
  /** For whatever a benchmark needs in files. */
  readonly dir: string;
  /** Tells whoever watches what no figure says. */
  readonly note: (line: string) => void;
  readonly #certificate: string;
  #latest: RelayProcess | undefined;

  private constructor(
    command: readonly string[],
    { dir, certificate, note }: {
      dir: string;
      certificate: string;
      note: (line: string) => void;
    },
  ) {
    this.note = note;
    this.command = command;
    this.dir = dir;
    this.#certificate = certificate;
  }

  /** Prepares to run `command` with derper's flags behind it. */
  static async make(
    command: readonly string[],
    note: (line: string) => void,
  ): Promise<TestBed> {
    const dir = await Deno.makeTempDir({ prefix: "derper-bench-" });
    const { certPem, keyPem } = await makeSelfSigned(HOST, new Date());
    await Deno.writeTextFile(`${dir}/${HOST}.crt`, certPem);
    await Deno.writeTextFile(`${dir}/${HOST}.key`, keyPem, { mode: 0o600 });
    return new TestBed(command, { dir, certificate: certPem, note });
  }

  /** Starts a relay with a key of its own. */
  async startRelay(
    { flags = [], ...rest }: Omit<RelayStart, "dir" | "certificate"> = {},
  ): Promise<RelayProcess> {
    this.#latest = await RelayProcess.start(this.command, {
      dir: this.dir,
      certificate: this.#certificate,
      flags,
      ...rest,
    });
    return this.#latest;
  }

  /** The last lines of the relay that was started last, which may say why a benchmark failed. */
  latestLog(): string {
    const lines = this.#latest?.log.trimEnd().split("\n") ?? [];
    return lines.slice(-SHOWN_LINES).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}
