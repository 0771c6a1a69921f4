/** Numbers of things in texts. */

/** For example `1 node` and `2 nodes`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
