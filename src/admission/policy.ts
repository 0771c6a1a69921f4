/** Who of several sources has to admit a client. */
import type { Verdict } from "./admission.ts";
import { SOURCE_KINDS, type SourceKind } from "./source.ts";

/** One source of each kind (derper's rule for its two flags), any source, or all of them. */
export type Policy = "each-kind" | "any" | "all";

type Refusal = Extract<Verdict, { allow: false }>;

/** Sources in groups: one source of every group has to admit. */
export function groupByPolicy<S extends { readonly kind: SourceKind }>(
  sources: readonly S[],
  policy: Policy,
): S[][] {
  const byKind = SOURCE_KINDS.map((kind) =>
    sources.filter((source) => source.kind === kind)
  );
  switch (policy) {
    case "each-kind":
      return byKind.filter((group) => group.length > 0);
    case "any":
      return [byKind.flat()];
    case "all":
      return byKind.flat().map((source) => [source]);
    default:
      return policy satisfies never;
  }
}

/** What it is that `groups` have to say, in words. */
export function describeGroups(
  groups: readonly (readonly { readonly name: string }[])[],
): string {
  return groups.map((group) => {
    const names = group.map(({ name }) => name).join(" or ");
    return groups.length > 1 && group.length > 1 ? `(${names})` : names;
  }).join(" and ");
}

/** The first admission, as soon as there is one; undefined when all have refused. */
export function firstAdmission<V extends { readonly allow: boolean }>(
  verdicts: readonly Promise<V>[],
): Promise<Extract<V, { allow: true }> | undefined> {
  return new Promise((resolve, reject) => {
    const all = verdicts.map(async (promise) => {
      const verdict = await promise;
      if (isAdmission(verdict)) resolve(verdict);
    });
    Promise.all(all).then(() => resolve(undefined), reject);
  });
}

function isAdmission<V extends { readonly allow: boolean }>(
  verdict: V,
): verdict is Extract<V, { allow: true }> {
  return verdict.allow;
}

/** The refusal of a group whose sources all refused: clear only where each of them was. */
export function refuseTogether(refusals: readonly Refusal[]): Refusal {
  const join = (texts: string[]) => [...new Set(texts)].join("; and ");
  return {
    allow: false,
    isClear: refusals.every(({ isClear }) => isClear),
    reason: join(refusals.map(({ reason }) => reason)),
    advice: join(refusals.map(({ advice }) => advice)),
  };
}

/** The verdict of all groups: of refusals a clear one counts first. */
export function judgeGroups(verdicts: readonly Verdict[]): Verdict {
  const refusals = verdicts.filter((verdict) => !verdict.allow);
  const refusal = refusals.find(({ isClear }) => isClear) ?? refusals[0];
  if (refusal !== undefined) return refusal;
  const admissions = verdicts.filter((verdict) => verdict.allow);
  return {
    allow: true,
    by: admissions.map(({ by }) => by).join(" and "),
    node: admissions.find(({ node }) => node !== undefined)?.node,
  };
}
