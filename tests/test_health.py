from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlmodel import Session

from app.models import Annotator, Job, JobState, now, row_id
from tests.conftest import Cast


def test_alive_and_ready(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}


def metrics(app: Flask) -> dict[str, float]:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return {
        sample.name + "".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_are_for_whoever_has_their_token(app: Flask) -> None:
    def ask(token: str = "", **said: object) -> int:
        app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update=said)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return app.test_client().get("/metrics", headers=headers).status_code

    assert ask(env="production") == 404
    assert ask(metrics_token=SecretStr("scrape")) == 401
    assert ask("guess") == 401
    assert ask("scrape") == 200


def test_metrics_of_an_empty_site(app: Flask) -> None:
    assert set(metrics(app).values()) == {0}


def test_metrics_say_what_the_database_holds(app: Flask, session: Session, cast: Cast) -> None:
    cast.otto.disabled_at = now()
    session.add_all(
        [
            cast.otto,
            Annotator(project_id=row_id(cast.project), account_id=cast.ann.id, judged=3),
            Annotator(project_id=row_id(cast.project), name="imported", judged=4),
            Job(kind="import", state=JobState.FAILED, finished_at=now()),
        ]
    )
    session.commit()
    found = metrics(app)
    assert found["tiebreak_accounts"] == 7
    assert found["tiebreak_projects"] == 1
    assert found["tiebreak_judgments"] == 7
    assert found["tiebreak_queue_judgments"] == 0
    assert found["tiebreak_assignments_open"] == 0
    assert (found["tiebreak_jobsfailed"], found["tiebreak_jobsqueued"]) == (1, 0)
