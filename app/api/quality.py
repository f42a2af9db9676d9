"""How well a project is judged, for its reviewers."""

from app import db
from app.api.auth import enter
from app.api.operations import get
from app.api.reading import asked
from app.api.results import AgreementOut, AnnotatorOut, QualityOut, ReweightedOut, ShareOut
from app.models import Scope
from app.quality import agreement, annotators
from app.quality.annotators import AnnotatorQuality, Share
from app.quality.forms import QualityQuery


@get("/projects/<slug>/quality", scope=Scope.READ, query=QualityQuery, gives=QualityOut)
def quality(slug: str) -> QualityOut:
    """For leads and reviewers: how far annotators agree, with each other and with gold; by name for leads."""
    access, query = enter(slug, "review"), asked(QualityQuery)
    session, project = db.session(), access.project
    report = agreement.of_people(session, project, query.by)
    people = annotators.of(session, project, by_name=access.can("manage"))
    return QualityOut(
        comparisons=report.comparisons,
        verdicts=report.verdicts,
        agreement=[AgreementOut.of(one) for one in report.overall],
        by=query.by,
        slices={one.value: [AgreementOut.of(each) for each in one.coefficients] for one in report.slices},
        annotators=[_annotator(one) for one in people],
        reweighted=[ReweightedOut.model_validate(one) for one in annotators.reweighted(session, project)],
    )


def _annotator(one: AnnotatorQuality) -> AnnotatorOut:
    return AnnotatorOut(
        name=one.name,
        kind=one.kind,
        simulated=one.simulated,
        judgments=one.judgments,
        median_seconds=one.seconds,
        gold=_share(one.gold),
        agreement=_share(one.agreement),
        left=_share(one.left),
        reliability=one.reliability,
    )


def _share(found: Share | None) -> ShareOut | None:
    return None if found is None else ShareOut.model_validate(found)
