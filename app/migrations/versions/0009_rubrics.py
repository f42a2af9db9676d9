"""Rubrics, in place of criteria and switches of the project"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True)
TIME = sa.DateTime(timezone=True)

rubrics = sa.table(
    "rubrics",
    sa.column("id", sa.Integer),
    sa.column("project_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("content", JSON),
    sa.column("created_at", TIME),
    sa.column("retired_at", TIME),
)
criteria = sa.table(
    "criteria",
    *(sa.column(name) for name in ("id", "project_id", "key", "name", "description", "position")),
    sa.column("retired_at", TIME),
)
projects = sa.table("projects", *(sa.column(name) for name in ("id", "asks_strength", "asks_rationale")))
judgments = sa.table(
    "judgments",
    *(sa.column(name) for name in ("id", "project_id", "criteria", "rubric_id")),
    sa.column("tags", JSON),
    sa.column("answers", JSON),
)


def upgrade() -> None:
    op.create_table(
        "rubrics",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_rubrics_version_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name=op.f("fk_rubrics_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_rubrics_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubrics")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_rubrics_project_id_id")),
        sa.UniqueConstraint("project_id", "version", name=op.f("uq_rubrics_project_id_version")),
    )
    live = sa.text("retired_at IS NULL")
    op.create_index(
        "uq_rubrics_live", "rubrics", ["project_id"], unique=True, sqlite_where=live, postgresql_where=live
    )
    with op.batch_alter_table("judgments") as batch:
        for name in ("ratings", "spans", "answers"):
            batch.add_column(sa.Column(name, JSON, nullable=True))
        batch.add_column(sa.Column("better_answer", sa.String(), nullable=True))
        batch.add_column(sa.Column("confidence", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("rubric_id", sa.Integer(), nullable=True))
        batch.create_check_constraint(
            op.f("ck_judgments_confidence_range"), sa.text("confidence IS NULL OR confidence BETWEEN 1 AND 3")
        )
        batch.create_check_constraint(
            op.f("ck_judgments_better_answer_not_empty"),
            sa.text("better_answer IS NULL OR better_answer <> ''"),
        )
        batch.create_foreign_key(
            op.f("fk_judgments_project_id_rubric_id"),
            "rubrics",
            ["project_id", "rubric_id"],
            ["project_id", "id"],
        )
    connection = op.get_bind()
    for project in connection.execute(sa.select(projects)).all():
        _write_rubric(connection, project)
    _tags_as_answers(connection)
    op.drop_table("criteria")
    with op.batch_alter_table("projects") as batch:
        batch.drop_column("asks_strength")
        batch.drop_column("asks_rationale")


def _write_rubric(connection: sa.Connection, project: Any) -> None:
    """What the project asks; where criteria were retired, after a version that has them all."""
    found = sa.select(criteria).where(criteria.c.project_id == project.id)
    asked = connection.execute(found.order_by(criteria.c.position, criteria.c.id)).all()
    in_use = [row for row in asked if row.retired_at is None]
    switches: dict[str, Any] = {}
    if project.asks_strength:
        switches["points"] = 7
    if project.asks_rationale:
        switches["rationale"] = "optional"
    versions = [asked, in_use] if len(in_use) < len(asked) else [in_use]
    if not asked and not switches:
        return
    moment = datetime.now(UTC)
    for number, rows in enumerate(versions, 1):
        parts = [{"key": row.key, "name": row.name, "description": row.description} for row in rows]
        connection.execute(
            sa.insert(rubrics).values(
                project_id=project.id,
                version=number,
                content=switches | ({"criteria": parts} if parts else {}),
                created_at=moment,
                retired_at=None if number == len(versions) else moment,
            )
        )
    first = sa.select(rubrics.c.id).where(rubrics.c.project_id == project.id, rubrics.c.version == 1)
    judged_by_them = sa.and_(judgments.c.project_id == project.id, judgments.c.criteria.is_not(None))
    connection.execute(sa.update(judgments).where(judged_by_them).values(rubric_id=first.scalar_subquery()))


def _tags_as_answers(connection: sa.Connection) -> None:
    """Tags were any words about the pair; from now on they are of a taxonomy and name a response."""
    tagged = connection.execute(
        sa.select(judgments.c.id, judgments.c.tags).where(judgments.c.tags.is_not(None))
    )
    for row in tagged.all():
        this = judgments.c.id == row.id
        connection.execute(sa.update(judgments).where(this).values(tags=None, answers={"tags": row.tags}))


def downgrade() -> None:
    with op.batch_alter_table("projects") as batch:
        for name in ("asks_strength", "asks_rationale"):
            batch.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "criteria",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_criteria_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criteria")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_criteria_project_id_key")),
    )
    connection = op.get_bind()
    for rubric in connection.execute(sa.select(rubrics).order_by(rubrics.c.version.desc())).all():
        _write_criteria(connection, rubric)
    with op.batch_alter_table("projects") as batch:
        for name in ("asks_strength", "asks_rationale"):
            batch.alter_column(name, server_default=None)
    _answers_as_tags(connection)
    with op.batch_alter_table("judgments") as batch:
        batch.drop_constraint(op.f("fk_judgments_project_id_rubric_id"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_judgments_confidence_range"), type_="check")
        batch.drop_constraint(op.f("ck_judgments_better_answer_not_empty"), type_="check")
        for name in ("ratings", "spans", "answers", "better_answer", "confidence", "rubric_id"):
            batch.drop_column(name)
    op.drop_table("rubrics")


def _write_criteria(connection: sa.Connection, rubric: Any) -> None:
    """A version's criteria and switches, unless a later one had them."""
    content = rubric.content
    known = sa.select(criteria.c.key).where(criteria.c.project_id == rubric.project_id)
    there = set(connection.execute(known).scalars())
    for position, part in enumerate(content.get("criteria", [])):
        if part["key"] not in there:
            row = {name: part.get(name, "") for name in ("key", "name", "description")}
            row |= {"project_id": rubric.project_id, "position": position, "retired_at": rubric.retired_at}
            connection.execute(sa.insert(criteria).values(**row))
    if rubric.retired_at is None:
        asks = {
            "asks_strength": content.get("points", 3) > 3,
            "asks_rationale": content.get("rationale", "off") != "off",
        }
        connection.execute(sa.update(projects).where(projects.c.id == rubric.project_id).values(**asks))


def _answers_as_tags(connection: sa.Connection) -> None:
    columns = sa.select(judgments.c.id, judgments.c.answers, judgments.c.tags)
    said = connection.execute(columns.where(judgments.c.answers.is_not(None) | judgments.c.tags.is_not(None)))
    for row in said.all():
        tags = (row.answers or {}).get("tags") or sorted(
            {key for keys in (row.tags or {}).values() for key in keys}
        )
        connection.execute(sa.update(judgments).where(judgments.c.id == row.id).values(tags=tags or None))
