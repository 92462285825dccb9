//! `ansai:hook/hook-actions`.

mod check;
mod run;

pub(super) use self::check::Check;
pub(super) use self::run::Run;
