// The packed blocks: gzip in base64, each read once, when it is first wanted.

const unpack = async (id) => {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

const blocks = new Map();

const block = (id) => {
  if (!blocks.has(id)) blocks.set(id, unpack(id));
  return blocks.get(id);
};

// A case as the list knows it.
const [ID, QUESTION, CAUSE, FLAGS, SLICES, CELLS] = [0, 1, 2, 3, 4, 5];
const [WORSE, UNSCORED, FLIPPED] = [1, 2, 4];

const index = { cases: [], columns: [], slices: [], sizes: [1, 1], kept: 0, notShown: 0, run: "", command: ["", ""], paired: false, places: new Map() };

const loadIndex = async () => {
  Object.assign(index, await block("index"));
  index.places = new Map(index.cases.map((row, place) => [row[ID], place]));
};

// Null where the details of a case were left out of the file.
const loadCase = async (place) => {
  if (place >= index.kept) return null;
  const size = index.sizes[0];
  return (await block(`cases-${Math.floor(place / size)}`))[place % size];
};

// [document, text]
const loadPassage = async (number) => {
  const size = index.sizes[1];
  return (await block(`passages-${Math.floor(number / size)}`))[number % size];
};

// Quoted for a shell where it is more than a plain word.
const quoted = (id) => /^[\w@%+=:,./-]+$/.test(id) ? id : `'${id.replaceAll("'", "'\"'\"'")}'`;

const command = (id) => index.command[0] + quoted(id) + index.command[1];
