"""School-based research: schools in a programme, groups, topics, activities, what is handed in and reviewed (models/research.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1120"
down_revision = "2026_11_23_1110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ability_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", bytewise(40), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ability_point")),
        sa.UniqueConstraint("code", name=op.f("uq_ability_point_code")),
        sa.UniqueConstraint("name", name=op.f("uq_ability_point_name")),
    )

    op.create_table(
        "scale_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("most > 0", name=op.f("ck_scale_item_most")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_scale_item_programme_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale_item")),
        sa.UniqueConstraint("programme_id", "name", name=op.f("uq_scale_item_programme_id_name")),
    )
    with op.batch_alter_table("scale_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scale_item_name"), ["name"], unique=False)
        batch_op.create_index("ix_scale_item_scope_path", ["scope_path", "id"], unique=False)

    op.create_table(
        "school_programme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("theme", bytewise(100), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("applied_at", sa.DateTime(), nullable=True),
        sa.Column("applied_by_id", sa.Integer(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["applied_by_id"], ["ab_user.id"], name=op.f("fk_school_programme_applied_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_school_programme_programme_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_school_programme_school_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_programme")),
        sa.UniqueConstraint("school_id", "programme_id", name=op.f("uq_school_programme_school_id_programme_id")),
    )
    with op.batch_alter_table("school_programme", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_school_programme_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index("ix_school_programme_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_school_programme_state_scope", ["state", "scope_path"], unique=False)

    op.create_table(
        "ability_summary",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("ability_point_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(
            ["ability_point_id"], ["ability_point.id"], name=op.f("fk_ability_summary_ability_point_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["teacher.id"], name=op.f("fk_ability_summary_reviewer_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_ability_summary_school_programme_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_ability_summary_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ability_summary")),
        sa.UniqueConstraint("school_programme_id", "teacher_id", "ability_point_id", name="uq_ability_summary_teacher_point"),
    )
    with op.batch_alter_table("ability_summary", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ability_summary_reviewer_id"), ["reviewer_id"], unique=False)
        batch_op.create_index("ix_ability_summary_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_ability_summary_state_scope", ["state", "scope_path"], unique=False)
        batch_op.create_index(batch_op.f("ix_ability_summary_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "improvement_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(), nullable=False),
        sa.Column("locked_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_improvement_plan_school_programme_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_improvement_plan_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_improvement_plan")),
        sa.UniqueConstraint("school_programme_id", "teacher_id", name=op.f("uq_improvement_plan_school_programme_id_teacher_id")),
    )
    with op.batch_alter_table("improvement_plan", schema=None) as batch_op:
        batch_op.create_index("ix_improvement_plan_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_improvement_plan_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "removal_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("lost_hours", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["asked_by_id"], ["ab_user.id"], name=op.f("fk_removal_request_asked_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_removal_request_school_programme_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_removal_request_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal_request")),
    )
    with op.batch_alter_table("removal_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_removal_request_school_programme_id"), ["school_programme_id"], unique=False)
        batch_op.create_index("ix_removal_request_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_removal_request_state_scope", ["state", "scope_path"], unique=False)
        batch_op.create_index(batch_op.f("ix_removal_request_teacher_id"), ["teacher_id"], unique=False)
        batch_op.create_index(
            "uq_removal_request_one_pending",
            ["school_programme_id", "teacher_id"],
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "research_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("leader_id", sa.Integer(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["leader_id"], ["teacher.id"], name=op.f("fk_research_group_leader_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_research_group_school_programme_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_research_group_stage_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name=op.f("fk_research_group_subject_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_group")),
        sa.UniqueConstraint("school_programme_id", "name", name=op.f("uq_research_group_school_programme_id_name")),
    )
    with op.batch_alter_table("research_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_research_group_leader_id"), ["leader_id"], unique=False)
        batch_op.create_index("ix_research_group_name_scope", ["name", "scope_path", "id"], unique=False)
        batch_op.create_index("ix_research_group_scope_path", ["scope_path", "id"], unique=False)

    op.create_table(
        "scale_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("scale_item_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_scale_score_points")),
        sa.ForeignKeyConstraint(["scale_item_id"], ["scale_item.id"], name=op.f("fk_scale_score_scale_item_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_scale_score_school_programme_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale_score")),
        sa.UniqueConstraint("school_programme_id", "scale_item_id", name=op.f("uq_scale_score_school_programme_id_scale_item_id")),
    )
    with op.batch_alter_table("scale_score", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scale_score_scale_item_id"), ["scale_item_id"], unique=False)
        batch_op.create_index("ix_scale_score_scope_path", ["scope_path", "id"], unique=False)

    op.create_table(
        "group_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["research_group.id"], name=op.f("fk_group_plan_group_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_plan")),
    )
    with op.batch_alter_table("group_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_plan_group_id"), ["group_id"], unique=True)
        batch_op.create_index("ix_group_plan_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_group_plan_title"), ["title"], unique=False)

    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("submitted_at", sa.DateTime(), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("submitted_by_teacher_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(), nullable=True),
        sa.Column("opinion", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["research_group.id"], name=op.f("fk_outcome_group_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["ab_user.id"], name=op.f("fk_outcome_submitted_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["submitted_by_teacher_id"], ["teacher.id"], name=op.f("fk_outcome_submitted_by_teacher_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
    )
    with op.batch_alter_table("outcome", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outcome_group_id"), ["group_id"], unique=False)
        batch_op.create_index("ix_outcome_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_outcome_state_scope", ["state", "scope_path"], unique=False)
        batch_op.create_index("ix_outcome_title_scope", ["title", "scope_path", "id"], unique=False)
        batch_op.create_index(
            "uq_outcome_one_case",
            ["group_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'teaching_case'"),
            postgresql_where=sa.text("kind = 'teaching_case'"),
        )

    op.create_table(
        "rubric",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["research_group.id"], name=op.f("fk_rubric_group_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubric")),
    )
    with op.batch_alter_table("rubric", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rubric_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rubric_name"), ["name"], unique=False)
        batch_op.create_index("ix_rubric_scope_path", ["scope_path", "id"], unique=False)

    op.create_table(
        "topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_topic_dates")),
        sa.ForeignKeyConstraint(["group_id"], ["research_group.id"], name=op.f("fk_topic_group_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    with op.batch_alter_table("topic", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_topic_group_id"), ["group_id"], unique=False)
        batch_op.create_index("ix_topic_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_topic_title_scope", ["title", "scope_path", "id"], unique=False)

    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("hours", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=True),
        sa.Column("homework_kind", sa.String(length=20), nullable=True),
        sa.Column("teaching_teacher", bytewise(100), nullable=True),
        sa.Column("rubric_id", sa.Integer(), nullable=True),
        sa.Column("offline_form", sa.String(length=20), nullable=True),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("completed_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_activity_dates")),
        sa.CheckConstraint("hours > 0", name=op.f("ck_activity_hours")),
        sa.ForeignKeyConstraint(["group_id"], ["research_group.id"], name=op.f("fk_activity_group_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["policy_id"], ["hour_policy.id"], name=op.f("fk_activity_policy_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["rubric_id"], ["rubric.id"], name=op.f("fk_activity_rubric_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_activity_topic_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_activity_group_id"), ["group_id"], unique=False)
        batch_op.create_index("ix_activity_scope_facets", ["scope_path", "kind", "state"], unique=False)
        batch_op.create_index("ix_activity_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_activity_starts_scope", ["starts_at", "scope_path", "id"], unique=False)
        batch_op.create_index("ix_activity_title_scope", ["title", "scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_activity_topic_id"), ["topic_id"], unique=False)

    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(length=2000), nullable=False),
        sa.Column("edited_at", sa.DateTime(), nullable=True),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.Column("hidden_reason", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_comment_activity_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["comment.id"], name=op.f("fk_comment_parent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_comment_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index("ix_comment_activity_created", ["activity_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index("ix_comment_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("stars", sa.JSON(), nullable=False),
        sa.Column("average", sa.Numeric(precision=3, scale=2), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_evaluation_activity_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_evaluation_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("activity_id", "teacher_id", name=op.f("uq_evaluation_activity_id_teacher_id")),
    )
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.create_index("ix_evaluation_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "participation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(), nullable=False),
        sa.Column("completed_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_participation_activity_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_participation_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participation")),
        sa.UniqueConstraint("activity_id", "teacher_id", name=op.f("uq_participation_activity_id_teacher_id")),
    )
    with op.batch_alter_table("participation", schema=None) as batch_op:
        batch_op.create_index("ix_participation_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_participation_teacher_state", ["teacher_id", "state"], unique=False)

    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.create_index(
            "uq_post_held_once",
            ["scope_path", "role", "account_id"],
            unique=True,
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )
        batch_op.create_index(
            "uq_post_one_group_leader",
            ["scope_path"],
            unique=True,
            sqlite_where=sa.text("role = 'group_leader' AND until IS NULL"),
            postgresql_where=sa.text("role = 'group_leader' AND until IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_post_one_group_leader",
            sqlite_where=sa.text("role = 'group_leader' AND until IS NULL"),
            postgresql_where=sa.text("role = 'group_leader' AND until IS NULL"),
        )
        batch_op.drop_index("uq_post_held_once", sqlite_where=sa.text("until IS NULL"), postgresql_where=sa.text("until IS NULL"))

    with op.batch_alter_table("participation", schema=None) as batch_op:
        batch_op.drop_index("ix_participation_teacher_state")
        batch_op.drop_index("ix_participation_scope_path")

    op.drop_table("participation")
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_teacher_id"))
        batch_op.drop_index("ix_evaluation_scope_path")

    op.drop_table("evaluation")
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_comment_teacher_id"))
        batch_op.drop_index("ix_comment_scope_path")
        batch_op.drop_index(batch_op.f("ix_comment_parent_id"))
        batch_op.drop_index("ix_comment_activity_created")

    op.drop_table("comment")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_topic_id"))
        batch_op.drop_index("ix_activity_title_scope")
        batch_op.drop_index("ix_activity_starts_scope")
        batch_op.drop_index("ix_activity_scope_path")
        batch_op.drop_index("ix_activity_scope_facets")
        batch_op.drop_index(batch_op.f("ix_activity_group_id"))

    op.drop_table("activity")
    with op.batch_alter_table("topic", schema=None) as batch_op:
        batch_op.drop_index("ix_topic_title_scope")
        batch_op.drop_index("ix_topic_scope_path")
        batch_op.drop_index(batch_op.f("ix_topic_group_id"))

    op.drop_table("topic")
    with op.batch_alter_table("rubric", schema=None) as batch_op:
        batch_op.drop_index("ix_rubric_scope_path")
        batch_op.drop_index(batch_op.f("ix_rubric_name"))
        batch_op.drop_index(batch_op.f("ix_rubric_group_id"))

    op.drop_table("rubric")
    with op.batch_alter_table("outcome", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_outcome_one_case", sqlite_where=sa.text("kind = 'teaching_case'"), postgresql_where=sa.text("kind = 'teaching_case'")
        )
        batch_op.drop_index("ix_outcome_title_scope")
        batch_op.drop_index("ix_outcome_state_scope")
        batch_op.drop_index("ix_outcome_scope_path")
        batch_op.drop_index(batch_op.f("ix_outcome_group_id"))

    op.drop_table("outcome")
    with op.batch_alter_table("group_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_plan_title"))
        batch_op.drop_index("ix_group_plan_scope_path")
        batch_op.drop_index(batch_op.f("ix_group_plan_group_id"))

    op.drop_table("group_plan")
    with op.batch_alter_table("scale_score", schema=None) as batch_op:
        batch_op.drop_index("ix_scale_score_scope_path")
        batch_op.drop_index(batch_op.f("ix_scale_score_scale_item_id"))

    op.drop_table("scale_score")
    with op.batch_alter_table("research_group", schema=None) as batch_op:
        batch_op.drop_index("ix_research_group_scope_path")
        batch_op.drop_index("ix_research_group_name_scope")
        batch_op.drop_index(batch_op.f("ix_research_group_leader_id"))

    op.drop_table("research_group")
    with op.batch_alter_table("removal_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_removal_request_one_pending", sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'")
        )
        batch_op.drop_index(batch_op.f("ix_removal_request_teacher_id"))
        batch_op.drop_index("ix_removal_request_state_scope")
        batch_op.drop_index("ix_removal_request_scope_path")
        batch_op.drop_index(batch_op.f("ix_removal_request_school_programme_id"))

    op.drop_table("removal_request")
    with op.batch_alter_table("improvement_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_improvement_plan_teacher_id"))
        batch_op.drop_index("ix_improvement_plan_scope_path")

    op.drop_table("improvement_plan")
    with op.batch_alter_table("ability_summary", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ability_summary_teacher_id"))
        batch_op.drop_index("ix_ability_summary_state_scope")
        batch_op.drop_index("ix_ability_summary_scope_path")
        batch_op.drop_index(batch_op.f("ix_ability_summary_reviewer_id"))

    op.drop_table("ability_summary")
    with op.batch_alter_table("school_programme", schema=None) as batch_op:
        batch_op.drop_index("ix_school_programme_state_scope")
        batch_op.drop_index("ix_school_programme_scope_path")
        batch_op.drop_index(batch_op.f("ix_school_programme_programme_id"))

    op.drop_table("school_programme")

    with op.batch_alter_table("scale_item", schema=None) as batch_op:
        batch_op.drop_index("ix_scale_item_scope_path")
        batch_op.drop_index(batch_op.f("ix_scale_item_name"))

    op.drop_table("scale_item")

    op.drop_table("ability_point")
