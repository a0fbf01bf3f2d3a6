"use strict";

// What was read, what a person makes of it, and how that is kept.

const RESULTS = JSON.parse(document.getElementById("records").textContent);

const DOCUMENTS = RESULTS.documents.map((read, number) => ({ ...read, number, work: recall(read) }));

function untouched() {
  return { edits: {}, removed: [], added: {}, marks: {}, checked: false };
}

/** Where this browser keeps what was done to a document: by its name, and by what was read of it. */
function place(read) {
  return ["docextract", read.file, ...(read.part ?? []), read.reading].join("\n");
}

function recall(read) {
  try {
    return { ...untouched(), ...JSON.parse(localStorage.getItem(place(read))) };
  } catch {
    return untouched(); // a browser may forbid to keep anything
  }
}

function keep(doc) {
  unsaved = true;
  try {
    localStorage.setItem(place(doc), JSON.stringify(doc.work));
  } catch {
    // Then the page itself warns before it is closed.
  }
}

let unsaved = false;
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

function isChanged(doc) {
  const { edits, removed, added, marks } = doc.work;
  return removed.length > 0 || [edits, added, marks].some((one) => Object.keys(one).length > 0);
}

/** The values of a record with their paths: "total", "line_items.0.amount". */
function* leaves(node, path = "") {
  if (node === null || typeof node !== "object") {
    yield [path, node];
    return;
  }
  for (const [key, inner] of Object.entries(node)) yield* leaves(inner, join(path, key));
}

function join(path, key) {
  return path ? `${path}.${key}` : String(key);
}

function at(node, path) {
  const [holder, key] = holderOf(node, path) ?? [];
  return holder?.[key];
}

/** The object or list that has the last key of a path, and this key; keys may hold dots. */
function holderOf(node, path) {
  if (node === null || typeof node !== "object") return null;
  if (Object.hasOwn(node, path)) return [node, path];
  for (let dot = path.indexOf("."); dot > 0; dot = path.indexOf(".", dot + 1)) {
    const key = path.slice(0, dot);
    const found = Object.hasOwn(node, key) && holderOf(node[key], path.slice(dot + 1));
    if (found) return found;
  }
  return null;
}

/** A record without values: the keys of one, null or no rows everywhere. */
function blank(node) {
  if (Array.isArray(node)) return [];
  if (node === null || typeof node !== "object") return null;
  return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, blank(inner)]));
}

/** What was read of a document; of one that could not be read, the keys of its neighbours. */
function readRecord(doc) {
  if (doc.record || doc.counts) return doc.record;
  const like = DOCUMENTS.find((other) => other.record && (!doc.schema || other.schema === doc.schema));
  return like ? blank(like.record) : null;
}

/** A row of a list without values, as its other rows anywhere are. */
function blankRow(path) {
  for (const doc of DOCUMENTS) {
    const rows = doc.record && at(doc.record, path);
    if (rows?.length) return blank(rows[0]);
  }
  return null;
}

function value(doc, path) {
  return path in doc.work.edits ? doc.work.edits[path] : (at(readRecord(doc), path) ?? null);
}

/** Take what was typed; what equals the reading is no correction. */
function enter(doc, path, typed) {
  const read = at(readRecord(doc), path) ?? null;
  const entered = meant(typed, read);
  if (entered === read) delete doc.work.edits[path];
  else doc.work.edits[path] = entered;
  keep(doc);
}

/** Numbers and booleans stay such; everything else is text, and nothing is null. */
function meant(typed, read) {
  const text = typed.trim();
  if (text === "") return null;
  if (typeof read === "boolean") return text === "true";
  if (typeof read === "number" && Number.isFinite(Number(text))) return Number(text);
  return text;
}

/** The record as the person has set it right. */
function corrected(doc) {
  const record = structuredClone(readRecord(doc));
  for (const [path, rows] of Object.entries(doc.work.added)) {
    for (let row = 0; row < rows; row++) at(record, path).push(blankRow(path));
  }
  for (const [path, entered] of Object.entries(doc.work.edits)) {
    const [holder, key] = holderOf(record, path);
    holder[key] = entered;
  }
  return withoutRows(record, "", doc);
}

function withoutRows(node, path, doc) {
  if (node === null || typeof node !== "object") return node;
  const inside = Object.entries(node).map(([key, inner]) => {
    const here = join(path, key);
    return [key, withoutRows(inner, here, doc), here];
  });
  if (!Array.isArray(node)) return Object.fromEntries(inside);
  const read = at(readRecord(doc), path).length;
  return inside
    .filter(([, , here]) => !doc.work.removed.includes(here))
    .filter(([row, inner]) => row < read || [...leaves(inner)].some(([, one]) => one !== null))
    .map(([, inner]) => inner);
}

/**
 * Lines of what was checked off or changed. Records are labels for `docextract evaluate`, counts
 * are as `docextract count` writes them.
 */
function corrections() {
  return DOCUMENTS.filter((doc) => doc.work.checked || isChanged(doc))
    .flatMap((doc) => doc.counts?.map((one, index) => correctedCount(doc, one, index)) ?? {
      file: doc.file,
      ...(doc.sha256 && { sha256: doc.sha256 }),
      ...(doc.part && { pages: doc.part }),
      ...(doc.schema && { schema: doc.schema }),
      checked: doc.work.checked,
      changed: [...Object.keys(doc.work.edits), ...doc.work.removed],
      truth: corrected(doc),
    })
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function save() {
  const lines = corrections();
  if (!lines) return say("Nothing is checked off or changed yet");
  const link = make("a", {
    href: URL.createObjectURL(new Blob([lines], { type: "application/jsonl" })),
    download: `${RESULTS.title.replace(/\.jsonl$/, "")}.corrections.jsonl`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
  unsaved = false;
  say("Corrections are saved among your downloads");
}

/** An element; texts become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, given] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), given);
    else if (given === true) made.setAttribute(name, "");
    else if (given !== false && given !== undefined) made.setAttribute(name, given);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

function say(words) {
  const line = document.getElementById("said");
  line.textContent = words;
  line.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.classList.remove("shown"), 4000);
}
