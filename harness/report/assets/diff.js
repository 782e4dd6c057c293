// What differs between two texts, word by word, by their longest common subsequence.

const MOST_CELLS = 4000000;
const LEAST_SHARED = 0.3;

const wordsOf = (text) => {
  if (globalThis.Intl && Intl.Segmenter) {
    return Array.from(new Intl.Segmenter(undefined, { granularity: "word" }).segment(text), (part) => part.segment);
  }
  return text.match(/\s+|[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu) || [];
};

// Gives [kind, text] runs: "same", "gone" (only before), "new" (only after).
const difference = (before, after) => {
  const a = wordsOf(before);
  const b = wordsOf(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const runs = [];
  const add = (kind, words) => {
    const text = words.join("");
    const last = runs.at(-1);
    if (!text) return;
    if (last && last[0] === kind) last[1] += text;
    else runs.push([kind, text]);
  };
  add("same", a.slice(0, start));
  compareMiddle(a.slice(start, a.length - end), b.slice(start, b.length - end), add);
  add("same", end ? a.slice(-end) : []);
  const shared = runs.reduce((sum, [kind, text]) => sum + (kind === "same" ? text.length : 0), 0);
  // Two texts with little in common are read one after the other, not word by word.
  if (2 * shared < LEAST_SHARED * (before.length + after.length)) return [["gone", before], ["new", after]];
  return runs;
};

const compareMiddle = (a, b, add) => {
  if (!a.length || !b.length || a.length * b.length > MOST_CELLS) {
    add("gone", a);
    add("new", b);
    return;
  }
  const width = b.length + 1;
  const best = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * width + j] = a[i] === b[j]
        ? best[(i + 1) * width + j + 1] + 1
        : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) { add("same", [a[i]]); i += 1; j += 1; }
    else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) { add("gone", [a[i]]); i += 1; }
    else { add("new", [b[j]]); j += 1; }
  }
  add("gone", a.slice(i));
  add("new", b.slice(j));
};

// Blanks between two changed words belong to the change: whole phrases read better than islands.
const smooth = (runs, kind) => {
  const kept = runs.filter((run) => run[0] === "same" || run[0] === kind).map((run) => [...run]);
  const joined = [];
  kept.forEach((run, at) => {
    const isGap = run[0] === "same" && /^\s+$/.test(run[1]) && at > 0 && at < kept.length - 1;
    const name = isGap ? kind : run[0];
    const last = joined.at(-1);
    if (last && last[0] === name) last[1] += run[1];
    else joined.push([name, run[1]]);
  });
  return joined;
};

// One side of a difference as elements: <del> before, <ins> after.
const marked = (runs, kind) => smooth(runs, kind).map(([name, text]) =>
  name === "same" ? text : make(kind === "gone" ? "del" : "ins", {}, text));
