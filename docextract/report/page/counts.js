// Counts: what was counted on a picture, and marks that a person adds or drops.

const DOT = 6; // pixels of the screen

/** The marks of one count as they are now. */
function marksOf(doc, index) {
  return doc.work.marks[index] ?? doc.counts[index].marks;
}

/** How many there are: as many as there are marks, unless a model gave a number alone. */
function countOf(doc, index) {
  const one = doc.counts[index];
  const marks = marksOf(doc, index);
  return doc.work.marks[index] || marks.length ? marks.length : one.count;
}

function countName(one) {
  return [one.object, one.sku, one.zone].filter(Boolean).join(" · ");
}

/** A count line of results, as the person has set it right. */
function correctedCount(doc, one, index) {
  const count = countOf(doc, index);
  const settled = doc.work.checked || doc.work.marks[index];
  return {
    ...one,
    count,
    status: settled ? "ok" : one.status,
    reason: settled ? null : one.reason,
    confidence: doc.work.marks[index] ? null : one.confidence,
    marks: marksOf(doc, index),
    difference: one.expected === null || count === null ? null : count - one.expected,
    error: settled && count !== null ? null : one.error,
    checked: doc.work.checked,
  };
}

function showCounts(doc) {
  const rows = doc.counts.map((one, index) => {
    const said = [one.error?.message, one.reason].filter(Boolean);
    const notes = said.map((words) => make("p", { class: "doubt" }, words));
    const doubtful = one.status !== "ok";
    return make(
      "div", { class: doubtful ? "row count doubtful" : "row count" },
      make(
        "button",
        { type: "button", "data-path": `counts.${index}`, onclick: () => pointAt(`counts.${index}`) },
        make("span", { class: `swatch kind-${index % 6}` }),
        countName(one),
      ),
      make("output", { id: `count-${index}` }),
      sureness({ value: one.count, confidence: one.confidence }),
      make("div", { class: "notes" }, make("p", { id: `expected-${index}` }), ...notes),
    );
  });
  return [
    make("div", { class: "fields" }, ...rows),
    make("p", { class: "soft hint" },
      "Click on the picture to add a mark, on a mark to drop it. With the keyboard: ",
      make("button", { type: "button", id: "add-mark", onclick: addMarkInSight }, "Add a mark"),
      ", arrows to move it, Delete to drop it."),
  ];
}

function refreshCounts(doc) {
  doc.counts.forEach((one, index) => {
    const count = countOf(doc, index);
    const there = document.getElementById(`count-${index}`);
    there.textContent = count ?? "–";
    there.classList.toggle("changed", Boolean(doc.work.marks[index]));
    const more = count - one.expected;
    const apart = more ? ` (${more > 0 ? "+" : "−"}${Math.abs(more)})` : "";
    document.getElementById(`expected-${index}`).textContent = [
      one.expected !== null && `expected ${one.expected}${count === null ? "" : apart}`,
      doc.work.marks[index] && `read ${one.count ?? "nothing"}`,
    ].filter(Boolean).join(", ");
  });
}

/** The count that marks are added to: the chosen one, else the first. */
function chosenCount() {
  return Number(paper.path?.split(".")[1] ?? 0);
}

function drawMarks() {
  const layer = STAGE.querySelector("svg");
  if (!layer || !paper.doc?.counts) return;
  const page = paper.pages[paper.index];
  const radius = DOT / (STAGE.querySelector(".sheet").offsetWidth / (page.cut[2] - page.cut[0]));
  const chosen = chosenCount();
  const dots = [];
  paper.doc.counts.forEach((one, index) => {
    marksOf(paper.doc, index).forEach((mark, number) => {
      const dot = document.createElementNS(SVG, "circle");
      const told = { cx: mark.x, cy: mark.y, r: radius, class: `kind-${index % 6}`, role: "button" };
      for (const [name, given] of Object.entries(told)) dot.setAttribute(name, given);
      dot.setAttribute("aria-label", `${countName(one)}, mark ${number + 1}`);
      dot.classList.toggle("faint", index !== chosen);
      if (index === chosen) dot.setAttribute("tabindex", "0");
      dot.dataset.mark = `${index}.${number}`;
      dots.push(dot);
    });
  });
  layer.replaceChildren(...dots);
  for (const one of FORM.querySelectorAll(".count > button")) {
    one.setAttribute("aria-pressed", one.dataset.path === `counts.${chosen}`);
  }
}

function setMarks(index, marks) {
  const doc = paper.doc;
  doc.work.marks[index] = marks;
  if (JSON.stringify(marks) === JSON.stringify(doc.counts[index].marks)) delete doc.work.marks[index];
  keep(doc);
  drawMarks();
  refreshForm(doc);
  refreshList(doc);
}

function addMark(x, y) {
  const [left, top, right, bottom] = paper.pages[paper.index].cut;
  if (x < left || x > right || y < top || y > bottom) return;
  const index = chosenCount();
  const marks = [...marksOf(paper.doc, index), { x: cents(x), y: cents(y), score: null }];
  setMarks(index, marks);
  say(`${countName(paper.doc.counts[index])}: ${marks.length}`);
}

function cents(side) {
  return Math.round(side * 100) / 100;
}

function dropMark(dot) {
  const [index, number] = dot.dataset.mark.split(".").map(Number);
  const marks = marksOf(paper.doc, index).toSpliced(number, 1);
  setMarks(index, marks);
  say(`${countName(paper.doc.counts[index])}: ${marks.length}`);
  dotOf(index, Math.min(number, marks.length - 1))?.focus();
}

function dotOf(index, number) {
  return STAGE.querySelector(`[data-mark="${index}.${number}"]`);
}

/** Where on the page a point of the screen is. */
function onPage(x, y) {
  const layer = STAGE.querySelector("svg");
  return new DOMPoint(x, y).matrixTransform(layer.getScreenCTM().inverse());
}

function addMarkInSight() {
  const seen = STAGE.getBoundingClientRect();
  const [left, top, right, bottom] = paper.pages[paper.index].cut;
  const middle = onPage(seen.left + seen.width / 2, seen.top + seen.height / 2);
  const within = (low, at, high) => Math.min(Math.max(low, at), high);
  addMark(within(left, middle.x, right), within(top, middle.y, bottom));
  const index = chosenCount();
  dotOf(index, marksOf(paper.doc, index).length - 1)?.focus();
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Keys on a mark: moved by what is upwards and leftwards for the page as filed. */
function pressOnMark(event) {
  const dot = event.target;
  if (event.key === "Delete" || event.key === "Backspace" || event.key === "Enter") {
    event.preventDefault();
    return dropMark(dot);
  }
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  const [index, number] = dot.dataset.mark.split(".").map(Number);
  const [left, top, right, bottom] = paper.pages[paper.index].cut;
  const far = ((right - left) / 200) * (event.shiftKey ? 5 : 1);
  const { x, y, score } = marksOf(paper.doc, index)[number];
  const within = (low, at, high) => cents(Math.min(Math.max(low, at), high));
  const moved = { x: within(left, x + far * step[0], right), y: within(top, y + far * step[1], bottom), score };
  setMarks(index, marksOf(paper.doc, index).with(number, moved));
  dotOf(index, number).focus();
}

function startCounts() {
  let down = null;
  STAGE.addEventListener("pointerdown", (event) => (down = event));
  STAGE.addEventListener("click", (event) => {
    const moved = Math.hypot(event.clientX - down?.clientX, event.clientY - down?.clientY);
    if (!paper.doc?.counts || !paper.pages.length || moved > 4) return;
    if (event.target.dataset.mark) dropMark(event.target);
    else if (event.target.closest("svg")) {
      const { x, y } = onPage(event.clientX, event.clientY);
      addMark(x, y);
    }
  });
  STAGE.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.target.dataset?.mark) pressOnMark(event);
  });
}
