// Pages by the address, keys, theme.

const KEYS = { v: "#/", r: "#/regressions", s: "#/slices", c: "#/cases" };
const scrolled = new Map();
let current = null;
let waiting = false;

const pages = Array.from(document.querySelectorAll("section.page"));

// "#/cases?q=x" -> ["cases", "", URLSearchParams]; an address that is not ours keeps the page.
const readRoute = () => {
  const hash = location.hash || "#/";
  if (!hash.startsWith("#/")) return null;
  const [path, query] = hash.slice(2).split("?");
  const [name, ...rest] = path.split("/");
  let id = "";
  try { id = decodeURIComponent(rest.join("/")); } catch { id = rest.join("/"); }
  return [name || "verdict", id, new URLSearchParams(query || "")];
};

const route = async () => {
  const found = readRoute();
  if (!found) return;
  const [asked, id, query] = found;
  const name = pages.some((page) => page.dataset.page === asked) ? asked : "verdict";
  const key = name === "case" ? `case/${id}` : name;
  const isNew = key !== current;
  if (isNew && current !== null) scrolled.set(current, scrollY);
  state.redraw = null;
  if (name === "cases" || name === "case") await ready;
  if (name === "cases") showList(query, isNew && current && current.startsWith("case/") ? current.slice(5) : null);
  if (name === "case") await showCase(id);
  for (const page of pages) page.hidden = page.dataset.page !== name;
  document.body.dataset.route = name;
  for (const link of document.querySelectorAll(".bar nav a")) {
    const isHere = link.dataset.page === name || (name === "case" && link.dataset.page === "cases");
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isNew) {
    const heading = pages.find((page) => page.dataset.page === name).querySelector("h1");
    const isPlaced = name === "cases" && list.here >= 0;
    if (current !== null && heading && !isPlaced && document.activeElement !== byId("search")) heading.focus({ preventScroll: true });
    scrollTo({ top: name === "case" ? 0 : scrolled.get(key) || 0, behavior: "instant" });
    if (isPlaced) markRow();
    current = key;
  }
  trimTabStops();
};

// A table that needs no scrolling needs no stop for the tab key.
const trimTabStops = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth + 1) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
};

const goTo = (hash) => { location.hash = hash; };

const stepRegression = (by) => {
  const here = current && current.startsWith("case/") ? index.places.get(current.slice(5)) : by > 0 ? -1 : index.cases.length;
  const next = nextRegression(here ?? -1, by);
  if (next === null) say(by > 0 ? "That was the last regression." : "That was the first regression.");
  else goTo(caseLink(index.cases[next][ID]).getAttribute("href"));
};

const goBack = () => {
  if (current && current.startsWith("case/")) goTo(filtersAsHash());
  else goTo("#/");
};

const ACTIONS = {
  j: () => current === "cases" && moveRow(1),
  k: () => current === "cases" && moveRow(-1),
  n: () => stepRegression(1),
  p: () => stepRegression(-1),
  d: () => toggleMarks(),
  "/": () => { goTo(filtersAsHash()); setTimeout(() => byId("search").focus(), 60); },
  "?": () => byId("help").showModal(),
  g: () => { waiting = true; setTimeout(() => { waiting = false; }, 1500); },
};

const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const field = event.target.closest && event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (field) field.blur();
    else goBack();
    return;
  }
  if (field) return;
  if (waiting && KEYS[event.key]) {
    waiting = false;
    event.preventDefault();
    goTo(KEYS[event.key]);
    return;
  }
  if (ACTIONS[event.key]) {
    event.preventDefault();
    ACTIONS[event.key]();
  }
};

const THEMES = ["auto", "light", "dark"];

const setTheme = (name) => {
  const theme = THEMES.includes(name) ? name : "auto";
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
  try { localStorage.setItem("harness-theme", theme); } catch { /* a file may have no storage: the choice lasts until it is closed */ }
};

const storedTheme = () => {
  try { return localStorage.getItem("harness-theme"); } catch { return null; }
};

const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || "auto") + 1) % THEMES.length]);

document.documentElement.classList.add("js");
// The ids are targets for readers without scripts; with them the browser would scroll past the verdict.
for (const page of pages) if (page.id.startsWith("/")) page.removeAttribute("id");
setTheme(storedTheme());
const ready = loadIndex().then(fillFilters).catch((problem) => {
  say("This browser cannot unpack the cases.");
  byId("count").textContent = `The cases cannot be unpacked here (${problem.name}). The other pages are complete.`;
});

for (const box of document.querySelectorAll("[data-copy]")) box.after(copyButton("Copy command", () => box.textContent));
let typing = null;
const onFilter = () => { clearTimeout(typing); typing = setTimeout(() => { history.replaceState(null, "", filtersAsHash()); route(); }, 120); };
byId("search").addEventListener("input", onFilter);
byId("slice").addEventListener("change", onFilter);
byId("show").addEventListener("change", onFilter);
byId("earlier").addEventListener("click", () => turnPage(-1));
byId("later").addEventListener("click", () => turnPage(1));
byId("theme").addEventListener("click", nextTheme);
byId("keys").addEventListener("click", () => byId("help").showModal());
byId("close").addEventListener("click", () => byId("help").close());
document.querySelector("a.skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
addEventListener("hashchange", route);
addEventListener("resize", trimTabStops);
addEventListener("keydown", onKey);
route();
