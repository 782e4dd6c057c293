// Pages by the address, keys, theme: what every document of the harness does.

// What a page does before it shows, by its name: (id, query, from) => what it does once it shows, or null.
const visits = {};
// What a key does, by its name; a document adds its own.
const actions = {
  Escape: () => goTo("#/"),
  "?": () => byId("help").showModal(),
  g: () => { waiting = true; setTimeout(() => { waiting = false; }, 1500); },
};

const scrolled = new Map();
let current = null;
let waiting = false;

const pages = Array.from(document.querySelectorAll("section.page"));
const links = Array.from(document.querySelectorAll(".bar nav a"));

// "#/cases?q=x" -> ["cases", "", URLSearchParams]; an address that is not ours keeps the page.
const readRoute = () => {
  const hash = location.hash || "#/";
  if (!hash.startsWith("#/")) return null;
  const [path, query] = hash.slice(2).split("?");
  const [name, ...rest] = path.split("/");
  let id = "";
  try { id = decodeURIComponent(rest.join("/")); } catch { id = rest.join("/"); }
  return [name, id, new URLSearchParams(query || "")];
};

const route = async () => {
  const found = readRoute();
  if (!found) return;
  const [asked, id, query] = found;
  const page = pages.find((one) => one.dataset.page === asked) || pages[0];
  const name = page.dataset.page;
  const key = id ? `${name}/${id}` : name;
  const isNew = key !== current;
  if (isNew && current !== null) scrolled.set(current, scrollY);
  const onceShown = visits[name] ? await visits[name](id, query, isNew ? current : null) : null;
  for (const one of pages) one.hidden = one !== page;
  document.body.dataset.route = name;
  for (const link of links) {
    if ([name, page.dataset.under].includes(link.dataset.page)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isNew) {
    const heading = page.querySelector("h1");
    const isTyping = document.activeElement.matches("input, select, textarea");
    if (current !== null && heading && !onceShown && !isTyping) heading.focus({ preventScroll: true });
    scrollTo({ top: id ? 0 : scrolled.get(key) || 0, behavior: "instant" });
    if (onceShown) onceShown();
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

const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const field = event.target.closest && event.target.closest("input, select, textarea");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  const link = waiting && links.find((one) => one.dataset.key === event.key);
  if (link) {
    waiting = false;
    event.preventDefault();
    goTo(link.getAttribute("href"));
    return;
  }
  if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
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
