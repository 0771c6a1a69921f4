/** The part of `@std/yaml/parse` that is used here; its npm edition has no types. */
export function parse(
  text: string,
  options?: { readonly allowDuplicateKeys?: boolean },
): unknown;
