/** The program: arguments in, exit code out. */
import {
  commandsText,
  runCommand,
  withoutHelpWord,
} from "./src/commands/commands.ts";
import { parseCommandLine } from "./src/config/command_line.ts";
import type { Config } from "./src/config/config.ts";
import {
  processSurroundings,
  type Surroundings,
} from "./src/config/surroundings.ts";
import { Derper } from "./src/derper.ts";
import { LineQueue } from "./src/log/line_queue.ts";
import { logger, startLogging } from "./src/log/log.ts";
import { StandardError } from "./src/net/standard_error.ts";
import { SystemdNotify } from "./src/net/systemd_notify.ts";
import { statusLine } from "./src/operator_lines.ts";
import { systemClock } from "./src/util/clock.ts";
import { OperatorError } from "./src/util/operator_error.ts";
import { VERSION } from "./src/version.ts";

/** A connection that takes longer to close is left to the system. */
const STOP_TIMEOUT_MS = 1_500;
/** For who reads the log to take its last lines. */
const FLUSH_MS = 500;

await main();

async function main(): Promise<void> {
  const args = withoutHelpWord(Deno.args);
  const surroundings = processSurroundings();
  try {
    const place = { print, printError, surroundings };
    Deno.exit(await runCommand(args, place) ?? await relay(args, surroundings));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    printError(error.message);
    Deno.exit(1);
  }
}

/** Runs the relay until a signal ends it; resolves with the exit code. */
async function relay(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const asked = parseCommandLine(args, surroundings);
  switch (asked.kind) {
    case "help":
      print(asked.text + commandsText());
      return 0;
    case "version":
      print(`${VERSION} (Deno ${Deno.version.deno})\n`);
      return 0;
    case "problems":
      if (asked.usage !== undefined) write(Deno.stderr, `${asked.usage}\n`);
      for (const problem of asked.problems) printError(problem);
      return 2;
  }
  const lines = new LineQueue(new StandardError(), systemClock, sayLost);
  await startLogging((line) => lines.write(line), asked.config.log);
  for (const note of asked.notes) logger("derper").info("{note}", { note });
  try {
    await serve(asked.config, surroundings);
    return 0;
  } finally {
    await lines.flush(FLUSH_MS);
  }
}

/** Resolves when it has stopped. */
async function serve(config: Config, { env }: Surroundings): Promise<void> {
  const stop = stopSignal();
  const derper = await Promise.race([Derper.start(config), stop]);
  if (typeof derper === "string") return; // for the start may wait for long, as for a setec server
  Deno.addSignalListener("SIGHUP", () => void derper.reload()); // never rejects
  const systemd = SystemdNotify.open({
    env,
    clock: systemClock,
    pid: Deno.pid,
  });
  systemd?.ready(() => statusLine(derper));
  const drains = await stop === "SIGTERM"; // who presses Ctrl-C doesn't want to wait
  const withinMs = (drains ? config.drainMs : 0) + STOP_TIMEOUT_MS;
  setTimeout(() => Deno.exit(0), withinMs);
  systemd?.stopping(withinMs);
  if (drains) await derper.drain();
  await derper.stop();
}

/** Of log lines that nobody read while there was room for them. */
function sayLost(lines: number): void {
  logger("log").warn("left out {lines} lines that nobody was there to read", {
    lines,
  });
}

/** Resolves at the first SIGINT or SIGTERM, and says so; the second one ends the program as usual. */
function stopSignal(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    const signals = ["SIGINT", "SIGTERM"] as const;
    const listeners = signals.map((signal) => {
      const stop = () => {
        for (const remove of listeners) remove();
        logger("derper").info("stopping at {signal}", { signal });
        resolve(signal);
      };
      Deno.addSignalListener(signal, stop);
      return () => Deno.removeSignalListener(signal, stop);
    });
  });
}

function print(text: string): void {
  try {
    write(Deno.stdout, text);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    Deno.exit(1); // whoever read it has read enough, as in derper -h | head
  }
}

function printError(line: string): void {
  write(Deno.stderr, `derper: ${line}\n`);
}

/** All of it: a pipe takes a long text in parts. */
function write(to: Pick<typeof Deno.stdout, "writeSync">, text: string): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
}
