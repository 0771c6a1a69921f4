/** The files of deploy/, as far as this machine has the programs that read them. */
import { parseCommandLine } from "../../src/config/command_line.ts";
import { flagsOfVariables } from "../../src/config/environment.ts";
import { FLAGS } from "../../src/config/flags.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);
/** systemd's measure, from 0 to 100: 15 when this was written. */
const MAX_EXPOSURE = 16;

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, DEPLOY));
}

async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, output: decode(stdout) + decode(stderr) };
}

function isThere(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"] }).outputSync();
    return true;
  } catch {
    return false;
  }
}

/** The assignments of an environment file, also those in comments. */
function assignments(text: string, prefix: RegExp): Map<string, string> {
  const pattern = new RegExp(`${prefix.source}(DERP_[A-Z_]+)=(.*)$`, "gm");
  return new Map(
    [...text.matchAll(pattern)].map(([, name, value]) => [name!, value!]),
  );
}

Deno.test("deploy/ sets no variable but those of flags", () => {
  const flags = flagsOfVariables(FLAGS);
  const files = [
    "systemd/derper.service",
    "systemd/derper.env",
    "container/Containerfile",
    "container/compose.yaml",
    "openwrt/derper.init",
  ];
  for (const file of files) {
    const names = read(file).match(/\bDERP_[A-Z_]+/g) ?? [];
    assert(names.length > 0, file);
    assertEquals(names.filter((name) => !flags.has(name)), [], file);
  }
});

Deno.test("deploy/systemd/derper.env is a configuration without problems, in which clients are verified", () => {
  for (const prefix of [/^/, /^#?/]) {
    const env = assignments(read("systemd/derper.env"), prefix);
    const parsed = parseCommandLine([], {
      env: (name) => env.get(name),
      uid: 1000,
      exists: () => false,
    });
    assert(parsed.kind === "run", JSON.stringify(parsed));
    const { drainMs, reusePort, verification } = parsed.config;
    assertEquals([drainMs, reusePort], [10_000, true]);
    assertEquals(verification?.cacheTtlMs, 300_000);
    assertEquals(verification?.staleTtlMs, 86_400_000);
    assertEquals(parsed.notes.length, 1); // which variables there are
  }
});

Deno.test({
  name: "deploy/systemd/derper.service is what systemd takes, and hardened",
  ignore: !isThere("systemd-analyze"),
  async fn() {
    const dir = await Deno.makeTempDir();
    const path = `${dir}/derper.service`;
    const text = read("systemd/derper.service");
    // Only the program isn't there.
    const program = "ExecStart=/usr/local/bin/derper";
    assert(text.includes(program));
    await Deno.writeTextFile(path, text.replace(program, "ExecStart=/bin/sh"));
    const verified = await run("systemd-analyze", ["verify", path]);
    const security = await run("systemd-analyze", [
      "security",
      "--offline=yes",
      `--threshold=${MAX_EXPOSURE}`,
      path,
    ]);
    await Deno.remove(dir, { recursive: true });
    assertEquals(verified, { code: 0, output: "" });
    assertMatch(security.output, /Overall exposure level/);
    assertEquals(security.code, 0, security.output);
  },
});

Deno.test("deploy/systemd/derper.service leaves V8 what it needs", () => {
  const settings = read("systemd/derper.service").split("\n")
    .filter((line) => !line.startsWith("#")).join("\n");
  for (
    const taken of ["MemoryDenyWriteExecute", "PrivateUsers", "ProcSubset"]
  ) {
    assert(!settings.includes(taken), taken);
  }
  assertMatch(settings, /^SystemCallFilter=@system-service @pkey$/m);
  assertMatch(settings, /^RestrictAddressFamilies=.*AF_UNIX.*AF_NETLINK/m);
});

Deno.test("deploy/openwrt/derper.init starts one program with its environment, and reloads it", async () => {
  const path = new URL("openwrt/derper.init", DEPLOY).pathname;
  const script = `
    for f in open_instance set_param close_instance send_signal; do
      eval "procd_$f() { echo $f \\"\\$@\\"; }"
    done
    mkdir() { :; }; chmod() { :; }
    . ${path}
    start_service; reload_service; echo "procd $USE_PROCD $START $STOP"`;
  const { code, output } = await run("sh", ["-euc", script]);
  assertEquals(code, 0, output);
  const lines = output.trim().split("\n");
  assertEquals(lines[0], "open_instance");
  assertEquals(lines[1], "set_param command /usr/bin/derper");
  assertMatch(
    lines[2]!,
    /^set_param env HOME=\/etc\/derper DERP_HOSTNAME=\S+ /,
  );
  assertEquals(lines.slice(-3), [
    "close_instance",
    "send_signal derper",
    "procd 1 95 10",
  ]);
});

Deno.test("deploy/container/Containerfile runs the program as nobody in particular, without a shell", () => {
  const text = read("container/Containerfile");
  assertMatch(text, /^FROM \S+\/cc-debian12:nonroot$/m);
  assertMatch(text, /^USER 65532:65532$/m);
  assertMatch(text, /^ENTRYPOINT \["\/usr\/local\/bin\/derper"\]$/m);
  assertMatch(
    text,
    /^ {4}CMD \["\/usr\/local\/bin\/derper", "healthcheck"\]$/m,
  );
  assert(!/^RUN /m.test(text));
});

Deno.test("deploy/release.sh is a script that sh takes", async () => {
  const path = new URL("release.sh", DEPLOY).pathname;
  assertEquals(await run("sh", ["-n", path]), { code: 0, output: "" });
});
