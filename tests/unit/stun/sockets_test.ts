/** Which sockets STUN has, on a machine whose addresses come and go. */
import { LogLimiter } from "../../../src/log/limited.ts";
import {
  ambiguousAddresses,
  type StunSocket,
  StunSockets,
} from "../../../src/stun/sockets.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A machine; sockets are made beside its own. */
class Machine implements StunSocket {
  readonly port = 3478;
  readonly clock = new FakeClock();
  addresses: string[] = [];
  /** Addresses that can't be bound. */
  tentative: string[] = [];
  readonly bound = new Set<string>();
  isClosed = false;

  start(): StunSockets {
    return new StunSockets(this, {
      clock: this.clock,
      limiter: new LogLimiter(this.clock),
      addresses: () => this.addresses,
    });
  }

  beside(hostname: string): StunSocket {
    if (this.tentative.includes(hostname) || this.bound.has(hostname)) {
      throw new Deno.errors.AddrNotAvailable("Cannot assign (os error 99)");
    }
    this.bound.add(hostname);
    return {
      port: this.port,
      beside: () => this,
      close: () => {
        this.bound.delete(hostname);
        return Promise.resolve();
      },
    };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

Deno.test("ambiguousAddresses() gives those of families with more than one, but for loopback and link-local", () => {
  for (
    const [all, expected] of [
      [[], []],
      [["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1", "fe80::1"], []],
      [["192.0.2.1", "192.0.2.1", "127.0.0.2", "127.0.0.3"], []],
      [["192.0.2.1", "10.0.0.1", "2001:db8::1"], ["192.0.2.1", "10.0.0.1"]],
      [["fd00::1", "2001:db8::1", "fe80::1", "::1", "192.0.2.1"], [
        "fd00::1",
        "2001:db8::1",
      ]],
    ] as const
  ) {
    assertEquals(ambiguousAddresses(all), [...expected]);
  }
});

Deno.test("StunSockets gives each of several addresses a socket, and follows their changes", async () => {
  const machine = new Machine();
  machine.addresses = ["127.0.0.1", "192.0.2.1"];
  const sockets = machine.start();
  assertEquals([...machine.bound], []);
  assertEquals(sockets.port, 3478);
  machine.addresses.push("192.0.2.2", "192.0.2.3");
  await machine.clock.advance(30_000);
  assertEquals([...machine.bound], ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  machine.addresses = ["127.0.0.1", "192.0.2.2", "192.0.2.4"];
  await machine.clock.advance(30_000);
  assertEquals([...machine.bound], ["192.0.2.2", "192.0.2.4"]);
  machine.addresses = [];
  sockets.reload();
  assertEquals([...machine.bound], []);
  await sockets.close();
  assert(machine.isClosed);
  sockets.reload();
  assertEquals(machine.clock.pending, 0);
});

Deno.test("StunSockets.close() closes all of them", async () => {
  const machine = new Machine();
  machine.addresses = ["192.0.2.1", "192.0.2.2"];
  const sockets = machine.start();
  assertEquals(machine.bound.size, 2);
  await sockets.close();
  assertEquals(machine.bound.size, 0);
  assertEquals(machine.clock.pending, 0);
});

Deno.test("StunSockets tries an address again soon, and says only the second time that it can't be bound", async () => {
  await using log = await CapturedLog.start();
  const machine = new Machine();
  machine.addresses = ["2001:db8::1", "2001:db8::2"];
  machine.tentative = ["2001:db8::2"];
  const sockets = machine.start();
  assertEquals([...machine.bound], ["2001:db8::1"]);
  assertEquals(log.lines, []);
  await machine.clock.advance(3_000);
  assertMatch(
    log.lines[0]!,
    /\[warning\] stun: can't bind a STUN socket to 2001:db8::2: .*99.*another address$/,
  );
  machine.tentative = [];
  await machine.clock.advance(3_000);
  assertEquals(machine.bound.size, 2);
  await machine.clock.advance(60_000);
  assertEquals(log.lines.length, 1);
  await sockets.close();
});

Deno.test("StunSockets has a bound, and says so once", async () => {
  await using log = await CapturedLog.start();
  const machine = new Machine();
  machine.addresses = Array.from({ length: 300 }, (_, i) => `10.0.1.${i}`);
  const sockets = machine.start();
  assertEquals(machine.bound.size, 64);
  await machine.clock.advance(90_000);
  assertEquals(machine.bound.size, 64);
  assertEquals(log.lines.length, 1);
  assertMatch(log.lines[0]!, /this machine has 300 addresses; .* than 64 of/);
  await sockets.close();
});
