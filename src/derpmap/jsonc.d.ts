/** The part of `@std/jsonc/parse` that is used here; its npm edition has no types. */
export function parse(text: string): unknown;
