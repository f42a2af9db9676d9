"""Whatever a page does, an operation does, or it is said here why none should."""

import re

from flask import Flask

from app.api.operations import OPERATIONS

# The page or form, and the operation (or several) by which a program does the same.
BY_OPERATION = """
projects.index: projects
projects.create: add_project
projects.show: project
projects.settings: project
projects.change_settings: change_project
projects.archive: archive_project
projects.reopen: reopen_project
projects.audit_page: project_audit
projects.people: project_members project_invitations
projects.invite: invite
projects.revoke_invitation: revoke_invitation
projects.set_role: set_role
projects.remove_member: remove_member
projects.group_page: annotator_groups
projects.put_in_group: put_in_group
projects.set_kind: set_kind
asking.guideline: guideline guideline_versions
asking.edit_guideline: guideline
asking.publish_guideline: publish_guideline
asking.rubric: rubric
asking.publish_rubric: publish_rubric
accounts.settings: me
accounts.rename: change_me
accounts.choose_language: change_me
accounts.my_tokens: my_tokens
accounts.create_token: add_token
accounts.revoke_token: revoke_token
annotation.judge: claim
annotation.submit: judge
annotation.skip_pair: skip_assignment
annotation.undo_last: undo_judgment
annotation.past: my_judgments
annotation.reconsider: my_judgment
annotation.revise: judge
annotation.reveal_models: reveal_models
annotation.keep_view: set_reading
annotation.limits: my_declines
annotation.set_limits: set_declines
learning.begin: my_way
learning.acknowledge: read_warning
learning.begin_test: begin_test
learning.practise: next_trial
learning.answer_trial: answer_trial
learning.pass_over: pass_trial
learning.mark_read: read_guideline
learning.overview: learners care_taken
learning.use_gold: use_gold
learning.decide: decide
flags.write: flag_assignment
flags.send: flag_assignment
flags.mine: my_flags
flags.show: flags
flags.settle: settle_flag
imports.upload: import_files
joblist.show: project_jobs
joblist.job: job
joblist.cancel: cancel_job
joblist.repeat: repeat_job
joblist.import_tried: import_files
joblist.refused_rows: refused_rows
pairing.page: queue_pairs
pairing.queue: queue_pairs
leaderboard.show: leaderboard
leaderboard.download: leaderboard
leaderboard.matrix: leaderboard_matrix
leaderboard.download_matrix: leaderboard_matrix
leaderboard.history: leaderboard_over_time
leaderboard.download_history: leaderboard_over_time
leaderboard.biases: leaderboard_bias
leaderboard.download_bias: leaderboard_bias
leaderboard.firmness: leaderboard_robustness
leaderboard.model: leaderboard_model
leaderboard.comparison: export
leaderboard.download_model: leaderboard_model
leaderboard.head_to_head: leaderboard_pair
leaderboard.download_pair: leaderboard_pair
quality.show: quality
quality.download: quality
quality.numbers: my_numbers
review.page: review
review.settle: settle_comparison
review.withdraw: withdraw_verdict
exports.page: export_preview finished_exports export_receipt
exports.download: export
exports.finished: finished_exports
snapshots.show: snapshots
snapshots.make: make_snapshot
snapshots.one: snapshot
snapshots.changes: snapshot_changes
snapshots.withdraw: withdraw_snapshot
snapshots.put_back: put_snapshot_back
snapshots.note: change_snapshot
snapshots.file: snapshot_file
snapshots.whole: whole_snapshot
webhooks.page: webhooks project_alerts
webhooks.add: add_webhook
webhooks.show: webhook_deliveries
webhooks.change: change_webhook
webhooks.disable: disable_webhook
webhooks.enable: enable_webhook
webhooks.remove: remove_webhook
webhooks.test: test_webhook
webhooks.resend: resend_delivery
"""

BY_NONE = {
    "a browser's session; a program has a token": """
        accounts.sign_in accounts.check_sign_in accounts.sign_out accounts.end_sessions""",
    "a stolen token must not be a way to the password, and without a password there is no account": """
        accounts.change_password accounts.choose_password accounts.set_password
        accounts.invitation accounts.accept_invitation accounts.welcome accounts.make_first_admin""",
    "the site's people: no token reaches beyond its owner; `tiebreak user` does": """
        accounts.everybody accounts.site_audit accounts.invite accounts.revoke_invitation accounts.set_role
        accounts.disable accounts.enable accounts.make_password_link""",
    "an empty form, or what one would look like": """
        projects.new imports.page snapshots.new asking.preview_rubric examples.page styleguide.show""",
    "what is typed and not yet said, and pauses at the screen": """
        annotation.save_draft annotation.rest annotation.leave""",
    "an image of a pair in hand, whose address the claim tells": "annotation.image",
    "for machines already": "static health.healthz health.readyz health.metrics",
}


def test_every_page_has_its_operation_or_a_reason_for_none(app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api/")}
    with_one = dict(re.findall(r"^(\S+): (.+)$", BY_OPERATION, re.MULTILINE))
    without = [endpoint for named in BY_NONE.values() for endpoint in named.split()]
    assert sorted([*with_one, *without]) == sorted(pages)
    named = {operation for operations in with_one.values() for operation in operations.split()}
    assert named <= set(OPERATIONS)
