// The record: a field for each value, with what is known about it.

const FORM = document.getElementById("form");

const EVIDENCE = {
  contradicted: "The words of the page do not hold this value.",
  hidden: "It stands only among words that cannot be seen on the page.",
};
const STATUS = {
  ambiguous: "It can be read in more than one way.",
  check_failed: "It takes part in a check that fails.",
};
const UNSURE = 0.5;

/** A path for people: "line items · 2 · amount". */
function words(path) {
  return path
    .split(".")
    .map((step) => (/^\d+$/.test(step) ? String(Number(step) + 1) : step.replaceAll("_", " ")))
    .join(" · ");
}

/** A message with its paths as people see them: "line items · amount is 30.00". */
function told(message) {
  return message.replace(/[a-z]+(_[a-z]+|\.\*\.[a-z]+)+/g, (path) => words(path.replace(".*", "")));
}

/** What speaks against a value, in sentences. */
function doubts(doc, path) {
  const field = doc.fields?.[path];
  const said = doc.checks.filter((check) => check.path === path).map((check) => told(check.message));
  const own = EVIDENCE[field?.evidence] ?? (said.length ? undefined : STATUS[field?.status]);
  return own ? [...said, own] : said;
}

function isDoubtful(doc, path) {
  return doubts(doc, path).length > 0;
}

function showForm(doc) {
  const record = readRecord(doc);
  const general = doc.checks.filter((check) => !check.path || at(record, check.path) === undefined);
  const children = [
    make(
      "div", { class: "about" },
      make("h2", { title: doc.file }, doc.file.split(/[\\/]/).pop()),
      make("p", {}, statusChip(doc), doc.schema && make("span", { class: "soft" }, doc.schema)),
    ),
  ];
  const messages = [doc.error && [doc.error.message, doc.error.hint].filter(Boolean).join(" — ")];
  messages.push(...general.map((check) => told(check.message)));
  if (messages.some(Boolean)) {
    children.push(make("ul", { class: "checks" }, ...messages.filter(Boolean).map((one) => make("li", {}, one))));
  }
  if (doc.counts) children.push(...showCounts(doc));
  if (record) children.push(make("div", { class: "fields" }, ...group(doc, record, "")));
  children.push(
    make(
      "div", { class: "done" },
      make("button", { type: "button", class: "main", id: "check-off", onclick: checkOff }),
      make("button", { type: "button", id: "undo", onclick: startOver }, "Back to what was read"),
    ),
  );
  FORM.replaceChildren(...children);
  FORM.scrollTop = 0;
  refreshForm(doc);
}

function statusChip(doc) {
  const said = { ok: "no doubts", review: "for review", failed: "failed" }[doc.status];
  return make("span", { class: `chip ${doc.status}` }, said);
}

function* group(doc, node, path) {
  for (const [key, inner] of Object.entries(node)) {
    const here = join(path, key);
    if (Array.isArray(inner)) yield listing(doc, inner, here);
    else if (inner !== null && typeof inner === "object") yield* group(doc, inner, here);
    else yield row(doc, here);
  }
}

/** One value with its label, and beneath it what is worth knowing. */
function row(doc, path) {
  const field = doc.fields?.[path];
  const notes = make("div", { class: "notes", id: `notes-${path}` });
  const read = at(readRecord(doc), path);
  if (field?.text && field.text !== String(read)) {
    notes.append(make("p", {}, "printed ", make("q", {}, field.text)));
  }
  const letters = (field?.repairs ?? []).filter((repair) => repair !== "ask_again").map(words);
  if (letters.length) notes.append(make("p", { class: "mended" }, `repaired: ${letters.join(", ")}`));
  if (field?.repairs?.includes("ask_again")) notes.append(make("p", { class: "mended" }, "asked again"));
  for (const doubt of doubts(doc, path)) notes.append(make("p", { class: "doubt" }, doubt));
  return make(
    "div", { class: isDoubtful(doc, path) ? "row doubtful" : "row" },
    make("label", { for: `value-${path}` }, words(path)),
    control(doc, path, { id: `value-${path}`, "aria-describedby": `notes-${path}` }),
    sureness(field),
    notes,
  );
}

/** How likely a value is right, in figures and as a bar. */
function sureness(field) {
  const likely = field?.confidence;
  if (likely === null || likely === undefined) return make("span", { class: "sure" });
  const percent = Math.floor(100 * likely);
  const likelihood = `${percent} % likely ${field.value === null ? "absent" : "right"}`;
  const bar = field.value === null ? null : make("span", { class: "bar" });
  bar?.style.setProperty("--part", likely);
  const look = likely < UNSURE && bar ? "sure low" : "sure";
  return make("span", { class: look, title: likelihood }, bar, `${percent}`);
}

function control(doc, path, attributes) {
  const read = at(readRecord(doc), path);
  if (typeof read === "boolean") {
    const options = ["", "true", "false"].map((one) => make("option", { value: one }, one || "absent"));
    return make("select", { ...attributes, "data-path": path }, ...options);
  }
  const printed = doc.fields?.[path]?.text;
  return make("textarea", {
    ...attributes,
    "data-path": path,
    rows: 1,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: printed && (read ?? null) === null ? `printed: ${printed}` : "absent",
  });
}

/** A list: a table of its rows. */
function listing(doc, rows, path) {
  const shape = blankRow(path);
  const columns = shape && typeof shape === "object" ? [...leaves(shape)].map(([key]) => key) : [""];
  const count = rows.length + (doc.work.added[path] ?? 0);
  const body = make("tbody");
  for (let number = 0; number < count; number++) body.append(tableRow(doc, join(path, number), columns));
  const head = columns.map((column) => make("th", { scope: "col" }, words(column || "value")));
  return make(
    "section", { class: "listing", "aria-label": words(path) },
    make("h3", {}, words(path), make("span", { class: "soft" }, ` ${count}`)),
    count > 0 && make("table", {}, make("thead", {}, make("tr", {}, ...head, make("th"))), body),
    make("button", { type: "button", onclick: () => addRow(doc, path) }, "Add a row"),
  );
}

function tableRow(doc, path, columns) {
  const gone = doc.work.removed.includes(path);
  const cells = columns.map((column) => {
    const here = column ? join(path, column) : path;
    const why = doubts(doc, here);
    const printed = doc.fields?.[here]?.text;
    const title = [words(here), printed && `printed ${printed}`, ...why].filter(Boolean).join("\n");
    const attributes = { "aria-label": words(here), title, disabled: gone };
    return make(
      "td", { class: why.length ? "doubtful" : "", "data-column": column },
      control(doc, here, attributes),
      why.length > 0 && make("span", { class: "unseen" }, why.join(" ")),
    );
  });
  const act = make("button", {
    type: "button", class: "quiet", onclick: () => toggleRow(doc, path),
    "aria-label": `${gone ? "Bring back" : "Remove"} ${words(path)}`,
  }, gone ? "↶" : "×");
  return make("tr", { class: gone ? "gone" : "" }, ...cells, make("td", {}, act));
}

function addRow(doc, path) {
  doc.work.added[path] = (doc.work.added[path] ?? 0) + 1;
  keep(doc);
  showForm(doc);
  const fields = FORM.querySelectorAll(`[data-path^="${CSS.escape(path)}."], [data-path^="${path}."]`);
  const row = at(readRecord(doc), path).length + doc.work.added[path] - 1;
  [...fields].find((one) => one.dataset.path.startsWith(join(path, row)))?.focus();
}

function toggleRow(doc, path) {
  const { removed } = doc.work;
  const where = removed.indexOf(path);
  if (where < 0) removed.push(path);
  else removed.splice(where, 1);
  keep(doc);
  const scrolled = FORM.scrollTop;
  showForm(doc);
  FORM.scrollTop = scrolled;
  refreshList(doc);
}

/** Bring values, marks and buttons in line with the state of the work. */
function refreshForm(doc) {
  if (doc.counts) refreshCounts(doc);
  for (const one of FORM.querySelectorAll("textarea, select")) {
    const held = value(doc, one.dataset.path);
    if (one !== document.activeElement) one.value = held === null ? "" : String(held);
    one.classList.toggle("changed", one.dataset.path in doc.work.edits);
  }
  const button = document.getElementById("check-off");
  const what = isChanged(doc) ? "Corrected" : doc.record || doc.counts ? "All right" : "Pass over";
  button.textContent = doc.work.checked ? "Checked ✓  Next" : `${what}, next`;
  document.getElementById("undo").hidden = !isChanged(doc) && !doc.work.checked;
}

function focusField(path) {
  const field = FORM.querySelector(`[data-path="${CSS.escape(path)}"]`);
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}

/** The next field that wants a look, or the button at the end. */
function nextDoubt(step) {
  const stops = [...FORM.querySelectorAll(".doubtful [data-path]:not(:disabled), #check-off")];
  const all = [...FORM.querySelectorAll("[data-path], #check-off")];
  const here = all.indexOf(document.activeElement);
  const ahead = stops.filter((one) => (all.indexOf(one) - here) * step > 0);
  const target = step > 0 ? ahead[0] : ahead.at(-1);
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}

function startForm() {
  FORM.addEventListener("focusin", ({ target }) => {
    if (target.dataset.path) pointAt(target.dataset.path);
  });
  FORM.addEventListener("input", ({ target }) => {
    if (!target.dataset.path) return;
    enter(current, target.dataset.path, target.value);
    refreshForm(current);
    refreshList(current);
  });
}
