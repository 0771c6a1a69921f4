/** The status page's script: it puts newer parts in the places of older ones. All text in them was escaped where they were made. */

export const SCRIPT = `"use strict";
const byId = (id) => document.getElementById(id);
const rows = new Map();
const live = { source: undefined };

function show(state) {
  byId("live").className = state;
}

function row(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content.firstElementChild;
}

function takeParts({ data }) {
  for (const [id, markup] of Object.entries(JSON.parse(data))) {
    byId(id === "time" ? "live" : id).innerHTML = markup;
  }
  show("live");
}

function takeRows({ data }) {
  const { order, rows: changed } = JSON.parse(data);
  for (const [id, markup] of Object.entries(changed)) rows.set(id, row(markup));
  byId("rows").replaceChildren(...order.map((id) => rows.get(id)));
  const shown = new Set(order);
  for (const id of rows.keys()) if (!shown.has(id)) rows.delete(id);
}

function listen() {
  const source = live.source = new EventSource(document.body.dataset.events);
  source.addEventListener("parts", takeParts);
  source.addEventListener("rows", takeRows);
  source.onerror = () => {
    show("lost");
    // After an interruption it tries again by itself, when it was refused it doesn't.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 10_000);
  };
}

// Nobody looks at a page in the background.
function follow() {
  live.source?.close();
  if (!document.hidden) listen();
}

document.addEventListener("visibilitychange", follow);
follow();
`;
