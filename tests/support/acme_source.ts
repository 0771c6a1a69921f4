/** AcmeSource with a server of its own and a clock that the test moves. */
import { type AcmeOptions, AcmeSource } from "../../src/certs/acme.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { assertEquals } from "./assert.ts";
import { SERVER_KEY } from "./certs/cert_dir.ts";
import { FakeAcmeServer } from "./fake_acme_server.ts";
import { FakeClock } from "./fake_clock.ts";

/** Its name, and that of its file. */
export const HOST = "relay.test";

/** A source in an empty directory; `advance()` lets its files and keys be made between the steps. */
export class Fixture implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly server: FakeAcmeServer;
  readonly source: AcmeSource;
  changes = 0;

  constructor(certDir: string, options: Partial<AcmeOptions> = {}) {
    this.clock = new FakeClock();
    this.server = new FakeAcmeServer(options.clock ?? this.clock);
    this.source = new AcmeSource({
      certDir,
      hostname: HOST,
      ipAddresses: [],
      directoryUrl: "https://acme.test/directory",
      email: "",
      externalAccount: undefined,
      serverKey: SERVER_KEY,
      caCerts: [],
      clock: this.clock,
      server: this.server,
      random: () => 0.5,
      ...options,
    });
  }

  async start(): Promise<void> {
    await this.source.start(() => void this.changes++);
    await this.idle();
  }

  /** Until the source waits for the clock. */
  async idle(): Promise<void> {
    await delay(systemClock, 2);
    await soon(() => this.clock.pending > 0);
  }

  async advance(ms: number, stepMs = ms): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.clock.advance(stepMs);
      await this.idle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    assertEquals(this.clock.pending, 0);
  }
}

/** Waits for files and keys, which no clock of ours counts. */
export async function soon(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1000) throw new Error("In vain");
    await delay(systemClock, 2);
  }
}
