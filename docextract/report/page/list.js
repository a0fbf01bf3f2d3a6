// The documents: which of them are shown, and where the person is.

const LIST = document.getElementById("list");
const FILTER = document.getElementById("filter");
const SEARCH = document.getElementById("search");

const SHOWN = {
  all: ["All", () => true],
  review: ["For review", (doc) => doc.status === "review"],
  failed: ["Failed", (doc) => doc.status === "failed"],
  ok: ["Without doubts", (doc) => doc.status === "ok"],
  open: ["Not checked yet", (doc) => !doc.work.checked],
  changed: ["Changed", isChanged],
};

let current = null;
let shown = [];

function drawList() {
  const sought = SEARCH.value.trim().toLowerCase();
  const [, fits] = SHOWN[FILTER.value];
  shown = DOCUMENTS.filter((doc) => fits(doc) && (!sought || haystack(doc).includes(sought)));
  LIST.replaceChildren(...shown.map(entry));
  if (!shown.length) LIST.append(make("li", { class: "empty" }, "Nothing of this kind"));
  for (const doc of shown) markEntry(doc);
  markCurrent();
  tally();
}

function haystack(doc) {
  const counted = (doc.counts ?? []).map(countName);
  const said = [...leaves(doc.record ?? {})].map(([, held]) => held).concat(counted);
  doc.text ??= [doc.file, ...said.filter((held) => held !== null)].join("\n").toLowerCase();
  return doc.text;
}

function entry(doc) {
  const parts = doc.file.split(/[\\/]/);
  const pages = doc.part ? `, ${doc.part.length > 1 ? "pages" : "page"} ${doc.part.join("–")}` : "";
  const folder = parts.slice(0, -1).join("/");
  return make(
    "li", {},
    make(
      "button",
      { type: "button", id: `document-${doc.number}`, title: doc.file, onclick: () => openDocument(doc) },
      make("span", { class: "name" }, parts.at(-1) + pages),
      make("span", { class: "mark" }),
      make("span", { class: "folder" }, folder),
      make("span", { class: `why ${doc.status}` }, standing(doc)),
    ),
  );
}

function standing(doc) {
  if (doc.counts) return doc.counts.map((one) => `${one.count ?? "–"} ${one.object}`).join(", ");
  if (doc.status === "failed") return doc.error?.name?.replaceAll("_", " ") ?? "failed";
  const count = [...leaves(doc.record ?? {})].filter(([path]) => isDoubtful(doc, path)).length;
  const general = doc.checks.length ? "doubts" : "";
  return count ? `${count} ${count === 1 ? "doubt" : "doubts"}` : doc.status === "review" ? general || "review" : "";
}

function markCurrent() {
  for (const one of LIST.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
  const here = current && document.getElementById(`document-${current.number}`);
  here?.setAttribute("aria-current", "true");
  here?.scrollIntoView({ block: "nearest" });
}

function markEntry(doc) {
  const there = document.getElementById(`document-${doc.number}`)?.querySelector(".mark");
  if (!there) return;
  there.textContent = doc.work.checked ? "✓" : isChanged(doc) ? "✎" : "";
  there.setAttribute("aria-label", doc.work.checked ? "checked" : isChanged(doc) ? "changed" : "");
}

function refreshList(doc) {
  markEntry(doc);
  tally();
}

function tally() {
  const checked = DOCUMENTS.filter((doc) => doc.work.checked).length;
  const changed = DOCUMENTS.filter(isChanged).length;
  const parts = [`${checked} of ${DOCUMENTS.length} checked`, changed && `${changed} changed`];
  document.getElementById("tally").textContent = parts.filter(Boolean).join(" · ");
}

function startList() {
  for (const [name, [said, fits]] of Object.entries(SHOWN)) {
    const count = name === "open" || name === "changed" ? "" : ` (${DOCUMENTS.filter(fits).length})`;
    FILTER.append(make("option", { value: name }, said + count));
  }
  FILTER.addEventListener("change", drawList);
  SEARCH.addEventListener("input", drawList);
  drawList();
}
