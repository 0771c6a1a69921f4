/** What an operator can do about a mesh link that isn't made. */

/** By the runtime's words, which alone tell these failures apart. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /failed to lookup address/,
    "is the name in -mesh-with spelt right, and in the DNS?",
  ],
  [
    /UnknownIssuer/,
    "where its authority isn't a public one, DENO_CERT names it",
  ],
  [
    /not valid for name/,
    "its certificate is for another name; name/address in -mesh-with dials the one and expects the other",
  ],
];

/** `why` and, where there is something to do about it, what. */
export function withAdvice(why: string): string {
  const known = ADVICE.find(([pattern]) => pattern.test(why));
  return known === undefined ? why : `${why}; ${known[1]}`;
}
