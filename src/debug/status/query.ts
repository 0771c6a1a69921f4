/** What a visitor of the status page wants to see of the clients: their order and the page. */

/** How many clients a page has. */
export const PAGE_ROWS = 100;

/** By what clients can be sorted. */
export const COLUMNS = [
  "node",
  "address",
  "admitted",
  "home",
  "since",
  "in",
  "out",
  "total-in",
  "total-out",
  "dropped",
  "queue",
] as const;
export type Column = typeof COLUMNS[number];

/** Of these the smallest is wanted first, of all others the largest. */
const ASCENDING: ReadonlySet<Column> = new Set<Column>([
  "node",
  "address",
  "admitted",
]);

/** The default order: who uses the bandwidth now. */
const DEFAULT: Column = "out";

/** A checked query; what isn't understood is as if it weren't there. */
export class StatusQuery {
  readonly sort: Column;
  readonly isReversed: boolean;
  /** The first is 1; there may be fewer. */
  readonly page: number;
  /** The debug key, which every link has to carry on. */
  readonly #debugKey: string;

  private constructor(
    { sort, isReversed, page }: Pick<
      StatusQuery,
      "sort" | "isReversed" | "page"
    >,
    debugKey: string,
  ) {
    this.sort = sort;
    this.isReversed = isReversed;
    this.page = page;
    this.#debugKey = debugKey;
  }

  static parse(params: URLSearchParams): StatusQuery {
    const sort = COLUMNS.find((column) => column === params.get("sort"));
    const page = params.get("page") ?? "";
    return new StatusQuery({
      sort: sort ?? DEFAULT,
      isReversed: params.get("order") === "reverse",
      page: /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1,
    }, params.get("debugkey") ?? "");
  }

  /** Whether the smallest comes first. */
  get isAscending(): boolean {
    return ASCENDING.has(this.sort) !== this.isReversed;
  }

  /** The way to `path` with this query. */
  link(path: string): string {
    const params = new URLSearchParams();
    if (this.sort !== DEFAULT) params.set("sort", this.sort);
    if (this.isReversed) params.set("order", "reverse");
    if (this.page !== 1) params.set("page", `${this.page}`);
    return this.#withKey(path, params);
  }

  /** The way to another page below `/debug/`. */
  plainLink(path: string): string {
    return this.#withKey(path, new URLSearchParams());
  }

  /** The same sorted by `column`; the other way round where it is already. */
  sortedBy(column: Column): StatusQuery {
    const isReversed = column === this.sort && !this.isReversed;
    return new StatusQuery(
      { sort: column, isReversed, page: 1 },
      this.#debugKey,
    );
  }

  /** Another page of the same. */
  onPage(page: number): StatusQuery {
    const { sort, isReversed } = this;
    return new StatusQuery({ sort, isReversed, page }, this.#debugKey);
  }

  #withKey(path: string, params: URLSearchParams): string {
    if (this.#debugKey !== "") params.set("debugkey", this.#debugKey);
    return params.size === 0 ? path : `${path}?${params}`;
  }
}
