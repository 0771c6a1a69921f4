/** Host names, looked up as this machine does it. */
import { systemResolver } from "../http/system_resolver.ts";

const DEADLINE_MS = 5_000;

/** The addresses of `name`, none where there is no such name; rejects where nobody can tell. */
export async function lookUpName(name: string): Promise<string[]> {
  try {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    return await systemResolver().addresses(name, deadline);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
