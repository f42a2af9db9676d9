"""Tiebreak: preference comparisons, trustworthy rankings and reward-model data from one app."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings

# BLAS threads make the small matrices of a leaderboard slower (measured: 0.4 to 16 ms for a
# covariance of 100 models); the variables are read once, when numpy is first imported.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The web application; imports live here so that ``tiebreak rank`` need not load the web."""
    from app import api, assets, db, error_handlers, health, jobs, language, names, styleguide, web
    from app.accounts import session as accounts_session
    from app.accounts import views as accounts
    from app.annotation import views as annotation
    from app.api import limits
    from app.asking import views as asking
    from app.examples import views as examples
    from app.exports import views as exports
    from app.flags import views as flags
    from app.imports import views as imports
    from app.joblist import views as joblist
    from app.leaderboard import views as leaderboard
    from app.learning import views as learning
    from app.pairing import views as pairing
    from app.projects import views as projects
    from app.quality import views as quality
    from app.review import views as review
    from app.settings import Settings
    from app.snapshots import views as snapshots
    from app.webhooks import views as webhooks

    settings = settings or Settings()
    # Of PostgreSQL's, only an upload, a snapshot or the demo writes there.
    if settings.is_sqlite:
        web.have_folder(settings)
    web.have_key(settings)
    app = web.Synchronous(__name__, root_path=str(web.ROOT), static_folder=None)
    app.config.from_mapping(web.flask_config(settings))

    db.init_app(app, settings)
    web.init_app(app, settings)
    language.init_app(app)
    names.init_app(app)
    assets.init_app(app)
    error_handlers.init_app(app)
    accounts_session.init_app(app)
    jobs.init_app(app, settings)
    limits.init_app(app, settings)

    app.register_blueprint(health.bp)
    app.register_blueprint(accounts.bp)
    app.register_blueprint(projects.bp)
    app.register_blueprint(asking.bp)
    app.register_blueprint(imports.bp)
    app.register_blueprint(joblist.bp)
    app.register_blueprint(pairing.bp)
    app.register_blueprint(annotation.bp)
    app.register_blueprint(flags.bp)
    app.register_blueprint(learning.bp)
    app.register_blueprint(leaderboard.bp)
    app.register_blueprint(quality.bp)
    app.register_blueprint(exports.bp)
    app.register_blueprint(snapshots.bp)
    app.register_blueprint(webhooks.bp)
    app.register_blueprint(review.bp)
    app.register_blueprint(examples.bp)
    app.register_blueprint(api.bp)
    if settings.env == "development":
        app.register_blueprint(styleguide.bp)
    return app
