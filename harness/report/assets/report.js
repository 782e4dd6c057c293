// The report's own pages and keys: the case list and the case, filled from the packed blocks.

const ready = loadIndex().then(fillFilters).catch((problem) => {
  say("This browser cannot unpack the cases.");
  byId("count").textContent = `The cases cannot be unpacked here (${problem.name}). The other pages are complete.`;
});

const caseOf = (key) => key && key.startsWith("case/") ? key.slice(5) : null;

visits.cases = async (id, query, from) => {
  await ready;
  showList(query, caseOf(from));
  return list.here >= 0 ? markRow : null;
};

visits.case = async (id) => {
  state.redraw = null;
  await ready;
  await showCase(id);
  return null;
};

const stepRegression = (by) => {
  const here = caseOf(current) ? index.places.get(caseOf(current)) : by > 0 ? -1 : index.cases.length;
  const next = nextRegression(here ?? -1, by);
  if (next === null) say(by > 0 ? "That was the last regression." : "That was the first regression.");
  else goTo(caseLink(index.cases[next][ID]).getAttribute("href"));
};

actions.Escape = () => goTo(caseOf(current) ? filtersAsHash() : "#/");
actions.j = () => current === "cases" && moveRow(1);
actions.k = () => current === "cases" && moveRow(-1);
actions.n = () => stepRegression(1);
actions.p = () => stepRegression(-1);
actions.d = () => toggleMarks();
actions["/"] = () => { goTo(filtersAsHash()); setTimeout(() => byId("search").focus(), 60); };

let typing = null;
const onFilter = () => { clearTimeout(typing); typing = setTimeout(() => { history.replaceState(null, "", filtersAsHash()); route(); }, 120); };
byId("search").addEventListener("input", onFilter);
byId("slice").addEventListener("change", onFilter);
byId("show").addEventListener("change", onFilter);
byId("earlier").addEventListener("click", () => turnPage(-1));
byId("later").addEventListener("click", () => turnPage(1));
