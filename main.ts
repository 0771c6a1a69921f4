/** The program: arguments in, exit code out. */
import { parseCommandLine } from "./src/config/command_line.ts";
import { processSurroundings } from "./src/config/surroundings.ts";
import { Derper } from "./src/derper.ts";
import { logger, startLogging } from "./src/log/log.ts";
import { OperatorError } from "./src/util/operator_error.ts";
import { VERSION } from "./src/version.ts";

/** A connection that takes longer to close is left to the system. */
const STOP_TIMEOUT_MS = 1_500;

await main();

async function main(): Promise<void> {
  const asked = parseCommandLine(Deno.args, processSurroundings());
  switch (asked.kind) {
    case "help":
      return printOut(asked.text);
    case "version":
      return printOut(`${VERSION} (Deno ${Deno.version.deno})`);
    case "problems":
      if (asked.usage !== undefined) printError(asked.usage);
      for (const problem of asked.problems) printError(`derper: ${problem}`);
      return Deno.exit(2);
  }
  await startLogging(writeError);
  for (const note of asked.notes) logger("derper").info("{note}", { note });
  const stop = stopSignal(); // also one that comes while it starts
  try {
    const derper = await Derper.start(asked.config);
    Deno.addSignalListener("SIGHUP", () => void derper.reload()); // never rejects
    logger("derper").info("stopping at {signal}", { signal: await stop });
    setTimeout(() => Deno.exit(0), STOP_TIMEOUT_MS);
    await derper.stop();
    Deno.exit(0);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    printError(`derper: ${error.message}`);
    Deno.exit(1);
  }
}

/** Resolves at the first SIGINT or SIGTERM; the second one ends the program as usual. */
function stopSignal(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    const signals = ["SIGINT", "SIGTERM"] as const;
    const listeners = signals.map((signal) => {
      const stop = () => {
        for (const remove of listeners) remove();
        resolve(signal);
      };
      Deno.addSignalListener(signal, stop);
      return () => Deno.removeSignalListener(signal, stop);
    });
  });
}

function printOut(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function printError(line: string): void {
  writeError(`${line}\n`);
}

function writeError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
