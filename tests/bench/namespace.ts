/** Connects from another network namespace; Linux, as root. */

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
} as const;
const CLONE_NEWNET = 0x40000000;

/** Runs `fn` in a namespace; whatever else this thread connects meanwhile goes there too. */
export async function inNamespace<T>(
  name: string,
  fn: () => Promise<T>,
): Promise<T> {
  const { symbols: { open, setns } } = Deno.dlopen("libc.so.6", SYMBOLS);
  const namespaceOf = (path: string) => {
    const bytes = new TextEncoder().encode(`${path}\0`);
    const descriptor = open(bytes, 0);
    return {
      enter: () => {
        if (setns(descriptor, CLONE_NEWNET) === 0) return;
        throw new Error(`Can't enter the network namespace ${path}`);
      },
    };
  };
  const home = namespaceOf("/proc/thread-self/ns/net");
  namespaceOf(`/run/netns/${name}`).enter();
  try {
    return await fn();
  } finally {
    home.enter();
  }
}
