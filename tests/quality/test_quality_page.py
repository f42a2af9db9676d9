"""The quality page: agreement, gold, each annotator, what weighting would change, and for whose eyes."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Annotator, AnnotatorKind, Comparison, Judgment, Model, Outcome
from app.quality import agreement, annotators
from app.quality.annotators import AnnotatorQuality, Share
from tests.conftest import Cast, plain
from tests.leaderboard.arrange import (
    BOTH_BAD,
    TIE,
    A,
    Asked,
    B,
    Said,
    add_annotators,
    add_comparison,
    add_comparisons,
    add_models,
    judge,
    judge_all,
    judge_birds,
    withdraw,
)

Clients = Callable[[Account | None], FlaskClient]
URL = "/p/birds/quality"


def judged_together(
    session: Session,
    cast: Cast,
    verdicts: Sequence[Sequence[Outcome]],
    category: str | None = None,
    people: list[Annotator] | None = None,
) -> list[Comparison]:
    """One comparison for each row, judged by the first, second, … person; committed."""
    people = people or add_annotators(session, cast.project, max(map(len, verdicts)))
    models = add_models(session, cast.project, (f"heron {category}", f"lark {category}"))
    made = add_comparisons(session, [Asked(*models, category=category)] * len(verdicts))
    judged = [one for one, row in zip(made, verdicts, strict=True) for _ in row]
    said = [Said(person, outcome) for row in verdicts for person, outcome in zip(people, row, strict=False)]
    judge_all(session, judged, said)
    session.commit()
    return made


def value_of(found: Sequence[agreement.Coefficient], name: str) -> Any:
    return next(one.found.value for one in found if one.name.startswith(name))


def of(session: Session, cast: Cast) -> dict[str, AnnotatorQuality]:
    return {one.name: one for one in annotators.of(session, cast.project, by_name=True)}


def test_agreement_counts_people_who_judged_the_same_comparison(session: Session, cast: Cast) -> None:
    judged_together(session, cast, [(A, A), (B, B), (A, B), (A,), (TIE, TIE)])
    found = agreement.of_people(session, cast.project, "category")
    assert (found.comparisons, found.verdicts) == (4, 8)
    assert value_of(found.overall, "Raw") == pytest.approx(3 / 4)
    # By hand, from Krippendorff's coincidence matrix: n = 8 with 3 a, 3 b, 2 ties; 2 of 8 disagree.
    expected = 1 - (2 / 8) / ((2 * (3 * 3 + 3 * 2 + 3 * 2)) / (8 * 7))
    assert value_of(found.overall, "Krippendorff") == pytest.approx(expected)


def test_judges_gold_and_withdrawn_verdicts_do_not_count_as_agreement(session: Session, cast: Cast) -> None:
    people = add_annotators(session, cast.project, 2)
    robot = add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL)[0]
    heron, lark = add_models(session, cast.project, ("heron", "lark"))
    with_robot, gold, taken_back = (add_comparison(session, heron, lark) for _ in range(3))
    gold.gold = A
    session.add(gold)
    for comparison, pair in ((with_robot, (people[0], robot)), (gold, people), (taken_back, people)):
        last = [judge(session, comparison, one, A) for one in pair][-1]
    withdraw(session, last)
    session.commit()
    assert agreement.of_people(session, cast.project, "category").comparisons == 0


def test_agreement_by_category(session: Session, cast: Cast, client_of: Clients) -> None:
    people = add_annotators(session, cast.project, 2)
    judged_together(session, cast, [(A, A), (B, B), (TIE, TIE)] * 5, "coding", people)
    judged_together(session, cast, [(A, B), (B, A)], "safety", people)
    found = agreement.of_people(session, cast.project, "category")
    assert [(one.value, one.comparisons) for one in found.slices] == [("coding", 15), ("safety", 2)]
    assert [value_of(one.coefficients, "Raw") for one in found.slices] == [1.0, 0.0]
    text = client_of(cast.rui).get(URL).text
    page = plain(text)
    assert "coding 15 1.00" in page
    cells = [row.count("<td") for row in text.split("<tr>") if "below" in row]
    assert sum(cells) == text.count("data-of="), "where the heading is not shown, each number says what it is"
    assert cells == [4, 4, 5, 5]
    assert agreement.of_people(session, cast.project, "language").slices == ()
    assert client_of(cast.rui).get(f"{URL}?by=language").status_code == 200
    assert client_of(cast.rui).get(f"{URL}?by=colour").status_code == 422


def test_a_forced_choice_by_the_toss_of_a_coin_agrees_no_more_than_chance(
    session: Session, cast: Cast
) -> None:
    """400 comparisons without a tie: verdicts that nobody gave are none that chance could have given."""
    judged_together(session, cast, [(A, A), (A, B), (B, A), (B, B)] * 100)
    found = agreement.of_people(session, cast.project, "category").overall
    assert value_of(found, "Raw") == pytest.approx(0.5)
    assert value_of(found, "Krippendorff") == pytest.approx(0, abs=0.01)
    assert value_of(found, "Gwet") == pytest.approx(0, abs=0.01)


def test_four_unanimous_comparisons_have_the_interval_that_the_note_gives_them(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    people = add_annotators(session, cast.project, 2)
    judged_together(session, cast, [(A, A), (B, B)] * 2, "safety", people)
    page = plain(client_of(cast.lena).get(URL).text)
    assert "alpha and AC1 take 20 comparisons to have one" in page
    assert "safety 4 1.00 (0.51 to 1.00) 1.00 (too few to say) 1.00 (too few to say)" in page


@pytest.mark.parametrize(
    ("simulated", "between"),
    [
        ((False, False), "Agreement between people From"),
        ((True, False), "Agreement between people and simulated annotators From"),
        ((True, True), "Agreement between simulated annotators From"),
    ],
)
def test_agreement_is_said_to_be_of_whom_it_is(
    simulated: tuple[bool, bool], between: str, session: Session, cast: Cast, client_of: Clients
) -> None:
    people = [add_annotators(session, cast.project, 1, simulated=one)[0] for one in simulated]
    judged_together(session, cast, [(A, A), (B, B)], None, people)
    # Whoever judged gold alone is in the table of annotators, and in no agreement.
    gold = add_comparison(session, *session.exec(select(Model)).all()[:2])
    gold.gold = A
    judge(session, gold, add_annotators(session, cast.project, 1, simulated=True)[0], A)
    session.commit()
    page = plain(client_of(cast.lena).get(URL).text)
    assert between in page
    assert "Simulated annotators are marked" in page


def test_what_cannot_be_computed_says_why(session: Session, cast: Cast, client_of: Clients) -> None:
    assert "Nothing to measure yet" in client_of(cast.lena).get(URL).text
    judged_together(session, cast, [(A,), (B,)], "alone")
    page = plain(client_of(cast.lena).get(URL).text)
    assert "Undefined because no comparison has been judged by two people." in page
    assert "Nobody has judged a gold comparison" in page
    assert "Not enough data: it takes two annotators" in page
    judged_together(session, cast, [(TIE, TIE), (TIE, TIE)], "same")
    page = plain(client_of(cast.lena).get(URL).text)
    assert "Here undefined because all verdicts are the same" in page


def test_both_bad_alone_leaves_the_scale_undefined(session: Session, cast: Cast) -> None:
    judged_together(session, cast, [(BOTH_BAD, BOTH_BAD), (BOTH_BAD, A)])
    scale = agreement.of_people(session, cast.project, "category").overall[3]
    assert scale.found.value is None
    assert scale.undefined == "undefined because no comparison has two verdicts that count here"


def test_gold_is_counted_for_each_annotator(session: Session, cast: Cast, client_of: Clients) -> None:
    people = add_annotators(session, cast.project, 2)
    heron, lark = add_models(session, cast.project, ("heron", "lark"))
    for verdicts in ((A, A), (A, B), (A, A), (A, TIE)):
        comparison = add_comparison(session, heron, lark)
        comparison.gold = A
        session.add(comparison)
        for person, outcome in zip(people, verdicts, strict=True):
            judge(session, comparison, person, outcome)
    session.commit()
    found = of(session, cast)
    assert found[people[0].name].gold == Share(4, 4)
    assert found[people[1].name].gold == Share(2, 4)
    assert found[people[1].name].agreement is None
    page = plain(client_of(cast.lena).get(URL).text)
    assert f"{people[1].name} 4 2 50% 15% to 85%" in page


def test_an_interval_of_a_share_is_wilsons() -> None:
    some = Share(2, 4)
    assert (some.lower, some.upper) == pytest.approx((0.150, 0.850), abs=1e-3)
    assert Share(0, 10).lower == 0
    assert Share(0, 10).upper == pytest.approx(0.2775, abs=1e-4)
    # Exactly, whatever the sums come to: 37 of 37 would be 0.9999999999999999.
    assert {Share(n, n).upper for n in range(1, 100)} == {1.0}
    assert {Share(0, n).lower for n in range(1, 100)} == {0.0}


def test_agreement_with_others_counts_each_others_verdict(session: Session, cast: Cast) -> None:
    people = add_annotators(session, cast.project, 3)
    judged_together(session, cast, [(A, A, B), (B, B), (A,)], people=people)
    found = of(session, cast)
    shares = [found[one.name].agreement for one in people]
    assert shares == [Share(2, 3), Share(2, 3), Share(0, 2)]


@pytest.mark.parametrize(
    ("times", "median"), [([9], 9), ([1, 50], 25.5), ([2, 900, 4], 4), ([1, 2, 3, 90], 2.5)]
)
def test_the_median_time(session: Session, cast: Cast, times: list[int], median: float) -> None:
    person = add_annotators(session, cast.project, 1)[0]
    made = judged_together(session, cast, [(A,)] * (len(times) + 1), people=[person])
    rows = {one.comparison_id: one for one in session.exec(select(Judgment))}
    for comparison, seconds in zip(made, times, strict=False):
        rows[comparison.id].duration_ms = seconds * 1000
    session.commit()
    assert of(session, cast)[person.name].seconds == median


def test_who_cannot_have_read_is_marked_in_words(session: Session, cast: Cast, client_of: Clients) -> None:
    person = add_annotators(session, cast.project, 1)[0]
    judged_together(session, cast, [(A,)] * 3, people=[person])
    rows = list(session.exec(select(Judgment)))
    for seconds, marked in ((0, True), (40, False)):
        for row in rows:
            row.duration_ms = seconds * 1000
        session.commit()
        page = plain(client_of(cast.lena).get(URL).text)
        assert (f"{person.name} 3 {seconds} too quick to read" in page) == marked


def test_few_comparisons_are_too_few_to_say(session: Session, cast: Cast, client_of: Clients) -> None:
    judged_together(session, cast, [(A, B)] * 3 + [(B, B)] * 2)
    page = plain(client_of(cast.lena).get(URL).text)
    assert "Here too few to say: an interval takes 20 comparisons." in page


def test_the_left_is_where_it_was_shown(session: Session, cast: Cast) -> None:
    person = add_annotators(session, cast.project, 1)[0]
    heron, lark = add_models(session, cast.project, ("heron", "lark"))
    for outcome, swapped in ((A, False), (B, True), (A, True), (TIE, True), (B, True)):
        judge(session, add_comparison(session, heron, lark), person, outcome, swapped)
    judge(session, add_comparison(session, heron, lark), person, A).swapped = None
    session.commit()
    assert of(session, cast)[person.name].left == Share(3, 4)


def test_who_votes_against_everybody_is_seen_and_changes_the_weighted_ratings(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    made = judge_birds(session, cast.project, rounds=80, annotators=8)
    contrary = made[0].annotator_id
    for one in made:
        if one.annotator_id == contrary and one.outcome in (A, B):
            judgment = session.get_one(Judgment, one.id)
            judgment.outcome = B if one.outcome == A else A
            session.add(judgment)
    session.commit()
    found = of(session, cast)
    least = min(found.values(), key=lambda one: one.reliability[0])
    assert least.name == session.get_one(Annotator, contrary).name
    assert least.reliability[2] < 0.5
    rows = annotators.reweighted(session, cast.project)
    assert [row.rank for row in rows] == [1, 2, 3, 4]
    best, worst = rows[0], rows[-1]
    assert best.weighted - worst.weighted > best.rating - worst.rating
    assert "The unweighted ratings stay the headline" in client_of(cast.rui).get(URL).text


def test_judge_models_and_simulated_annotators_are_marked(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    made = [
        *add_annotators(session, cast.project, 1, kind=AnnotatorKind.MODEL),
        *add_annotators(session, cast.project, 1, simulated=True),
    ]
    judged_together(session, cast, [(A, A), (B, B)], people=made)
    page = plain(client_of(cast.lena).get(URL).text)
    assert f"{made[0].name} judge model" in page
    assert f"{made[1].name} simulated" in page
    assert "Simulated annotators are marked" in page


def test_leads_read_names_reviewers_pseudonyms_and_nobody_else_anything(
    session: Session, cast: Cast, client_of: Clients
) -> None:
    person = Annotator(project_id=cast.project.id, account_id=cast.ann.id)
    session.add(person)
    session.flush()
    judged_together(session, cast, [(A,)], people=[person])
    for path in (URL, f"{URL}.csv"):
        for reader in (cast.lena, cast.ada):
            assert "Ann" in re.sub("Annotator", "", client_of(reader).get(path).text)
        reviewed = client_of(cast.rui).get(path)
        assert reviewed.status_code == 200
        assert person.uid in reviewed.text
        assert not re.search(r"\bAnn\b", reviewed.text)
        for other in (cast.ann, cast.rosa, cast.vic):
            assert client_of(other).get(path).status_code == 403
        assert client_of(cast.otto).get(path).status_code == 404
        assert client_of(None).get(path).status_code == 303
    assert "/p/birds/quality" in client_of(cast.rui).get("/p/birds/").text
    assert "/p/birds/quality" not in client_of(cast.ann).get("/p/birds/").text


def test_the_table_can_be_taken_away(session: Session, cast: Cast, client_of: Clients) -> None:
    person = Annotator(project_id=cast.project.id, name="=cmd|' /C calc'!A0", cluster=1)
    session.add(person)
    session.flush()
    judged_together(session, cast, [(A,), (B,)], people=[person])
    answer = client_of(cast.lena).get(f"{URL}.csv")
    assert answer.mimetype == "text/csv"
    row = next(csv.DictReader(io.StringIO(answer.text)))
    assert row["annotator"].startswith("'=")
    assert (row["judgments"], row["gold_judged"], row["reliability"]) == ("2", "0", "")
    assert (row["left_chosen"], row["sides_chosen"]) == ("1", "2")


def test_hostile_names_stay_text(session: Session, cast: Cast, client_of: Clients) -> None:
    people = [
        Annotator(project_id=cast.project.id, name=f"<script>alert({n})</script>", cluster=n)
        for n in range(2)
    ]
    session.add_all(people)
    session.flush()
    judged_together(session, cast, [(A, A), (B, A)], "<img src=x onerror=1>", people)
    page = client_of(cast.lena).get(URL).text
    assert "&lt;script&gt;alert(0)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_more_annotators_take_no_more_queries(
    session: Session, cast: Cast, client_of: Clients, count_queries: Any
) -> None:
    client, numbers = client_of(cast.lena), []
    for n in (3, 12):
        judge_birds(session, cast.project, names=(f"one {n}", f"two {n}"), annotators=n)
        with count_queries() as statements:
            client.get(URL)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] <= 25


@pytest.mark.parametrize(("left", "marked"), [(14, False), (19, True)])
def test_a_side_is_marked_only_where_chance_would_hardly_do_it(
    session: Session, cast: Cast, left: int, marked: bool
) -> None:
    person = add_annotators(session, cast.project, 1)[0]
    judged_together(session, cast, [(A,)] * left + [(B,)] * (20 - left), people=[person])
    found = of(session, cast)[person.name]
    assert found.left == Share(left, 20)
    assert found.favours_a_side == marked
