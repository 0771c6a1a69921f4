/** Markup in which what others wrote stays text: the status page is made by this, and only here is escaped. */

/** Markup, as opposed to text. */
export class Markup {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Fills a template: text is escaped, markup is not, a list is joined, and what isn't there leaves nothing. */
  static fill(
    parts: TemplateStringsArray,
    ...values: readonly Filling[]
  ): Markup {
    let text = parts[0]!;
    for (const [i, value] of values.entries()) {
      text += render(value) + parts[i + 1]!;
    }
    return new Markup(text);
  }
}

/** What a template may be filled with. */
export type Filling =
  | Markup
  | string
  | number
  | undefined
  | readonly Filling[];

/** The tag of such templates; what is filled in within a tag has to be in double quotes. */
export const markup: typeof Markup.fill = Markup.fill;

function render(value: Filling): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  return typeof value === "object" ? value.map(render).join("") : escape(value);
}

function escape(value: string | number): string {
  return `${value}`.replace(/[&<>"'`]/g, (c) => `&#${c.charCodeAt(0)};`);
}
