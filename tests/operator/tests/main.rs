//! The operator on a real API server, with real processes of the engine as pods.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]

mod deletion;
mod going_back;
mod job;
mod leadership;
mod lifecycle;
mod scaling;
mod security;
mod snapshots;
mod sql_maps;
mod upgrades;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Tests at a time: each waits for others most of the time, so there may be more of them than processors.
const AT_ONCE: usize = 6;

macro_rules! trials {
    ($($module:ident::$test:ident,)*) => {
        vec![$(Trial::test(concat!(stringify!($module), "::", stringify!($test)), || {
            $module::$test();
            Ok(())
        })),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let trials = trials![
        deletion::a_deleted_job_leaves_a_savepoint_if_its_policy_says_so,
        deletion::a_deleted_job_reads_no_more_and_finishes_if_its_policy_says_so,
        deletion::a_deletion_ends_although_nothing_answers,
        deletion::a_job_of_the_same_name_waits_until_the_pods_of_its_predecessor_are_gone,
        going_back::a_revision_that_fails_at_once_gives_way_to_the_one_before,
        going_back::a_revision_that_fails_after_it_has_published_is_followed_from_its_newest_state,
        going_back::a_job_that_always_fails_is_stalled_when_its_restarts_are_spent,
        going_back::pods_for_which_there_is_no_node_give_way_to_what_ran,
        going_back::a_quota_that_has_no_room_for_both_is_said_and_makes_the_old_pods_go_first,
        going_back::what_belongs_to_somebody_else_is_left_alone_and_said,
        leadership::of_two_operators_one_acts_and_the_other_follows_it,
        lifecycle::a_job_is_created_upgraded_suspended_resumed_and_deleted,
        lifecycle::a_job_is_rescaled_by_its_spec_and_by_kubectl_scale_and_ends,
        lifecycle::a_bad_spec_never_stops_the_job_that_runs,
        lifecycle::an_image_that_cannot_be_pulled_is_said_and_a_created_suspended_job_waits,
        lifecycle::an_operator_that_is_killed_at_any_time_is_followed_by_one_that_goes_on,
        scaling::git_and_an_autoscaler_that_do_not_agree_lose_no_row,
        scaling::an_operator_that_is_killed_while_a_job_is_rescaled_suspended_or_resumed_is_followed_by_one_that_goes_on,
        security::a_coordinator_lets_in_its_own_workers_and_the_operator_and_nobody_else,
        security::certificates_are_renewed_under_a_job_that_runs,
        security::what_has_the_names_of_certificates_already_is_not_believed,
        security::a_deployment_in_the_clear_is_kept_until_the_next_one_has_certificates,
        security::an_operator_with_another_certificate_gets_control_of_the_jobs_that_run,
        snapshots::a_snapshot_is_taken_and_another_job_goes_on_from_it,
        snapshots::a_suspended_job_is_waited_for_and_an_operator_that_is_killed_takes_it_once,
        snapshots::files_go_with_their_snapshot_when_that_was_asked_for_though_the_job_is_gone,
        snapshots::a_schedule_takes_snapshots_and_keeps_so_many,
        sql_maps::a_config_map_that_is_edited_upgrades_its_job_at_once,
        upgrades::the_newest_checkpoint_is_enough_for_an_upgrade_with_last_state,
        upgrades::a_coordinator_that_does_not_answer_is_followed_by_one_from_the_newest_checkpoint,
        upgrades::a_plan_waits_until_it_is_approved,
        upgrades::state_is_lost_only_by_those_who_say_so,
        upgrades::a_new_nonce_restarts_a_job_once,
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
