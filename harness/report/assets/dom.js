// Elements from data. Text becomes text nodes and nothing else: no markup is ever parsed here.

const byId = (id) => document.getElementById(id);

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

// A block of text from outside: its own direction, its own line breaks.
const textBlock = (tag, text, name = "") => make(tag, { class: `text ${name}`.trim(), dir: "auto" }, text);

const tag = (text, strong = false) => make("span", { class: strong ? "tag strong" : "tag", dir: "auto" }, text);

const short = (text, most = 60) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

const caseLink = (id, text) => make("a", { href: `#/case/${encodeURIComponent(id)}`, class: "mono" }, text || id);

const ARROWS = { "-1": ["worse", "▼"], 0: ["even", ""], 1: ["better", "▲"] };

const arrow = (direction) => {
  const [name, glyph] = ARROWS[direction];
  return glyph ? make("span", { class: name }, `${glyph} `, make("span", { class: "unseen" }, `${name}: `)) : null;
};

const say = (text) => { byId("status").textContent = text; };

const copyButton = (words, text) => {
  const button = make("button", { type: "button", class: "quiet no-print" }, words);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      say("Copied.");
      button.textContent = "Copied";
    } catch {
      say("This browser does not let the page copy; select the text instead.");
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => { button.textContent = words; }, 2000);
  });
  return button;
};
