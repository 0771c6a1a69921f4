/** Markup in which text stays text. */
import { markup } from "../../../../src/debug/status/markup.ts";
import { assert, assertEquals } from "../../../support/assert.ts";
import { HOSTILE } from "../../../support/fake_sessions.ts";

Deno.test("markup() escapes text, also within attributes", () => {
  assertEquals(
    markup`<b title="${HOSTILE}">${"a & b < `c`"}</b>`.text,
    '<b title="&#60;img src=x onerror=&#34;document.title=&#39;owned&#39;&#34;&#62;">a &#38; b &#60; &#96;c&#96;</b>',
  );
});

Deno.test("markup() takes markup as it is, joins lists, and leaves nothing for nothing", () => {
  const items = ["<", 2].map((item) => markup`<li>${item}</li>`);
  assertEquals(
    markup`<ul>${items}${undefined}${[]}</ul>`.text,
    "<ul><li>&#60;</li><li>2</li></ul>",
  );
});

Deno.test("markup() doesn't take what only looks like markup", () => {
  const forged = { text: HOSTILE } as unknown as ReturnType<typeof markup>;
  assert(!markup`${[HOSTILE]}`.text.includes("<"));
  let text = "";
  try {
    text = markup`${forged}`.text;
  } catch {
    // refused just as well
  }
  assert(!text.includes("<"));
});
