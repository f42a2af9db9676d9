"""Learning and care over the API: the same rules, and the same blindness, as on the pages."""

from collections.abc import Callable

from sqlmodel import Session

from app.models import Comparison, GoldUse
from tests.annotation.arrange import MARKERS, annotator_of, queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.learning.arrange import REASON, lessons, school

Make = Callable[..., Program]
BIRDS = "/projects/birds"


def test_the_whole_way(session: Session, cast: Cast, program: Make) -> None:
    school(session, cast.project, training=True, test_size=1, warning="Grim.")
    lessons(session, cast.project, GoldUse.TRAINING, 1)
    lessons(session, cast.project, GoldUse.TEST, 1)
    queue(session, cast.project, 1)
    ann = program(cast.ann)
    assert ann.post(f"{BIRDS}/assignments").status_code == 409
    assert ann.get(f"{BIRDS}/way").json["warning"] == "Grim."
    assert ann.post(f"{BIRDS}/trials").status_code == 204, "the warning comes first"
    assert ann.post(f"{BIRDS}/warning/read").status_code == 204
    trial = ann.post(f"{BIRDS}/trials")
    assert not [word for word in MARKERS if word in trial.text]
    answer = {"trial_id": trial.json["trial_id"], "outcome": "b"}
    told = ann.post(f"{BIRDS}/trials/answers", answer).json
    assert (told["correct"], told["gold"], told["reason"]) == (False, "a", REASON)
    assert ann.post(f"{BIRDS}/trials").status_code == 204, "a test is begun by whoever takes it"
    assert ann.post(f"{BIRDS}/test").status_code == 204
    trial = ann.post(f"{BIRDS}/trials").json
    told = ann.post(f"{BIRDS}/trials/answers", {"trial_id": trial["trial_id"], "outcome": "a"}).json
    assert (told["correct"], told["gold"], told["reason"]) == (None, None, None)
    assert ann.get(f"{BIRDS}/way").json["results"] == [{"right": 1, "of": 1, "needed": 1, "passed": True}]
    assert ann.post(f"{BIRDS}/assignments").status_code == 201


def test_what_a_lead_does(session: Session, cast: Cast, program: Make) -> None:
    school(session, cast.project, test_size=1)
    [row] = lessons(session, cast.project, GoldUse.TRAINING, 1)
    ann, lena = program(cast.ann), program(cast.lena)
    assert ann.get(f"{BIRDS}/way").json["stage"] == "test"
    body = {"use": "test", "reason": "It wades."}
    assert lena("PUT", f"{BIRDS}/gold/{row.pair_id}", json=body).status_code == 204
    session.expire_all()
    kept = session.get_one(Comparison, row.id)
    assert (kept.gold_use, kept.gold_reason) == (GoldUse.TEST, "It wades.")
    [one] = lena.get(f"{BIRDS}/learners").json["items"]
    assert (one["name"], one["stage"], one["results"]) == (cast.ann.name, "test", [])
    assert lena.post(f"{BIRDS}/learners/{one['uid']}", {"decision": "let_in"}).status_code == 204
    assert ann.get(f"{BIRDS}/way").json["stage"] == "live"
    assert ann("PUT", f"{BIRDS}/gold/{row.pair_id}", json=body).status_code == 403


def test_care_and_own_numbers(session: Session, cast: Cast, program: Make) -> None:
    queue(session, cast.project, 1, category="war")
    school(session, cast.project, may_decline=True)
    annotator_of(session, cast.project, cast.ann)
    ann, lena = program(cast.ann), program(cast.lena)
    declined = ann("PUT", f"{BIRDS}/declines", json={"categories": ["war", "love"]}).json
    assert declined == {"declined": ["war"], "categories": ["war"]} == ann.get(f"{BIRDS}/declines").json
    assert ann.post(f"{BIRDS}/assignments").status_code == 204
    counted = lena.get(f"{BIRDS}/care").json
    assert counted["declines"] == {}, "one who declines would be known"
    assert counted["counts"]["break_taken"] is None
    numbers = ann.get(f"{BIRDS}/numbers").json
    assert (numbers["judged"], numbers["agreement"], len(numbers["days"])) == (0, None, 14)
