/** Lets a Worker that makes load run only where nobody else wants to. */

/** The thread that calls, for Linux's setpriority. */
const PRIO_PROCESS = 0;
const THIS_THREAD = 0;
const LOWEST = 19;

/**
 * Gives the calling Worker's thread the lowest priority: a flood takes all of
 * a core, and on a machine with two would hold up those whose packets are
 * timed. Throws where there is no such call, as those times would be wrong.
 */
export function giveWay(): void {
  using libc = openLibc();
  if (libc.symbols.setpriority(PRIO_PROCESS, THIS_THREAD, LOWEST) === 0) return;
  throw new Error("The kernel refuses to lower a thread's priority");
}

const SYMBOLS = {
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
} as const;

function openLibc(): Deno.DynamicLibrary<typeof SYMBOLS> & Disposable {
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  return Object.assign(libc, { [Symbol.dispose]: () => libc.close() });
}
