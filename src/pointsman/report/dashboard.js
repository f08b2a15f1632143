"use strict";
const at = (id) => document.getElementById(id);
const EVERY_MS = 2000;
const KEPT = "pointsman-admin-key";
const live = at("live"), form = at("ask"), field = at("key"), bar = at("bar"), trouble = at("trouble"), pause = at("pause");
let paused = false, timer = 0, run = 0;

function tell(words) {
  trouble.textContent = words;
  trouble.hidden = !words;
  live.classList.toggle("old", Boolean(words));
}

function askForKey(why) {
  run += 1; // whatever is under way is not for this key any more
  clearTimeout(timer);
  sessionStorage.removeItem(KEPT);
  live.replaceChildren();
  at("said").textContent = "";
  bar.hidden = true;
  form.hidden = false;
  tell(why);
  field.value = "";
  field.focus();
}

// What a reader has opened, scrolled or reached by keyboard stays so, although what it shows is new.
function put(markup) {
  const boxes = (root) => [...root.querySelectorAll(".scroll")];
  const name = (box) => `${box.closest("section")?.getAttribute("aria-labelledby")} ${box.querySelector("thead")?.textContent}`;
  const before = new Map(boxes(live).map((box) => [name(box), box]));
  const reached = document.activeElement?.closest?.(".scroll");
  const reachedName = reached && live.contains(reached) ? name(reached) : null;
  const left = new Map([...before].map(([key, box]) => [key, box.scrollLeft]));
  const fresh = document.createElement("template");
  fresh.innerHTML = markup;
  live.replaceChildren(fresh.content);
  for (const box of boxes(live)) {
    box.scrollLeft = left.get(name(box)) ?? 0;
    if (name(box) === reachedName) box.focus({ preventScroll: true });
  }
  const said = live.firstElementChild?.dataset.said ?? "";
  if (at("said").textContent !== said) at("said").textContent = said; // only what has changed is read out
  const moment = new Date(1000 * Number(live.firstElementChild?.dataset.at));
  at("updated").textContent = `as of ${moment.toLocaleTimeString()}`;
}

async function look(mine) {
  const key = sessionStorage.getItem(KEPT);
  try {
    const reply = await fetch("/dashboard/live", { headers: { authorization: `Bearer ${key}` }, cache: "no-store" });
    const markup = await reply.text();
    if (mine !== run) return;
    if (reply.status === 401) return askForKey("This key was refused. Try another one.");
    if (!reply.ok) throw new Error(`it answered ${reply.status}`);
    form.hidden = true;
    bar.hidden = false;
    put(markup);
    tell("");
  } catch (error) {
    if (mine !== run) return;
    tell(`The gateway cannot be reached (${error.message}); what stands below is old. Trying on.`);
    form.hidden = true;
    bar.hidden = false;
  }
  if (!paused && mine === run) timer = setTimeout(look, EVERY_MS, mine);
}

function begin() {
  clearTimeout(timer);
  run += 1;
  look(run);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!/^[\x21-\x7e]+$/.test(field.value.trim())) return tell("A key has no spaces and only plain characters.");
  sessionStorage.setItem(KEPT, field.value.trim());
  field.value = "";
  begin();
});
at("forget").addEventListener("click", () => askForKey(""));
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  clearTimeout(timer);
  if (!paused) begin();
});
document.addEventListener("visibilitychange", () => { // a page nobody sees asks nothing
  if (form.hidden && !paused) document.hidden ? clearTimeout(timer) : begin();
});
if (sessionStorage.getItem(KEPT)) begin();
else askForKey("");
