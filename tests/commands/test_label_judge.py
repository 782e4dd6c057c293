"""``harness label`` and ``harness judge`` as a stranger calls them, up to the gate that they let decide."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from judged_worlds import JUDGE, World, make_world
from msgspec.structs import replace
from project import Ended, call_inside
from world import suite_of

from harness.judges.canaries import corpus_digest
from harness.judges.trust import with_known
from harness.numbers import signed
from harness.places import trust_file
from harness.recordings import pack_slim
from harness.trust import members_of
from harness.types import CalibrationSettings, CanaryResult, Gate, JudgeTrust, Recorded

Said = pytest.CaptureFixture[str]
GATES = (
    Gate(id="drop", metric="quality", max_drop=0.2),
    Gate(id="floor", metric="quality", min=0.6),
)


class Judged:
    """A folder with two recordings of a judged metric, and people who know the truth."""

    def __init__(self, folder: Path, capsys: Said, settings: CalibrationSettings) -> None:
        self.folder, self.capsys = folder, capsys
        world: World = make_world(np.random.default_rng(1), n=500, drawn=10)
        self.truth = {
            result.response.output: label.value
            for result, label in zip(
                (*world.baseline.results, *world.candidate.results), world.labels, strict=True
            )
        }
        self.runs = {"base": world.baseline, "run": world.candidate}
        for name, run in self.runs.items():
            self.write(f"{name}.jsonl.gz", self.with_suite(run, settings), keep_text=True)
        self.withstands(world.candidate)

    def withstands(self, run: Recorded) -> None:
        """Say that the judge withstood every canary."""
        (fingerprint,) = members_of(JUDGE)
        canaries = CanaryResult(corpus_digest(), 40, (), (), 0, (), "2026-01-01")
        known = JudgeTrust("quality", "default", fingerprint, "judge", canaries)
        path = self.folder / trust_file(Path(run.run.suite_path), run.run.suite_name)
        path.parent.mkdir(parents=True)
        path.write_text(with_known((), (known,)))

    def with_suite(self, run: Recorded, settings: CalibrationSettings) -> Recorded:
        import msgspec

        plain = msgspec.to_builtins(suite_of(*GATES, calibration=settings))
        return replace(run, run=replace(run.run, suite=plain))

    def write(self, name: str, run: Recorded, *, keep_text: bool) -> None:
        (self.folder / name).write_bytes(pack_slim(run, keep_text=keep_text))

    def call(self, *arguments: str) -> Ended:
        return call_inside(self.capsys, self.folder, *arguments)

    def export(self, *runs: str, n: int = 200, out: str = "packet.csv") -> Ended:
        (self.folder / "rubric.txt").write_text("Does it answer the question?\n")
        given = "--metric", "quality", "--n", str(n), "--rubric", "rubric.txt", "-o", out
        return self.call("label", "export", *runs, *given)

    def fill(self, rater: str = "ann", packet: str = "packet.csv") -> str:
        """Label the packet by the truth; gives the name of the file that comes back."""
        with (self.folder / packet).open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
        back = f"from-{rater}.csv"
        with (self.folder / back).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, table[0])
            writer.writeheader()
            for row in table:
                writer.writerow({**row, "label": self.truth[row["answer"]], "rater": rater})
        return back

    def gate(self, *options: str) -> tuple[Ended, dict[str, dict[str, object]]]:
        ended = self.call("gate", "run.jsonl.gz", "--baseline", "base.jsonl.gz", "--json", *options)
        return ended, {one["gate"]: one for one in json.loads(ended.out)["verdicts"]}


@pytest.fixture
def judged(tmp_path: Path, capsys: Said) -> Judged:
    return Judged(tmp_path, capsys, CalibrationSettings(min_kappa=0.3))


def test_from_recordings_to_a_verdict(judged: Judged) -> None:
    """Advisory at first; export, labels, calibration; then both gates decide on corrected figures."""
    ended, verdicts = judged.gate()
    assert ended.code == 3
    assert all(verdicts[name]["outcome"] == "inconclusive" for name in ("drop", "floor"))
    assert "this judge was not calibrated" in str(verdicts["drop"]["reason"])

    said = judged.export("base.jsonl.gz", "run.jsonl.gz")
    assert said.code == 0
    assert "answers to 200 drawn cases" in said.words
    assert "not for the raters" in said.words
    folder = judged.folder / "suites/labels/world"
    assert sorted(path.name for path in folder.iterdir()) == ["answers", "packets", "panels.json"]

    taken = judged.call("label", "import", judged.fill())
    assert taken.code == 0
    assert "400 labels are new, 0 were known" in taken.words
    assert "400 of 400 answers have labels" in taken.words
    before = (folder / "labels.jsonl").read_bytes()
    assert "0 labels are new, 400 were known" in judged.call("label", "import", judged.fill()).words
    assert (folder / "labels.jsonl").read_bytes() == before
    ended, verdicts = judged.gate()
    assert "was not calibrated" in str(verdicts["floor"]["reason"])

    kept = judged.call("judge", "calibrate", "base.jsonl.gz", "run.jsonl.gz", "--metric", "quality")
    assert kept.code == 0
    assert "400 labelled answers, 1 rater" in kept.words
    assert "its gates may decide" in kept.words
    assert "expires 2026-04-01T00:00:00Z" in kept.words
    file = json.loads((folder / "calibration.json").read_text())
    assert [(one["judge"], one["n_labels"]) for one in file["calibrations"]] == [(JUDGE, 400)]

    ended, verdicts = judged.gate()
    assert (ended.code, verdicts["drop"]["outcome"], verdicts["floor"]["outcome"]) == (0, "pass", "pass")
    assert "corrected by 200 labels" in str(verdicts["drop"]["reason"])
    (row,) = json.loads(ended.out)["judged"]
    assert (row["metric"], row["advisory"], row["lacking"]) == ("quality", "", "")
    assert (row["n_labels"], row["n_labels_change"]) == (200, 200)
    assert row["corrected"]["value"] == verdicts["floor"]["candidate"] != row["own"]["value"]
    assert row["corrected"]["interval"] == verdicts["floor"]["interval"]
    assert row["corrected_change"] == verdicts["drop"]["comparison"]
    assert row["own_change"]["change"] != row["corrected_change"]["change"]
    again, _ = judged.gate()
    assert again.out == ended.out


def test_a_baseline_without_texts_keeps_its_labels(judged: Judged) -> None:
    """A slim recording of the labelled run is known by the answers that were exported."""
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality")
    whole, _ = judged.gate()
    slim = judged.with_suite(judged.runs["base"], CalibrationSettings(min_kappa=0.3))
    judged.write("base.jsonl.gz", slim, keep_text=False)
    _, verdicts = judged.gate()
    assert verdicts["drop"]["outcome"] == "pass"
    assert json.loads(whole.out)["verdicts"][0]["reason"] == verdicts["drop"]["reason"]


def test_a_judge_under_the_floor_is_advisory(tmp_path: Path, capsys: Said) -> None:
    """Kappa below what the suite asks: calibrate says so, and so do report, console and JUnit."""
    judged = Judged(tmp_path, capsys, CalibrationSettings(min_kappa=0.9))
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    kept = judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality")
    assert "standing advisory: its judge agrees with people by kappa" in kept.words
    ended = judged.call("gate", "run.jsonl.gz", "--baseline", "base.jsonl.gz", "-o", "r.xml", "-o", "r.md")
    assert ended.code == 3
    for text in (ended.words, (tmp_path / "r.xml").read_text(), (tmp_path / "r.md").read_text()):
        assert "advisory" in text


def test_a_calibrated_judge_without_canaries_is_told_so_at_once(judged: Judged) -> None:
    """Calibrate does not promise a decision that the gate would refuse; every rendering says why."""
    (judged.folder / trust_file(Path("suites/world.yaml"), "world")).unlink()
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    kept = judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality")
    assert "standing advisory: the canaries of its judge were not run" in kept.words
    again = judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality", "--json")
    assert json.loads(again.out)["advisory"].startswith("the canaries of its judge were not run")
    names = "r.json", "r.md", "r.xml", "r.html"
    outputs = [part for name in names for part in ("-o", name)]
    ended = judged.call("gate", "run.jsonl.gz", "--baseline", "base.jsonl.gz", *outputs)
    assert ended.code == 3
    for text in (ended.words, *((judged.folder / name).read_text() for name in names)):
        assert "advisory: the canaries of its judge were not run" in text
        assert "gates decide on what labels correct" not in text


def test_both_figures_stand_side_by_side_in_every_rendering(judged: Judged) -> None:
    """The judge's own and the corrected mean and change, each called what it is."""
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality")
    names = "r.json", "r.md", "r.xml", "r.html"
    outputs = [part for name in names for part in ("-o", name)]
    ended = judged.call("gate", "run.jsonl.gz", "--baseline", "base.jsonl.gz", *outputs)
    (row,) = json.loads((judged.folder / "r.json").read_text())["judged"]
    figures = [f"{row[name]['value']:.3f}" for name in ("own", "corrected")]
    figures += [signed(row[name]["change"]) for name in ("own_change", "corrected_change")]
    for text in (ended.words, *((judged.folder / name).read_text() for name in names[1:])):
        assert "gates decide on what labels correct" in text
        for figure in figures:
            assert figure in text


def test_the_headline_says_whose_scores_it_tells(judged: Judged) -> None:
    """What an uncalibrated judge scored is called its own; what labels corrected is not."""
    _, found = judged.gate()
    own = json.loads(judged.gate()[0].out)["headline"][1]
    assert own.endswith("These are the judge's own scores, and decide nothing.")
    assert found["drop"]["outcome"] == "inconclusive"
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    judged.call("judge", "calibrate", "run.jsonl.gz", "--metric", "quality")
    assert "judge's own scores" not in json.loads(judged.gate()[0].out)["headline"][1]


def test_labels_that_do_not_suffice_are_not_said_to_correct(judged: Judged) -> None:
    """Calibrated on the baseline's answers: the run's own lack labels, and the report says so."""
    judged.export("base.jsonl.gz")
    judged.call("label", "import", judged.fill())
    judged.call("judge", "calibrate", "base.jsonl.gz", "--metric", "quality")
    ended, _ = judged.gate()
    assert ended.code == 3
    (row,) = json.loads(ended.out)["judged"]
    assert (row["advisory"], row["corrected"], row["corrected_change"]) == ("", None, None)
    assert "its means: " in row["lacking"]
    assert "of the 200 drawn cases have their labels, and it needs 100" in row["lacking"]
    assert "its change since the baseline: " in row["lacking"]


def test_an_expired_calibration_is_advisory(tmp_path: Path, capsys: Said) -> None:
    """A run that is started after it expired is not decided, whatever the day of the gate is."""
    judged = Judged(tmp_path, capsys, CalibrationSettings(min_kappa=0.3, expires_after_days=30))
    judged.export("base.jsonl.gz", "run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    judged.call("judge", "calibrate", "base.jsonl.gz", "--metric", "quality")
    assert judged.gate()[0].code == 0
    later = judged.with_suite(judged.runs["run"], CalibrationSettings(min_kappa=0.3))
    later = replace(later, run=replace(later.run, started_at="2026-02-01T00:00:00+00:00"))
    judged.write("run.jsonl.gz", later, keep_text=True)
    ended, verdicts = judged.gate()
    assert ended.code == 3
    assert "expired on 2026-01-31" in str(verdicts["drop"]["reason"])


def test_agree_tells_of_every_rater(judged: Judged) -> None:
    """Kappa of the judge with each rater and of raters with each other; nothing is kept."""
    judged.export("run.jsonl.gz")
    for rater in ("ann", "bob"):
        judged.call("label", "import", judged.fill(rater))
    said = judged.call("judge", "agree", "run.jsonl.gz", "--metric", "quality")
    assert said.code == 0
    for words in (
        "judge and ann",
        "judge and bob",
        "ann and bob",
        "language=de",
        "alpha 1.000",
        "people say",
    ):
        assert words in said.words
    found = json.loads(judged.call("judge", "agree", "run.jsonl.gz", "--metric", "quality", "--json").out)
    assert found["raters"] == ["ann", "bob"]
    assert not (judged.folder / "suites/labels/world/calibration.json").exists()


def test_faults_are_told_and_nothing_is_kept(judged: Judged) -> None:
    """Unknown metrics, endings, files and raters end with 2, and name what to do."""
    for arguments, said in (
        (("label", "export", "run.jsonl.gz", "--metric", "qualty", "-o", "p.csv"), "did you mean 'quality'?"),
        (
            ("label", "export", "run.jsonl.gz", "--metric", "quality", "--scale", "a,b", "-o", "p.csv"),
            "not numbers",
        ),
        (("label", "import", "nowhere.json"), "cannot be read"),
        (("judge", "calibrate", "run.jsonl.gz", "--metric", "quality"), "harness label export run"),
        (("judge", "agree", "run.jsonl.gz", "--metric", "qualty"), "did you mean 'quality'?"),
    ):
        ended = judged.call(*arguments)
        assert ended.code == 2, arguments
        assert said in ended.words
        assert "Traceback" not in ended.err
    judged.export("run.jsonl.gz", out="packet.txt")
    kept = [path.name for path in (judged.folder / "suites").rglob("*") if path.is_file()]
    assert kept == ["world.trust.json"]
    judged.export("run.jsonl.gz")
    back = judged.folder / judged.fill()
    shutil.copy(back, judged.folder / "wrong.csv")
    text = back.read_text().splitlines()
    text[4] = text[4].replace(",1.0,", ",2,").replace(",0.0,", ",2,")
    (judged.folder / "wrong.csv").write_text("\n".join(text))
    ended = judged.call("label", "import", "wrong.csv")
    assert ended.code == 2
    assert "wrong.csv:5:7" in ended.words
    assert "one of 0, 1" in ended.words
    assert not (judged.folder / "suites/labels/world/labels.jsonl").exists()


def test_a_damaged_file_of_labels_is_told(judged: Judged) -> None:
    """A line that is no label stops the gate with its number; nothing is decided around it."""
    judged.export("run.jsonl.gz")
    judged.call("label", "import", judged.fill())
    labels = judged.folder / "suites/labels/world/labels.jsonl"
    labels.write_bytes(labels.read_bytes() + b'{"packet": 1}\n')
    ended = judged.call("gate", "run.jsonl.gz", "--baseline", "base.jsonl.gz")
    assert ended.code == 4
    assert "labels.jsonl:201" in ended.words
