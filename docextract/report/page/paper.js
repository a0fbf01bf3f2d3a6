// The page: its picture, the boxes on it, zoom and turn.

const SVG = "http://www.w3.org/2000/svg";
const STAGE = document.getElementById("stage");
const COMFORTABLE = 0.75; // of a picture's pixels: its letters were drawn for the model's eyes

const paper = { doc: null, pages: [], index: 0, zoom: 1, turn: 0, path: null };

/** The pictures of a document, once the browser has come so far in this file. */
async function picturesOf(doc) {
  const id = `pages-${doc.number}`;
  while (!document.getElementById(id) && document.readyState === "loading") {
    await new Promise((go) => setTimeout(go, 50));
  }
  // The block is whole when something stands behind it, or the file has ended.
  while (!document.getElementById(id)?.nextSibling && document.readyState === "loading") {
    await new Promise((go) => setTimeout(go, 50));
  }
  return JSON.parse(document.getElementById(id)?.textContent ?? '{"problem": "The file is cut off"}');
}

async function showPaper(doc) {
  Object.assign(paper, { doc, pages: [], index: 0, path: null });
  drawPaper("");
  const { pages, count, problem } = await picturesOf(doc);
  if (paper.doc !== doc) return;
  Object.assign(paper, { pages: pages ?? [], count });
  const wanted = paper.path;
  drawPaper(problem ?? "");
  if (wanted) pointAt(wanted);
}

function drawPaper(problem) {
  const page = paper.pages[paper.index];
  paper.turn = page?.turn ?? 0;
  STAGE.replaceChildren(page ? sheetOf(page) : make("p", { class: "empty" }, problem));
  const there = paper.pages.length;
  document.getElementById("page-number").textContent = page
    ? `Page ${page.number} of ${paper.count}`
    : "No picture";
  document.getElementById("page-back").disabled = paper.index < 1;
  document.getElementById("page-on").disabled = paper.index >= there - 1;
  if (page) layOut();
}

function sheetOf(page) {
  const [left, top, right, bottom] = page.cut;
  const boxes = document.createElementNS(SVG, "svg");
  boxes.setAttribute("viewBox", [left, top, right - left, bottom - top].join(" "));
  boxes.setAttribute("preserveAspectRatio", "none");
  if (!paper.doc.counts) boxes.setAttribute("aria-hidden", "true"); // what they show the form tells
  for (const [path, field] of Object.entries(paper.doc.fields ?? {})) {
    if (!field.box || field.page !== page.number) continue;
    const box = document.createElementNS(SVG, "rect");
    const [x0, y0, x1, y1] = field.box;
    const air = (bottom - top) / 400;
    for (const [name, side] of Object.entries({
      x: x0 - air, y: y0 - air, width: x1 - x0 + 2 * air, height: y1 - y0 + 2 * air,
    })) {
      box.setAttribute(name, side);
    }
    box.dataset.path = path;
    box.classList.toggle("doubtful", isDoubtful(paper.doc, path));
    box.addEventListener("click", () => focusField(path));
    const name = document.createElementNS(SVG, "title");
    name.textContent = `${words(path)}: ${field.text ?? field.value}`;
    box.append(name);
    boxes.append(box);
  }
  const picture = make("img", { alt: "", draggable: "false", src: `data:image/webp;base64,${page.picture}` });
  return make("div", { class: "frame" }, make("div", { class: "sheet" }, picture, boxes));
}

/** Give the sheet its size: as wide as the stage, times the zoom, turned. */
function layOut() {
  const frame = STAGE.querySelector(".frame");
  if (!frame) return;
  const [left, top, right, bottom] = paper.pages[paper.index].cut;
  const onItsSide = paper.turn % 180 !== 0;
  const [wide, tall] = onItsSide ? [bottom - top, right - left] : [right - left, bottom - top];
  // A narrow till roll is not blown up to the width of the window.
  const ample = COMFORTABLE * paper.pages[paper.index].size[onItsSide ? 1 : 0];
  const scale = (Math.max(Math.min(STAGE.clientWidth - 32, ample), 200) / wide) * paper.zoom;
  const sheet = frame.firstChild;
  frame.style.width = `${wide * scale}px`;
  frame.style.height = `${tall * scale}px`;
  sheet.style.width = `${(right - left) * scale}px`;
  sheet.style.height = `${(bottom - top) * scale}px`;
  sheet.style.transform = `translate(-50%, -50%) rotate(${paper.turn}deg)`;
  drawMarks();
}

/** Show where a value stands: its page, its box, in the middle where it is out of sight. */
function pointAt(path) {
  paper.path = path;
  if (paper.doc.counts) return drawMarks();
  const field = paper.doc.fields?.[path];
  const index = paper.pages.findIndex((page) => page.number === field?.page);
  if (index >= 0 && index !== paper.index) {
    paper.index = index;
    drawPaper("");
  }
  for (const box of STAGE.querySelectorAll("rect")) {
    box.classList.toggle("chosen", box.dataset.path === path);
  }
  const box = STAGE.querySelector("rect.chosen");
  if (!box) return;
  box.parentNode.append(box); // above the others
  const seen = STAGE.getBoundingClientRect();
  const there = box.getBoundingClientRect();
  const hidden =
    there.top < seen.top + 24 || there.bottom > seen.bottom - 24 ||
    there.left < seen.left + 8 || there.right > seen.right - 8;
  if (!hidden) return;
  STAGE.scrollBy({
    left: there.left + there.width / 2 - seen.left - seen.width / 2,
    top: there.top + there.height / 2 - seen.top - seen.height / 2,
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth",
  });
}

function turnPage(step) {
  const index = paper.index + step;
  if (!paper.pages[index]) return;
  paper.index = index;
  drawPaper("");
  STAGE.scrollTo(0, 0);
}

function zoom(factor) {
  const before = paper.zoom;
  paper.zoom = factor ? Math.min(6, Math.max(0.4, before * factor)) : 1;
  const middle = [STAGE.scrollLeft + STAGE.clientWidth / 2, STAGE.scrollTop + STAGE.clientHeight / 2];
  layOut();
  const grown = paper.zoom / before;
  STAGE.scrollTo(
    middle[0] * grown - STAGE.clientWidth / 2,
    middle[1] * grown - STAGE.clientHeight / 2,
  );
}

function turnSheet() {
  paper.turn = (paper.turn + 90) % 360;
  layOut();
}

function startPaper() {
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  on("page-back", () => turnPage(-1));
  on("page-on", () => turnPage(1));
  on("smaller", () => zoom(1 / 1.25));
  on("larger", () => zoom(1.25));
  on("fit", () => zoom(0));
  on("turn", turnSheet);
  new ResizeObserver(layOut).observe(STAGE);
  STAGE.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  STAGE.addEventListener("pointerdown", drag);
}

/** Hold the page and move it. */
function drag(down) {
  if (down.button !== 0 || down.target.matches("rect, circle")) return;
  const start = [STAGE.scrollLeft + down.clientX, STAGE.scrollTop + down.clientY];
  const move = (event) => STAGE.scrollTo(start[0] - event.clientX, start[1] - event.clientY);
  STAGE.classList.add("held");
  STAGE.addEventListener("pointermove", move);
  addEventListener("pointerup", () => {
    STAGE.classList.remove("held");
    STAGE.removeEventListener("pointermove", move);
  }, { once: true });
}
