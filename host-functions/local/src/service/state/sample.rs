//! A service for tests.

use ansai_core::{Millis, Timestamp};

use super::Unit;
use crate::service::name::subject;
use crate::service::wire::{ActiveState, Ended, LoadState, ServiceUnit};

/// A service that failed once, without a start limit.
pub(in crate::service) fn failed() -> Unit {
    let shown = ServiceUnit {
        about: subject("web.service"),
        id: "web.service".into(),
        invocation: "0123456789abcdef0123456789abcdef".into(),
        last_job: Some("done".into()),
        load: LoadState::Loaded,
        active: ActiveState::Failed,
        sub_state: "failed".into(),
        ended: Ended::ExitCode,
        exit_code: Some(1),
        exit_signal: None,
        enabled: true,
        one_shot: false,
        restarts_itself: false,
        never_touch: false,
        can_reload: false,
        since: Some(Timestamp::from_millis(1_000)),
        restarts: 0,
        start_burst: 0,
        start_interval: Millis::ZERO,
        restart_delay: Millis::new(100),
        main_pid: None,
    };
    Unit {
        shown,
        has_run: true,
        is_named: false,
        refuses_start: false,
        is_transient: false,
        conflicts: Vec::new(),
        pending_job: false,
        takes: None,
    }
}
