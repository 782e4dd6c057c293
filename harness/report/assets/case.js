// The page of one case.

const state = { marks: true, redraw: null };
const VERDICTS = { supported: ["better", "✓"], unsupported: ["worse", "?"], contradicted: ["worse", "✕"] };

const panel = (title, ...children) => make("div", { class: "block" }, make("h3", {}, title), ...children);

const questionPanel = (found, row, given) => panel("Question",
  found.history.map(([role, text]) => make("p", { class: "text turn", dir: "auto" }, `${role}: ${text}`)),
  textBlock("p", found.question ?? row[QUESTION], "question-text"),
  given.map(([doc, text]) => make("details", {}, make("summary", {}, "given with it: ", make("code", { dir: "auto" }, doc)), textBlock("p", text))));

const EXPECTED = { answer: "answer", refuse: "refuse", clarify: "ask back", partial: "answer in part" };

const goldenPanel = (found) => {
  const list_ = (title, texts) => texts.length ? [make("dt", {}, title), texts.map((text) => textBlock("dd", text))] : [];
  const evidence = found.evidence.map(([doc, quote, grade]) => make("dd", { dir: "auto" },
    make("code", {}, doc), grade === 1 ? null : ` (grade ${grade})`, quote ? ": " : null, quote ? make("q", { class: "text", dir: "auto" }, quote) : null));
  return panel("Golden", make("dl", { class: "facts" },
    make("dt", {}, "should"), make("dd", {}, make("b", {}, EXPECTED[found.expected] || found.expected)),
    list_("answer", found.golden), list_("must include", found.include), list_("must not include", found.exclude),
    evidence.length ? [make("dt", {}, "gold passages"), evidence] : [],
    found.facts.map(([name, value]) => [make("dt", { dir: "auto" }, name), make("dd", { dir: "auto" }, value)])));
};

const answerPanel = (title, side, runs, kind) => {
  if (side === undefined) return null;
  if (side === null) return panel(title, make("p", { class: "soft" }, "Not run."));
  const content = side.error
    ? textBlock("p", side.error, "error")
    : side.output === null
      ? make("p", { class: "soft" }, "No output.")
      : textBlock("p", runs && state.marks ? marked(runs, kind) : side.output || "(empty)");
  return panel(title, content,
    make("div", { class: "spent" },
      side.observed ? make("span", {}, `behaviour: ${EXPECTED[side.observed] || side.observed}`) : null,
      side.spent.map(([name, value]) => make("span", {}, `${name} ${value}`)),
      side.cited ? make("span", { dir: "auto" }, `cites ${side.cited.join(", ")}`) : null));
};

const scoreTable = (found, paired) => {
  const head = ["metric", ...(paired ? ["baseline", "candidate", "change"] : ["candidate"]), "remarks"];
  const isNumber = (name) => ["baseline", "candidate", "change"].includes(name);
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores" }, make("table", { class: "stack" },
    make("thead", {}, make("tr", {}, head.map((name) => make("th", { scope: "col", class: isNumber(name) ? "num" : null }, name)))),
    make("tbody", {}, found.scores.map(([metric, before, after, change, direction, old, now]) => make("tr", {},
      make("th", { scope: "row" }, metric),
      paired ? make("td", { class: "num", "data-label": "baseline" }, before) : null,
      make("td", { class: "num", "data-label": "candidate" }, after),
      paired ? make("td", { class: "num", "data-label": "change" }, make("span", {}, arrow(direction), change)) : null,
      make("td", { class: "small" },
        old && paired ? make("div", { dir: "auto" }, `baseline: ${old}`) : null,
        now ? make("div", { dir: "auto" }, paired ? `candidate: ${now}` : now) : null))))));
};

// The gold quote inside a passage, marked where it stands word for word.
const withQuotes = (text, quotes) => {
  const hit = quotes.map((quote) => [text.indexOf(quote), quote]).filter(([at]) => at >= 0)[0];
  if (!hit) return [text];
  const [at, quote] = hit;
  return [text.slice(0, at), make("mark", {}, quote), ...withQuotes(text.slice(at + quote.length), quotes)];
};

const rankWords = (before, after, paired) => {
  if (!paired) return make("span", { class: "ranks" }, "rank ", make("b", {}, String(after[1])), after[2] === "—" ? null : ` · score ${after[2]}`);
  if (!before) return make("span", { class: "ranks" }, make("b", {}, `entered at ${after[1]}`), after[2] === "—" ? null : ` · score ${after[2]}`);
  if (!after) return make("span", { class: "ranks" }, make("b", {}, `left, was at ${before[1]}`), before[2] === "—" ? null : ` · score ${before[2]}`);
  const move = before[1] === after[1] ? "=" : after[1] < before[1] ? "↑" : "↓";
  const scores = before[2] === "—" && after[2] === "—" ? null : ` · score ${before[2]} → ${after[2]}`;
  return make("span", { class: "ranks" }, "rank ", make("b", {}, `${before[1]} → ${after[1]} ${move}`), scores);
};

// What became of each gold passage, in one line: it is what one looks for first.
const goldLine = (found, rows, paired) => {
  const seen = new Map([...rows].reverse().map((row) => [row.doc, row]));
  const words = found.evidence.filter(([, , grade]) => grade >= 1).map(([doc]) => {
    const { before, after } = seen.get(doc) || { before: null, after: null };
    const was = before ? ` (was at ${before[1]})` : "";
    if (after) return [make("code", { dir: "auto" }, doc), ` at rank ${after[1]}${paired && !before ? ", new" : was}`];
    return [make("code", { dir: "auto" }, doc), before ? ` no longer retrieved${was}` : " not retrieved"];
  });
  return words.length ? make("p", { class: "lead" }, "★ Gold: ", words.flatMap((part, at) => at ? ["; ", ...part] : part), ".") : null;
};

const loadPassages = (found) => Promise.all(found.passages.map(async ([before, after, gold]) => {
  const old = before ? await loadPassage(before[0]) : null;
  const now = after ? await loadPassage(after[0]) : null;
  return { before, after, gold, doc: (now || old)[0], was: old && old[1], text: (now || old)[1], changed: Boolean(old && now && old[1] !== now[1]) };
}));

const passageBody = (row, quotes) => row.changed && state.marks
  ? difference(row.was, row.text).map(([kind, words]) => kind === "same" ? words : make(kind === "gone" ? "del" : "ins", {}, words))
  : withQuotes(row.text, quotes);

const passageCards = (found, rows, paired) => {
  const gold = () => make("span", { class: "gold" }, "★ gold");
  const name = (doc) => make("span", { class: "doc mono", dir: "auto" }, doc);
  const cards = rows.map((row) => {
    const quotes = found.evidence.filter(([id, quote]) => id === row.doc && quote).map(([, quote]) => quote);
    return make("article", { class: row.after ? "passage" : "passage left" },
      make("header", {}, row.gold ? gold() : null, name(row.doc), row.changed ? tag("text changed", true) : null, rankWords(row.before, row.after, paired)),
      textBlock("p", passageBody(row, quotes)));
  });
  const seen = new Set(rows.map((row) => row.doc));
  const missed = found.evidence.filter(([doc, , grade]) => grade >= 1 && !seen.has(doc)).map(([doc, quote]) =>
    make("article", { class: "passage left" },
      make("header", {}, gold(), name(doc), make("span", { class: "ranks" }, make("b", {}, "not retrieved"))),
      quote ? textBlock("p", quote) : null));
  return [...cards, ...missed].length ? [...cards, ...missed] : [make("p", { class: "soft" }, "Nothing was retrieved.")];
};

// The words of a passage that a claim rests on, with what stands around them.
const AROUND = 80;

const excerpt = async (place) => {
  if (!place) return null;
  const [number, start, end] = place;
  const [, text] = await loadPassage(number);
  const from = Math.max(0, start - AROUND);
  const to = Math.min(text.length, end + AROUND);
  return make("div", { class: "text small", dir: "auto" },
    from > 0 ? "…" : "", text.slice(from, start), make("mark", {}, text.slice(start, end)), text.slice(end, to), to < text.length ? "…" : "");
};

const claimTable = async (role, metric, rows) => make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Claims, ${role}, ${metric}` },
  make("table", { class: "claims stack" },
    make("caption", { class: "why" }, `${role}, by `, make("span", { class: "mono", dir: "auto" }, metric)),
    make("thead", {}, make("tr", {}, ["claim", "verdict", "passage"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, await Promise.all(rows.map(async ([, claim, verdict, why, doc, place]) => {
      const [kind, glyph] = VERDICTS[verdict] || ["even", ""];
      return make("tr", {},
        textBlock("td", claim),
        make("td", {},
          glyph ? make("span", { class: kind }, `${glyph} `) : null, make("span", { dir: "auto" }, verdict),
          why ? make("span", { class: "why", dir: "auto" }, why) : null),
        make("td", {}, make("span", { class: "mono", dir: "auto" }, doc), await excerpt(place)));
    })))));

const backToList = () => make("a", { href: "#/cases" }, index.notShown ? "← Cases" : "← All cases");

const crumbs = (place) => {
  const step = (by, words) => {
    const next = nextRegression(place, by);
    return next === null ? null : caseLink(index.cases[next][ID], words);
  };
  const toggle = make("button", { type: "button", id: "marks", class: "quiet", "aria-pressed": String(state.marks) }, state.marks ? "Marks: on" : "Marks: off");
  toggle.addEventListener("click", toggleMarks);
  return make("nav", { class: "crumbs no-print", "aria-label": "Cases" },
    backToList(), step(-1, "previous regression"), step(1, "next regression"),
    make("span", { class: "end" }, index.paired ? toggle : null, copyButton("Copy link", () => location.href)));
};

const nextRegression = (place, by) => {
  for (let at = place + by; at >= 0 && at < index.cases.length; at += by) {
    if (index.cases[at][FLAGS] & WORSE) return at;
  }
  return null;
};

const toggleMarks = async () => {
  if (document.body.dataset.route !== "case" || !state.redraw) return;
  state.marks = !state.marks;
  const focused = document.activeElement.id;
  await state.redraw();
  if (byId(focused)) byId(focused).focus({ preventScroll: true });
  say(state.marks ? "Differences are marked." : "Differences are not marked.");
};

const caseContent = async (place, found) => {
  const paired = index.paired;
  const { baseline: old, candidate: now } = found;
  const both = old && now && old.output !== null && now.output !== null && old.output !== undefined && now.output !== undefined;
  const runs = both && old.output !== now.output ? difference(old.output, now.output) : null;
  const again = make("pre", { class: "command" }, command(found.id));
  const passages = await loadPassages(found);
  const given = await Promise.all(found.given.map(loadPassage));
  const claims = ["baseline", "candidate"].filter((role) => found.claims[role]);
  return [
    make("div", { class: "pair" }, questionPanel(found, index.cases[place], given), goldenPanel(found)),
    make("h2", {}, paired ? "Answers" : "Answer"),
    both && !runs ? make("p", { class: "lead" }, "Both runs gave the same answer.") : null,
    make("div", { class: "pair" }, answerPanel("Baseline", old, runs, "gone"), answerPanel("Candidate", now, runs, "new")),
    make("h2", {}, "Scores"), scoreTable(found, paired),
    make("h2", {}, "Retrieved passages"), goldLine(found, passages, paired), passageCards(found, passages, paired),
    claims.length ? [make("h2", {}, "Claims"), await Promise.all(claims.flatMap((role) => {
      const rows = found.claims[role];
      return [...new Set(rows.map(([metric]) => metric))].map((metric) => claimTable(role, metric, rows.filter(([name]) => name === metric)));
    }))] : null,
    make("h2", {}, "Ask it again"), again, copyButton("Copy command", () => again.textContent),
  ];
};

const showCase = async (id) => {
  const page = byId("case");
  const place = index.places.get(id);
  const title = (text) => make("h1", { id: "case-title", tabindex: "-1", class: "mono" }, text);
  if (place === undefined) {
    const elsewhere = index.notShown
      ? [make("p", {}, `It shows ${index.cases.length.toLocaleString("en")} cases of the run and leaves out ${index.notShown.toLocaleString("en")}. If this is one of those, the recording has it:`), make("pre", { class: "command" }, `harness show ${index.run} ${quoted(id)}`)]
      : [];
    page.replaceChildren(title(index.notShown ? "Not in this report" : "No such case"), make("p", {}, "This report has no case ", make("code", { dir: "auto" }, id), "."), ...elsewhere, backToList());
    return;
  }
  const row = index.cases[place];
  const found = await loadCase(place);
  const tags = make("p", {}, row[CAUSE] ? tag(short(row[CAUSE]), true) : null, row[SLICES].map((slice) => tag(index.slices[slice])));
  const body = found
    ? await caseContent(place, found)
    : [textBlock("p", row[QUESTION]), make("p", { class: "lead" }, "The details of this case were left out to keep the file small; the recording has them."), make("pre", { class: "command" }, command(id))];
  page.replaceChildren(crumbs(place), title(row[ID]), tags, ...body.flat(Infinity).filter(Boolean));
  state.redraw = () => showCase(id);
};
