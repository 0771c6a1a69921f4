/** Key files on a real file system, and both ways with the Go derper. */
import { formatKeyFile, loadKeyFile } from "../../src/config/key_file.ts";
import { loadMeshKey } from "../../src/config/mesh_psk.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { findGoDerper, goPublicKey } from "../support/go_derper.ts";

const MESH_KEY = "0123456789abcdef".repeat(4);

const goDerper = findGoDerper();
const NO_GO = goDerper ? "" : " (SKIPPED: there is no Go derper here)";
const IS_ROOT = Deno.uid() === 0;
const AS_ROOT = IS_ROOT ? " (SKIPPED: root may read and write all)" : "";

/** Runs `body` with a directory that is gone afterwards. */
async function withDirectory(
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "derper-config-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function names(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(directory)) found.push(name);
  return found.sort();
}

async function modeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}

/** The one line with which `load` refuses. */
async function refusal(load: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(load, OperatorError);
  assert(!message.includes("\n"));
  return message;
}

Deno.test("loadKeyFile() makes a missing file and directory, for the owner alone", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a/b/derper.key`;
    const { key, created, ...rest } = await loadKeyFile(path);
    assert(created);
    assertEquals(rest, {});
    assertEquals(await Deno.readTextFile(path), formatKeyFile(key));
    assertEquals(await modeOf(path), 0o600);
    assertEquals(await names(`${directory}/a/b`), ["derper.key"]);
  });
});

Deno.test("loadKeyFile() reads the key it made, and leaves the file alone", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/derper.key`;
    const { key } = await loadKeyFile(path);
    const before = await Deno.stat(path);
    const again = await loadKeyFile(path);
    assertEquals(again.key.reveal(), key.reveal());
    assert(again.created === false);
    const after = await Deno.stat(path);
    assertEquals([after.ino, after.mtime], [before.ino, before.mtime]);
  });
});

Deno.test("loadKeyFile() gives all that start at once the same key", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/derper.key`;
    const loaded = await Promise.all(
      Array.from({ length: 8 }, () => loadKeyFile(path)),
    );
    const keys = new Set(loaded.map(({ key }) => key.reveal()));
    assertEquals(keys.size, 1);
    assertEquals(loaded.filter(({ created }) => created).length, 1);
    assertEquals(await names(directory), ["derper.key"]);
  });
});

Deno.test("loadKeyFile() makes a file where there are no hard links", async () => {
  const link = Deno.link;
  Deno.link = () => Promise.reject(new Deno.errors.NotSupported("no links"));
  try {
    await withDirectory(async (directory) => {
      const path = `${directory}/derper.key`;
      const { key } = await loadKeyFile(path);
      assertEquals(await Deno.readTextFile(path), formatKeyFile(key));
      assertEquals(await modeOf(path), 0o600);
      assertEquals(await names(directory), ["derper.key"]);
    });
  } finally {
    Deno.link = link;
  }
});

Deno.test("loadKeyFile() refuses a wrong file and leaves it as it is", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/derper.key`;
    for (const text of ["", "{}", "nonsense", "x".repeat(70_000)]) {
      await Deno.writeTextFile(path, text);
      const message = await refusal(() => loadKeyFile(path));
      assertStringIncludes(message, `Cannot use key file "${path}": `);
      assertEquals(await Deno.readTextFile(path), text);
    }
    await Deno.writeTextFile(path, " ".repeat(64 * 1024 + 1));
    const message = await refusal(() => loadKeyFile(path));
    assertStringIncludes(message, "it is larger than 64 KiB");
    assertEquals(await names(directory), ["derper.key"]);
  });
});

Deno.test("loadKeyFile() refuses what is no file, without waiting for it", async () => {
  await withDirectory(async (directory) => {
    const message = await refusal(() => loadKeyFile(directory));
    assertStringIncludes(message, `"${directory}": it is a directory`);
    const device = await refusal(() => loadKeyFile("/dev/zero"));
    assertStringIncludes(device, '"/dev/zero": it is no regular file');
    await Deno.writeTextFile(`${directory}/file`, "");
    const below = await refusal(() => loadKeyFile(`${directory}/file/k`));
    assertStringIncludes(below, `"${directory}/file/k": not a directory; `);
  });
});

Deno.test("loadKeyFile() follows a link to a file, and says so where it leads nowhere", async () => {
  await withDirectory(async (directory) => {
    const link = `${directory}/link`;
    await Deno.symlink("real", link);
    const message = await refusal(() => loadKeyFile(link));
    assertStringIncludes(message, `"${link}": it is a symbolic link`);
    assertEquals(await names(directory), ["link"]);
    const { key } = await loadKeyFile(`${directory}/real`);
    assertEquals((await loadKeyFile(link)).key.reveal(), key.reveal());
  });
});

Deno.test("loadKeyFile() warns of a file that others can read, and takes it", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/derper.key`;
    await loadKeyFile(path);
    await Deno.chmod(path, 0o644);
    const { warning = "" } = await loadKeyFile(path);
    assertStringIncludes(warning, `"${path}"`);
    await Deno.chmod(path, 0o640);
    assertEquals((await loadKeyFile(path)).warning, undefined);
  });
});

Deno.test({
  name: `loadKeyFile() says so where it may not read or write${AS_ROOT}`,
  ignore: IS_ROOT,
  async fn() {
    await withDirectory(async (directory) => {
      const path = `${directory}/derper.key`;
      await loadKeyFile(path);
      await Deno.chmod(path, 0);
      const unread = await refusal(() => loadKeyFile(path));
      assertStringIncludes(unread, `"${path}": permission denied; `);
      await Deno.chmod(directory, 0o500);
      const unmade = await refusal(() => loadKeyFile(`${directory}/other`));
      assertStringIncludes(unmade, 'other": permission denied; ');
      await Deno.chmod(directory, 0o700);
    });
  },
});

Deno.test("loadKeyFile() says so where nothing can be made", async () => {
  await withDirectory(async (directory) => {
    const link = `${directory}/link`;
    await Deno.symlink(`${directory}/nowhere`, link);
    const message = await refusal(() => loadKeyFile(`${link}/derper.key`));
    assertStringIncludes(
      message,
      `Cannot make key file "${link}/derper.key": `,
    );
  });
});

Deno.test({
  name: "loadKeyFile() says so where Deno may not read",
  permissions: { read: false },
  async fn() {
    const message = await refusal(() => loadKeyFile("derper.key"));
    assertStringIncludes(message, 'Cannot read key file "derper.key": ');
    assertStringIncludes(message, "--allow-read");
  },
});

Deno.test("loadMeshKey() reads a file and names what is wrong with one", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/mesh.key`;
    const missing = await refusal(() => loadMeshKey(path));
    assertStringIncludes(missing, `"${path}": it does not exist; `);
    assertEquals(await names(directory), []);
    await Deno.writeTextFile(path, `${MESH_KEY}\n`, { mode: 0o600 });
    const loaded = await loadMeshKey(path);
    assertEquals(loaded.key.reveal(), MESH_KEY);
    assertEquals(Object.keys(loaded), ["key"]);
    for (const text of ["", MESH_KEY.slice(1), `${MESH_KEY.slice(1)}g`]) {
      await Deno.writeTextFile(path, text);
      const message = await refusal(() => loadMeshKey(path));
      assertStringIncludes(message, `Cannot use mesh key file "${path}": `);
      assert(!message.includes("abcdef"));
    }
    const folder = await refusal(() => loadMeshKey(directory));
    assertStringIncludes(folder, "it is a directory");
  });
});

Deno.test({
  name: `loadKeyFile() reads a file that the Go derper made${NO_GO}`,
  ignore: !goDerper,
  async fn() {
    await withDirectory(async (directory) => {
      const path = `${directory}/new/derper.key`;
      const publicKey = await goPublicKey(goDerper!, path);
      const text = await Deno.readTextFile(path);
      const { key, created, warning } = await loadKeyFile(path);
      assertEquals(key.publicKey.hex(), publicKey);
      assertEquals([created, warning], [false, undefined]);
      assertEquals(formatKeyFile(key), text);
      assertEquals(await Deno.readTextFile(path), text);
    });
  },
});

Deno.test({
  name: `loadKeyFile() makes a file that the Go derper reads${NO_GO}`,
  ignore: !goDerper,
  async fn() {
    await withDirectory(async (directory) => {
      const path = `${directory}/new/derper.key`;
      const { key } = await loadKeyFile(path);
      assertEquals(await goPublicKey(goDerper!, path), key.publicKey.hex());
      assertEquals(await Deno.readTextFile(path), formatKeyFile(key));
    });
  },
});
