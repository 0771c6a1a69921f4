/** The program as an operator runs it: exit codes, what it says, signals. */
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { ended, spawnProgram } from "../support/relay_program.ts";

/** A run of the program in a directory of its own. */
function program(dir: string, ...args: string[]): Deno.ChildProcess {
  return spawnProgram(dir, args);
}

/** What it says on its standard error until it ends, sent `signal` when it has said `mark`. */
async function signalled(
  child: Deno.ChildProcess,
  mark: string,
  signal: Deno.Signal,
): Promise<{ code: number; text: string }> {
  const stderr = child.stderr.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const part of stderr) {
    const wasSent = text.includes(mark);
    text += part;
    if (!wasSent && text.includes(mark)) child.kill(signal);
  }
  await child.stdout.cancel();
  return { code: (await child.status).code, text };
}

/** Calls `use` with an empty directory, which is gone afterwards. */
async function withDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("main prints its flags with -h, and its version", async () => {
  await withDir(async (dir) => {
    const help = await ended(program(dir, "-h"));
    assertEquals(help.code, 0);
    assertStringIncludes(help.stdout, "-verify-clients");
    assertStringIncludes(help.stdout, '(default ":443")');
    const version = await ended(program(dir, "-version"));
    assertEquals(version.code, 0);
    assertMatch(version.stdout, /^\d+\.\d+\.\d+ \(Deno .*\)\n$/);
  });
});

Deno.test("main tells all mistakes of a command line and exits with 2", async () => {
  await withDir(async (dir) => {
    const args = ["-stun-port=99999", "-home=ftp://x", "-c=k", "-a=:x"];
    const { code, stderr } = await ended(program(dir, ...args));
    assertEquals(code, 2);
    for (const flag of ["-stun-port", "-home", "-a"]) {
      assertMatch(stderr, new RegExp(`^derper: .*${flag}`, "m"));
    }
  });
});

Deno.test("main takes a first word for a command, and names them with -h and for an unknown one", async () => {
  await withDir(async (dir) => {
    const help = await ended(program(dir, "help"));
    assertEquals(help.code, 0);
    assertEquals(help.stdout, (await ended(program(dir, "-h"))).stdout);
    assertMatch(help.stdout, /^ {2}derper verify {2,}\S/m);
    const unknown = await ended(program(dir, "verfy", "-c", "key"));
    assertEquals(unknown.code, 2);
    assertEquals(unknown.stdout, "");
    assertMatch(
      unknown.stderr,
      /^derper: Unknown command "verfy": there are verify, .*\n$/,
    );
    const behind = await ended(program(dir, "-c", "key", "verify"));
    assertEquals(behind.code, 2);
    assertStringIncludes(behind.stderr, 'Unexpected argument "verify"');
  });
});

Deno.test("main exits with 1 and one line when a command can't do its work", async () => {
  await withDir(async (dir) => {
    const args = ["keys", "export", "-socket", `${dir}/none`];
    const { code, stdout, stderr } = await ended(program(dir, ...args));
    assertEquals(code, 1);
    assertEquals(stdout, "");
    assertMatch(stderr, /^derper: .*\/none.*\n$/);
  });
});

Deno.test("main refuses -ace by name", async () => {
  await withDir(async (dir) => {
    const { code, stderr } = await ended(program(dir, "-ace"));
    assertEquals(code, 2);
    assertMatch(stderr, /^derper: Unsupported -ace/m);
  });
});

Deno.test("main exits with 1 and one line when the port is in use", async () => {
  await withDir(async (dir) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const args = ["-a", `127.0.0.1:${port}`, "-c", "key", "-stun=false"];
    const { code, stderr } = await ended(program(dir, ...args));
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^derper: Cannot listen on TCP 127\.0\.0\.1:\d+ \(-a\): .*\n$/m,
    );
  });
});

Deno.test("main leaves a damaged key file as it is and exits with 1", async () => {
  await withDir(async (dir) => {
    const text = '{"PrivateKey":"privkey:00"}';
    await Deno.writeTextFile(`${dir}/key`, text, { mode: 0o600 });
    const args = ["-a", "127.0.0.1:0", "-c", `${dir}/key`, "-stun=false"];
    const { code, stderr } = await ended(program(dir, ...args));
    assertEquals(code, 1);
    assertStringIncludes(stderr, `${dir}/key`);
    assertEquals(stderr.split("\n").length, 2);
    assertEquals(await Deno.readTextFile(`${dir}/key`), text);
  });
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`main says when it is ready, and exits with 0 at ${signal}`, async () => {
    await withDir(async (dir) => {
      const args = ["-a", "127.0.0.1:0", "-c", `${dir}/key`, "-stun=false"];
      const child = program(dir, ...args);
      const { code, text } = await signalled(child, "open relay", signal);
      assertMatch(
        text,
        /\[info\] derper: ready: HTTP without TLS on 127\.0\.0\.1:\d+/,
      );
      assertMatch(text, /\[warning\] derper: this is an open relay/);
      assertStringIncludes(text, `stopping at ${signal}`);
      assertEquals(code, 0);
      const { mode } = await Deno.stat(`${dir}/key`);
      assertEquals((mode ?? 0) & 0o777, 0o600);
    });
  });
}

Deno.test("main exits with 0 at a signal that comes while it still waits for its mesh key", async () => {
  await withDir(async (dir) => {
    const child = program(
      dir,
      ...["-a", "127.0.0.1:0", "-c", `${dir}/key`, "-stun=false"],
      ...["-secrets-url", "http://127.0.0.1:1"],
      ...["-secrets-cache-dir", `${dir}/secrets`],
    );
    const { code, text } = await signalled(child, "no mesh key yet", "SIGTERM");
    assertStringIncludes(text, "stopping at SIGTERM");
    assertEquals(code, 0);
  });
});
