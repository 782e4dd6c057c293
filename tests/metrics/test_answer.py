"""Answers against references and facts: SQuAD's values, other scripts, and when there is no value."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.answer import normalised
from harness.registry import find_metric
from harness.types import Behavior, Case, Query, Response, Score


def case_of(*expected: str, language: str | None = None, behavior: Behavior = "answer") -> Case:
    groups = {} if language is None else {"language": language}
    query = Query("q", "question")
    return Case(query, expected_output=expected, expected_behavior=behavior, groups=groups)


def scored(name: str, case: Case, output: str | None) -> Score:
    return find_metric(name).score(case, Response(output))


def facts(text: str | None, *include: str, exclude: tuple[str, ...] = ()) -> Score:
    case = Case(Query("q", "question"), must_include=include, must_not_include=exclude)
    return scored("required_facts", case, text)


def test_normalisation_is_that_of_squad() -> None:
    """Case, punctuation, English articles and extra white space do not count."""
    assert normalised("The  Eiffel-Tower, (a) tower!") == "eiffeltower tower"
    assert scored("exact_match", case_of("eiffel tower"), "The Eiffel Tower.").value == 1.0


def test_f1_of_a_known_pair() -> None:
    """Two of three tokens shared with a reference of two: F1 is 2 * 2 / (3 + 2)."""
    assert scored("token_f1", case_of("in Paris"), "It's in Paris").value == pytest.approx(0.8)


def test_best_of_several_references_counts() -> None:
    """A list of expected outputs means any of them, and the nearest is named."""
    result = scored("token_f1", case_of("Berlin", "the city of Paris"), "Paris")
    assert result.value == pytest.approx(0.5)
    assert result.details == {"nearest": "the city of Paris"}


def test_repeated_tokens_do_not_count_twice() -> None:
    """Saying the right word again lowers precision."""
    assert scored("token_f1", case_of("Paris"), "Paris Paris Paris").value == pytest.approx(0.5)


def test_articles_go_only_in_english_or_unknown_language() -> None:
    """An article of English may be a word elsewhere: it is kept where the case says another language."""
    assert scored("exact_match", case_of("the end"), "end").value == 1.0
    assert scored("exact_match", case_of("the end", language="en-GB"), "end").value == 1.0
    assert scored("exact_match", case_of("a casa", language="it"), "casa").value == 0.0


def test_unspaced_scripts_are_compared_by_character() -> None:
    """Japanese F1 is over characters: four shared of five and of four."""
    result = scored("token_f1", case_of("富士山頂"), "富士山頂上。")
    assert result.value == pytest.approx(2 * 4 / (5 + 4))
    assert scored("exact_match", case_of("３０日"), "30日。").value == 1.0


@pytest.mark.parametrize("name", ["exact_match", "token_f1"])
def test_refusals_have_no_answer_to_compare(name: str) -> None:
    """Correct or not, a refusal or a question back is not a wrong answer: not_applicable with the reason."""
    for output in (None, "", "I don't know.", "Which tower do you mean?"):
        result = scored(name, case_of("Paris"), output)
        assert (result.value, result.status) == (None, "not_applicable")
        assert result.reason


@pytest.mark.parametrize("name", ["exact_match", "token_f1"])
def test_cases_without_an_answer_to_expect_are_not_applicable(name: str) -> None:
    """No reference, or a case that expects a refusal or a question: no value."""
    for case in (case_of(), case_of("Paris", behavior="refuse"), case_of("Paris", behavior="clarify")):
        assert scored(name, case, "Paris").status == "not_applicable"
    assert scored(name, case_of("Paris", behavior="partial"), "Paris").value == 1.0


def test_nothing_left_after_normalisation() -> None:
    """Where one side is only punctuation, F1 is 1 if both are, else 0."""
    assert scored("token_f1", case_of("!"), "?!").value == 1.0
    assert scored("token_f1", case_of("!"), "word").value == 0.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_values_stay_in_range_and_exact_match_implies_f1(output: str, expected: str) -> None:
    """Both lie in 0..1, and an exact match has F1 1."""
    exact, f1 = (scored(name, case_of(expected), output) for name in ("exact_match", "token_f1"))
    assert exact.status == f1.status
    if f1.value is not None and exact.value is not None:
        assert 0.0 <= f1.value <= 1.0
        assert exact.value <= f1.value


def test_share_of_facts_that_are_stated() -> None:
    """Two of three facts are two thirds, and the missing one is named."""
    result = facts("Returns are FREE within\n30 days.", "free", "30 days", "island")
    assert result.value == pytest.approx(2 / 3)
    assert result.details == {"missing": ["island"], "forbidden": []}


def test_a_forbidden_fact_makes_it_zero() -> None:
    """Anything that must not be said outweighs all that was said right."""
    assert facts("Free within 30 days, guaranteed.", "30 days", exclude=("guaranteed",)).value == 0.0
    assert facts("Free within 30 days.", exclude=("guaranteed",)).value == 1.0


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("1,000", "about 1.000 people"),
        ("1000", "about 1 000 people"),
        ("1.000", "about 1000 people"),
        ("1,234,567.5", "1.234.567,50 EUR"),
        ("14.5", "14,5 kg"),
        ("14,5 %", "14.50%"),
        ("5%", "5 %"),
        ("30 days", "30\u00a0days"),
        ("30日", "返品は３０ 日以内"),
        ("don’t", "Don't do it"),
        ("10-20", "10–20 pieces"),
        ("refund", "Refunds are paid"),
        ("05", "5 May"),
        ("٣٠ يوما", "خلال 30 يوما"),
        ("straße", "STRASSE"),
        ("(see terms)", "free (see  terms)"),
        ("2024-05-01", "on 2024-05-01"),
    ],
)
def test_a_fact_may_be_written_differently(fact: str, text: str) -> None:
    """Number format, white space, quotes, dashes and case do not hide a fact."""
    assert facts(text, fact).value == 1.0


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("5", "15 days"),
        ("5", "50 days"),
        ("14", "14.5 kg"),
        ("5", "5.000 Euro"),
        ("1000", "21,000 people"),
        ("100", "1,100"),
        ("14.5", "145"),
        ("1.5", "11.5"),
        ("no", "now"),
        ("EU", "museum"),
        ("30 days", ""),
    ],
)
def test_a_number_or_short_word_does_not_match_within_another(fact: str, text: str) -> None:
    """5 is not stated by 15, 14 not by 14.5, no not by now."""
    assert facts(text, fact).value == 0.0


def test_no_facts_is_not_applicable_and_no_output_states_nothing() -> None:
    """Without facts there is no value; without output every fact is missing."""
    assert facts("text").status == "not_applicable"
    assert facts(None, "30 days").value == 0.0
    assert facts("I don't know.", "30 days").value == 0.0


@given(st.text(min_size=1, max_size=30).filter(str.strip))
def test_a_fact_states_itself(fact: str) -> None:
    """Any fact is found in the text that is the fact."""
    assert facts(fact, fact).value == 1.0


def squad_tokens(text: str) -> list[str]:
    """SQuAD's normalisation as its paper states it: lower case, no ASCII punctuation, no articles."""
    bare = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def squad_f1(answer: str, gold: str) -> float:
    """Twice the shared tokens over all tokens; two texts without a token are the same."""
    ours, theirs = squad_tokens(answer), squad_tokens(gold)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = (Counter(ours) & Counter(theirs)).total()
    precision, recall = shared / len(ours), shared / len(theirs)
    return 2 * precision * recall / (precision + recall) if shared else 0.0


@pytest.mark.data
def test_squad_answers_have_squads_values() -> None:
    """Gold answers of SQuAD 2.0 against each other, whole, cut and re-written (ASCII texts)."""
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("HARNESS_DATA", default)) / "squad2" / "squad2_dev.jsonl.gz"
    if not path.is_file():
        pytest.skip("HARNESS_DATA has no folder squad2")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["answers"] and "".join(row["answers"]).isascii()]
    compared = left_out = 0
    for row, other in itertools.pairwise(rows):
        golds, near = row["answers"], row["answers"][0].split()[:2]
        for answer in (golds[-1], f"The {golds[0]}!", " ".join([*near, "and", *near]), other["answers"][0]):
            case = case_of(*golds)
            if scored("exact_match", case, answer).status == "not_applicable":  # it reads like a refusal
                left_out += 1
                continue
            exact = max(float(squad_tokens(answer) == squad_tokens(gold)) for gold in golds)
            f1 = max(squad_f1(answer, gold) for gold in golds)
            assert scored("exact_match", case, answer).value == exact, (golds, answer)
            assert scored("token_f1", case, answer).value == pytest.approx(f1, abs=1e-12), (golds, answer)
            compared += 1
    assert compared > 1000
    assert left_out < 0.01 * compared
