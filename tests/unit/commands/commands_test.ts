/** Which command lines are commands, and what is said of others. */
import type { CommandPlace } from "../../../src/commands/command.ts";
import {
  commandsText,
  runCommand,
  withoutHelpWord,
} from "../../../src/commands/commands.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../../support/assert.ts";

/** A place to run commands in that keeps what they say. */
class Said implements CommandPlace {
  out = "";
  readonly errors: string[] = [];
  readonly surroundings = {
    env: () => undefined,
    uid: 1000,
    exists: () => false,
  };
  readonly print = (text: string) => {
    this.out += text;
  };
  readonly printError = (line: string) => {
    this.errors.push(line);
  };
}

/** The commands as `-h` of the relay lists them. */
function namesInHelp(): string[] {
  return [...commandsText().matchAll(/^ {2}derper (\S+(?: \S+)?) {2}/gm)]
    .map(([, name]) => name!.trim());
}

async function run(line: string): Promise<{ code: number; said: Said }> {
  const said = new Said();
  const code = await runCommand(line.split(" "), said);
  assert(code !== undefined, line);
  return { code, said };
}

Deno.test("runCommand() leaves command lines that begin with a flag to the relay", () => {
  const lines = [[], [""], ["-a", ":80"], ["-h", "verify"], ["--", "verify"]];
  for (const args of lines) {
    assertEquals(runCommand(args, new Said()), undefined);
  }
});

Deno.test("runCommand() lists the commands where it doesn't know one", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["verfy -verify-clients", "verfy"],
    ["keys", "keys"],
    ["keys import", "keys import"],
    ["keys -h", "keys"],
    ["Verify", "Verify"],
  ];
  for (const [line, name] of cases) {
    const { code, said } = await run(line);
    assertEquals(code, 2);
    assertEquals(said.out, "");
    assertEquals(said.errors, [
      `Unknown command "${name}": there are ${
        namesInHelp().join(", ")
      } and help; a relay is started with flags alone`,
    ]);
  }
});

Deno.test("runCommand() has a help for each command that -h of the relay names", async () => {
  const names = namesInHelp();
  for (const name of ["verify", "keys export", "derpmap"]) {
    assert(names.includes(name), name);
  }
  for (const name of names) {
    const { code, said } = await run(`${name} -h`);
    assertEquals(code, 0);
    assertEquals(said.errors, []);
    assert(said.out.startsWith(`Usage of derper ${name}:\n`), said.out);
    assertMatch(said.out, /\n {2}-[a-z-]+(?: \w+)?\n[^]*\n$/);
    assertEquals((await run(`${name} -help`)).said.out, said.out);
  }
});

Deno.test("runCommand() exits with 2 for flags that a command doesn't have", async () => {
  for (const line of ["keys export -x", "verify -x"]) {
    const { code, said } = await run(line);
    assertEquals(code, 2);
    assertStringIncludes(said.errors.join("\n"), 'Unknown flag "-x"');
  }
});

Deno.test("withoutHelpWord() takes help in front for -h behind", () => {
  assertEquals(withoutHelpWord(["help"]), ["-h"]);
  assertEquals(withoutHelpWord(["help", "keys", "export"]), [
    "keys",
    "export",
    "-h",
  ]);
  assertEquals(withoutHelpWord(["-a", "help"]), ["-a", "help"]);
  assertEquals(withoutHelpWord([]), []);
});
