/** A turn that takes none, for tests without other connections. */
import type { Turn } from "../../src/util/clock.ts";

export const noTurn: Turn = { wait: () => Promise.resolve() };
