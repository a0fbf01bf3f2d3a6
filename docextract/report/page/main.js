// From document to document, and the keys.

function openDocument(doc) {
  current = doc;
  markCurrent();
  showForm(doc);
  showPaper(doc);
  nextDoubt(1);
}

function walk(step) {
  const here = shown.indexOf(current);
  const next = shown[here + step];
  if (next) openDocument(next);
  else say(step > 0 ? "This is the last document" : "This is the first document");
}

function checkOff() {
  if (!current.record && !current.counts && !isChanged(current)) return walk(1); // nothing says that all is absent
  current.work.checked = true;
  keep(current);
  refreshForm(current);
  refreshList(current);
  walk(1);
}

function startOver() {
  current.work = untouched();
  keep(current);
  showForm(current);
  refreshList(current);
}

function takeBack(path) {
  delete current.work.edits[path];
  keep(current);
  document.activeElement.value = value(current, path) ?? "";
  refreshForm(current);
  refreshList(current);
}

const WITH_ALT = {
  ArrowDown: () => walk(1),
  ArrowUp: () => walk(-1),
  ArrowRight: () => turnPage(1),
  ArrowLeft: () => turnPage(-1),
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(1 / 1.25),
  0: () => zoom(0),
  r: turnSheet,
};

function press(event) {
  const { key, target } = event;
  if (event.isComposing) return; // the key belongs to a letter that is being put together
  const ctrl = event.ctrlKey || event.metaKey;
  const path = target.dataset?.path;
  const act =
    document.getElementById("keys").open ? null
    : ctrl && key.toLowerCase() === "s" ? save
    : ctrl && key === "Enter" ? checkOff
    : event.altKey ? WITH_ALT[event.code === "KeyR" ? "r" : key] // some keyboards write ® with it
    : key === "PageDown" && target !== STAGE ? () => walk(1)
    : key === "PageUp" && target !== STAGE ? () => walk(-1)
    : key === "Enter" && path ? () => nextDoubt(event.shiftKey ? -1 : 1)
    : key === "Escape" && path && !current.counts ? () => takeBack(path)
    : key === "?" && !path && target !== SEARCH ? showKeys
    : null;
  if (!act) return;
  event.preventDefault();
  act();
}

function showKeys() {
  document.getElementById("keys").showModal();
}

document.getElementById("help").addEventListener("click", showKeys);
document.getElementById("save").addEventListener("click", save);
addEventListener("keydown", press);
startPaper();
startCounts();
startForm();
startList();
if (shown.length) openDocument(shown[0]);
