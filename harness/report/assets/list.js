// The list of cases: filtered by what the address says, a page of rows at a time.

const ROWS = 50;
const list = { found: [], start: 0, here: -1 };

const SHOWN = { worse: WORSE, unscored: UNSCORED, flips: FLIPPED };

const fillFilters = () => {
  byId("slice").append(make("option", { value: "" }, "all slices"), ...index.slices.map((label) => make("option", { value: label }, label)));
  const column = (name) => make("th", { scope: "col", class: "num" }, name);
  byId("case-head").append(
    make("th", { scope: "col" }, "case"),
    ...index.columns.map(column),
    make("th", { scope: "col" }, index.paired ? "what happened" : ""),
    make("th", { scope: "col" }, "slices"),
  );
};

const filterCases = (query) => {
  const words = (query.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
  const slice = index.slices.indexOf(query.get("slice") || "");
  const flag = SHOWN[query.get("show")] || 0;
  list.found = index.cases.flatMap((row, place) => {
    const text = `${row[ID]} ${row[QUESTION]}`.toLowerCase();
    const fits = words.every((word) => text.includes(word))
      && (slice < 0 || row[SLICES].includes(slice))
      && (!flag || row[FLAGS] & flag);
    return fits ? [place] : [];
  });
  list.start = 0;
  list.here = -1;
};

const scoreCell = ([before, after, direction], column) => make("td", { class: "num", "data-label": index.columns[column] },
  make("span", {}, arrow(direction), index.paired && before !== after ? `${before} → ${after}` : after));

const caseRow = (place, at) => {
  const row = index.cases[place];
  const link = caseLink(row[ID]);
  link.dataset.at = at;
  const element = make("tr", { "data-at": String(at) },
    make("th", { scope: "row", class: "id" }, link, make("span", { class: "question", dir: "auto" }, row[QUESTION])),
    ...row[CELLS].map(scoreCell),
    make("td", {}, row[CAUSE] ? tag(short(row[CAUSE]), true) : null),
    make("td", {}, row[SLICES].map((slice) => tag(index.slices[slice]))));
  element.addEventListener("click", (event) => {
    if (!event.target.closest("a") && !String(getSelection())) location.hash = link.getAttribute("href");
  });
  return element;
};

const drawRows = () => {
  const total = list.found.length;
  const end = Math.min(list.start + ROWS, total);
  byId("case-rows").replaceChildren(...list.found.slice(list.start, end).map((place, at) => caseRow(place, list.start + at)));
  const rest = index.notShown ? `; ${index.notShown.toLocaleString("en")} more are not in this report` : "";
  byId("count").textContent = `${total.toLocaleString("en")} of ${index.cases.length.toLocaleString("en")} cases, worst first${rest}`;
  byId("span").textContent = total ? `${(list.start + 1).toLocaleString("en")} to ${end.toLocaleString("en")}` : "nothing fits these filters";
  byId("earlier").disabled = list.start === 0;
  byId("later").disabled = end >= total;
};

const turnPage = (by) => {
  const next = list.start + by * ROWS;
  if (next < 0 || next >= list.found.length) return false;
  list.start = next;
  list.here = -1;
  drawRows();
  return true;
};

const moveRow = (by) => {
  const next = (list.here < 0 ? (by > 0 ? list.start - 1 : list.start + 1) : list.here) + by;
  if (next < 0 || next >= list.found.length) return;
  if (next < list.start || next >= list.start + ROWS) turnPage(by);
  list.here = next;
  markRow();
};

const markRow = () => {
  const here = String(list.here);
  for (const row of byId("case-rows").children) row.classList.toggle("here", row.dataset.at === here);
  const link = byId("case-rows").querySelector(`a[data-at="${here}"]`);
  if (link) link.focus();
};

// The filters as they stand, back into the address, so that a link shows the same list.
const filtersAsHash = () => {
  const query = new URLSearchParams();
  for (const [name, id] of [["q", "search"], ["slice", "slice"], ["show", "show"]]) {
    if (byId(id).value.trim()) query.set(name, byId(id).value.trim());
  }
  return `#/cases${query.size ? `?${query}` : ""}`;
};

// With the case one comes from, the list opens at its row.
const showList = (query, from) => {
  byId("slice").value = query.get("slice") || "";
  byId("show").value = query.get("show") || "";
  if (document.activeElement !== byId("search")) byId("search").value = query.get("q") || "";
  filterCases(query);
  const at = from === null ? -1 : list.found.indexOf(index.places.get(from));
  if (at >= 0) {
    list.start = at - (at % ROWS);
    list.here = at;
  }
  drawRows();
};
