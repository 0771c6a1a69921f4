/** The shape of src/: who imports whom, what touches the runtime, how large files are. */
import { assert, assertEquals } from "../support/assert.ts";

const SRC = new URL("../../src/", import.meta.url);
const MAX_LINES = 300;

/** What a folder may import besides itself; the table of src/README.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  keys: ["util"],
  log: ["util"],
  files: ["util"],
  derp: ["keys", "util"],
  net: ["log", "util"],
  stun: ["log", "net", "util"],
  certs: ["derp", "files", "keys", "log", "util"],
  admission: ["files", "keys", "log", "util"],
  derpmap: ["certs", "util"],
  secrets: ["files", "keys", "log", "util"],
  relay: ["admission", "derp", "keys", "log", "net", "util"],
  mesh: ["derp", "keys", "log", "net", "relay", "util"],
  http: ["derp", "keys", "log", "net", "relay", "util"],
  debug: ["admission", "files", "http", "log", "relay", "util"],
  config: ["files", "keys", "util"],
  probe: ["certs", "derp", "keys", "mesh", "net", "stun", "util"],
  commands: [
    "admission",
    "certs",
    "config",
    "derpmap",
    "files",
    "http",
    "keys",
    "loaded.ts",
    "log",
    "net",
    "probe",
    "util",
    "verification.ts",
  ],
};

/** Folders of which another one may use the types alone. */
const TYPES_ONLY: readonly string[] = [
  "relay > admission",
  "http > relay",
  "debug > admission",
  "debug > relay",
];

/** What of the net folder is free of sockets, for who must not have any. */
const SOCKETLESS = "net/conn.ts";
const WITHOUT_SOCKETS: readonly string[] = ["relay", "mesh"];

/** Files, or folders, that may touch the runtime; all others are pure. */
const MAY_TOUCH_RUNTIME: readonly RegExp[] = [
  /^keys\/nacl_box\.ts$/,
  /^(files|net|certs|secrets|http|probe|commands)\//,
  /^stun\/server\.ts$/,
  /^admission\/(?!admission\.ts$)/,
  /^config\/surroundings\.ts$/,
  /^debug\/process_metrics\.ts$/,
  /^(derper|loaded|parts)\.ts$/,
];

/** The runtime's modules that pure computation may need. */
const KEYS_MODULES = ['"node:crypto"', '"node:buffer"'];

interface Import {
  readonly target: string;
  readonly isType: boolean;
}

interface Source {
  /** Relative to src/. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

async function* files(dir: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (isDirectory) yield* files(new URL(`${name}/`, dir));
    else if (name.endsWith(".ts")) yield new URL(name, dir);
  }
}

async function readSource(file: URL): Promise<Source> {
  const path = file.href.slice(SRC.href.length);
  const text = await Deno.readTextFile(file);
  const code = text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const imports: Import[] = [];
  const pattern =
    /\b(?:(?:import|export)\b(\s+type\b)?(?:[^"';()]*?\bfrom)?\s*|\bimport\()"(\.\.?\/[^"]+)"/g;
  for (const [, type, specifier = ""] of code.matchAll(pattern)) {
    imports.push({
      target: new URL(specifier, file).href.slice(SRC.href.length),
      isType: type !== undefined,
    });
  }
  return { path, folder: folderOf(path), text, code, imports };
}

/** The folder of a path; a file of src/ itself is its own. */
function folderOf(path: string): string {
  return path.split("/")[0]!;
}

const sources: Source[] = [];
for await (const file of files(SRC)) sources.push(await readSource(file));

/** All breaches that `check` finds, each with its file. */
function breaches(check: (source: Source) => readonly string[]): string[] {
  return sources.flatMap((source) =>
    check(source).map((what) => `${source.path} ${what}`)
  );
}

Deno.test("layering: every import under src/ was seen", () => {
  assert(sources.length > 50);
  for (const { path, code, imports } of sources) {
    const specifiers = code.match(/"\.\.?\/[^"]+\.ts"/g) ?? [];
    assertEquals(imports.length, specifiers.length, path);
  }
});

Deno.test("layering: folders import only from the folders below them", () => {
  assertEquals(
    breaches(({ path, folder, imports }) => {
      if (!path.includes("/")) return []; // the composition root may import all
      const allowed = MAY_IMPORT[folder];
      if (allowed === undefined) return ["is in a folder without a layer"];
      return imports.map(({ target }) => target)
        .filter((target) => folderOf(target) !== folder)
        .filter((target) => !allowed.includes(folderOf(target)))
        .map((target) => `imports ${target}`);
    }),
    [],
  );
});

Deno.test("layering: no folder imports one that imports it, by however many others", () => {
  const edges = new Map<string, Set<string>>();
  for (const { path, folder, imports } of sources) {
    const targets = edges.get(folder) ?? new Set();
    for (const { target } of imports) {
      if (folderOf(target) !== folderOf(path)) targets.add(folderOf(target));
    }
    edges.set(folder, targets);
  }
  assertEquals(cycles(edges), []);
});

Deno.test("layering: no file imports itself by way of others, but for types", () => {
  const edges = new Map(sources.map(({ path, imports }) => [
    path,
    new Set(
      imports.filter(({ isType }) => !isType).map(({ target }) => target),
    ),
  ]));
  assertEquals(cycles(edges), []);
});

/** Every cycle that a walk from each node finds first. */
function cycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]) => {
    const at = trail.indexOf(node);
    if (at >= 0) {
      found.push([...trail.slice(at), node].join(" > "));
      return;
    }
    if (done.has(node)) return;
    for (const next of edges.get(node) ?? []) walk(next, [...trail, node]);
    done.add(node);
  };
  for (const node of edges.keys()) walk(node, []);
  return found;
}

Deno.test("layering: some folders are used for their types alone", () => {
  assertEquals(
    breaches(({ folder, imports }) =>
      imports.filter(({ isType, target }) =>
        !isType && TYPES_ONLY.includes(`${folder} > ${folderOf(target)}`)
      ).map(({ target }) => `imports more than types of ${target}`)
    ),
    [],
  );
});

Deno.test("layering: relay and mesh have no sockets, only the interface of one", () => {
  assertEquals(
    breaches(({ folder, imports }) =>
      imports.filter(({ target }) =>
        WITHOUT_SOCKETS.includes(folder) && folderOf(target) === "net" &&
        target !== SOCKETLESS
      ).map(({ target }) => `imports ${target}`)
    ),
    [],
  );
});

Deno.test("layering: pure folders touch neither Deno.* nor node:", () => {
  assertEquals(
    breaches(({ path, folder, code }) => {
      if (!MAY_TOUCH_RUNTIME.some((pattern) => pattern.test(path))) {
        return code.match(/\bDeno\.\w+|"node:[^"]+"/g) ?? [];
      }
      if (folder !== "keys") return [];
      return (code.match(/\bDeno\.\w+|"node:[^"]+"/g) ?? [])
        .filter((use) => !KEYS_MODULES.includes(use));
    }),
    [],
  );
});

Deno.test("layering: no file has over 300 lines, and each says first what it is for", () => {
  assertEquals(
    breaches(({ text }) => {
      const lines = text.split("\n").length - 1;
      const faults = lines > MAX_LINES ? [`has ${lines} lines`] : [];
      if (!text.startsWith("/**")) faults.push("opens without a comment");
      return faults;
    }),
    [],
  );
});

Deno.test("layering: no barrels, no module-level variables, no console", () => {
  assertEquals(
    breaches(({ code }) =>
      code.match(/^export \*.*|^(?:export )?(?:let|var) .*|\bconsole\./gm) ??
        []
    ),
    [],
  );
});
