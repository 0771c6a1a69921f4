/** What the meaning of a command line depends on besides itself. */

/** The environment, the user and the file system, as far as the flags' defaults need them. */
export interface Surroundings {
  readonly env: (name: string) => string | undefined;
  /** The user's number, 0 for root; null where the system has none. */
  readonly uid: number | null;
  /** Whether something is at `path` and may be looked at. */
  readonly exists: (path: string) => boolean;
}

/** The surroundings of this process. */
export function processSurroundings(): Surroundings {
  return { env: (name) => Deno.env.get(name), uid: Deno.uid(), exists };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false; // as derper, which takes a path that it can't look at for absent
  }
}
