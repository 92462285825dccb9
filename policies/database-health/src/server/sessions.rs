//! Sessions that hold up others, are idle in a transaction, or take long. Each is one finding for its transaction, with the
//! worst of these.

use ansai_sdk::{Decision, Failure, GrantTable, Ladder, Measure, Observation, Severity, Span, Status, text};

use super::View;
use super::locks::{PREPARED, Root, roots};
use crate::calls::{self, SESSION_ACTIONS, TEXTS};
use crate::imports::ansai::database::database_probe::{Session, Work};
use crate::plan::{self, Situation};
use crate::report::{Report, is_late};
use crate::settings::Settings;

/// What a grant has if it names no `min_minutes`.
const MIN_MINUTES: u64 = 5;
const MINUTE: u64 = 60_000;

/// What is wrong with a session.
struct Fault<'v> {
    session: &'v Session,
    severity: Severity,
    /// After its name: `blocks 3 sessions for 2 min`.
    words: String,
    /// Sessions that wait for it.
    victims: u64,
    /// How long this lasts, in milliseconds.
    lasts: u64,
    /// Whether ending it would help: not if it only takes long.
    is_in_the_way: bool,
}

/// Says whether it found something. `others` is why other sessions were not read.
pub(super) fn observe(view: &View<'_>, others: Option<String>, settings: &Settings, report: &mut Report<'_>) -> bool {
    let target = view.target;
    let roots = roots(view);
    report.looked("prepared", target, others);
    if let Some(one) = prepared(view, settings, &roots) {
        report.add(one);
    }
    let all: Vec<Fault<'_>> = view.sessions.iter().filter_map(|one| fault(view, settings, one, &roots)).collect();
    let (key, bad) = (|one: &Fault<'_>| key(view, one.session), |one: &Fault<'_>| Some((one.severity, one.lasts)));
    let worst = report.worst("session", target, &view.server.about, all, key, bad);
    for one in &worst {
        let mut seen = one.observe(view);
        seen.evidence.extend(statement(view.target, one.session, report));
        report.add(seen);
    }
    !worst.is_empty()
}

/// What a session runs, or ran last, if this instance may see it.
fn statement(target: &str, session: &Session, report: &mut Report<'_>) -> Option<Measure> {
    if !report.host().grants().has(TEXTS) || is_late(report) {
        return None;
    }
    let shown = calls::look_at_session(report.host(), target, &session.identity);
    shown.inspect_err(|refusal| report.count(refusal)).ok().map(|shown| Measure::text("statement", shown.text))
}

fn key(view: &View<'_>, session: &Session) -> String {
    format!("session:{}/{}", view.target, session.identity)
}

/// The worst fault of a session, if it has one.
fn fault<'v>(view: &View<'_>, settings: &Settings, session: &'v Session, roots: &[Root<'_>]) -> Option<Fault<'v>> {
    let is_of_a_client = matches!(session.work, Work::Client | Work::Other);
    let lasts = view.since(session.since);
    let blocks = roots.iter().find(|root| root.identity == session.identity).and_then(|root| {
        let severity = settings.blocked.severity(root.waited as f64, None)?;
        let words = format!("blocks {} for {}", text::count(root.victims, "session"), Span(root.waited));
        let victims = root.victims;
        Some(Fault { session, severity, words, victims, lasts: root.waited, is_in_the_way: true })
    });
    // One whose transaction failed holds nothing any more.
    let is_idle = is_of_a_client && session.state == "idle in transaction";
    let idle = settings.idle.severity(lasts as f64, None).filter(|_| is_idle).map(|severity| Fault {
        session,
        severity,
        words: format!("is idle in a transaction for {}", Span(lasts)),
        victims: 0,
        lasts,
        is_in_the_way: true,
    });
    // One that waits for a lock is held up by another one.
    let is_free = session.work == Work::Client && session.blocked_by.is_empty();
    let runs = if session.state == "active" { lasts } else { 0 };
    let open = runs.max(view.since(session.in_transaction_since));
    let long = (is_free && open >= settings.long_transaction.0).then(|| Fault {
        session,
        severity: Severity::Notice,
        words: match runs >= settings.long_transaction.0 {
            true => format!("runs one statement for {}", Span(runs)),
            false => format!("has its transaction open for {}", Span(open)),
        },
        victims: 0,
        lasts: open,
        is_in_the_way: false,
    });
    // Of equal ones, the last is taken: what blocks others.
    [long, idle, blocks].into_iter().flatten().max_by_key(|fault| fault.severity)
}

impl Fault<'_> {
    fn observe(&self, view: &View<'_>) -> Observation {
        let session = self.session;
        let words = format!("session {} {}", who(session), self.words);
        let seen = Observation::new(key(view, session), session.about.clone(), Status::Unhealthy(self.severity), words)
            .with(Measure::milliseconds("lasts", self.lasts))
            .with(Measure::count("waiting-sessions", self.victims))
            .with(Measure::text("user", &*session.user))
            .with(Measure::text("application", &*session.application))
            .with(Measure::text("client", &*session.client))
            .with(Measure::text("database", &*session.database))
            .with(Measure::text("state", &*session.state));
        seen.part_of(view.server.about.clone()).at_distance(self.lasts as f64)
    }
}

/// `main-db/4711 of app (billing)`.
fn who(session: &Session) -> String {
    let of = if session.user.is_empty() { "the server" } else { &*session.user };
    let application = if session.application.is_empty() { "no application name" } else { &*session.application };
    format!("{} of {of} ({application})", session.about.name)
}

/// A prepared transaction has no session that could be ended.
fn prepared(view: &View<'_>, settings: &Settings, roots: &[Root<'_>]) -> Option<Observation> {
    let root = roots.iter().find(|root| root.identity == PREPARED)?;
    let severity = settings.blocked.severity(root.waited as f64, None)?;
    let waiting = text::count(root.victims, "session");
    let words = format!("a prepared transaction of {} blocks {waiting} for {}", view.target, Span(root.waited));
    let about = view.server.about.clone();
    let seen = Observation::new(format!("prepared:{}", view.target), about, Status::Unhealthy(severity), words);
    Some(seen.with(Measure::milliseconds("lasts", root.waited)).with(Measure::count("waiting-sessions", root.victims)))
}

pub(super) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let view = View::again(situation)?;
    let identity = situation.finding.key.strip_prefix(&format!("session:{}/", situation.target)).unwrap_or_default();
    let roots = roots(&view);
    let session = view.sessions.iter().find(|one| one.identity == identity);
    let Some(fault) = session.and_then(|one| fault(&view, situation.settings, one, &roots)) else {
        return Ok(Decision::Wait(format!("{} ended, or is no longer in this state", situation.finding.about.name)));
    };
    Ok(fault.decide(situation, &view))
}

impl Fault<'_> {
    fn decide(&self, situation: &Situation<'_>, view: &View<'_>) -> Decision {
        let (session, host, target) = (self.session, situation.host, situation.target);
        let why = format!("it {}", self.words);
        let spared = match session.work {
            Work::Client if situation.settings.spares(&session.user) => "`spare_users` names its role",
            Work::Client => "",
            Work::Replica => "it sends changes to a replica",
            Work::Maintenance => "it works for the server, and ends by itself",
            Work::Dump => "it copies data out, and would have to begin again",
            Work::Other => "ansai cannot see for whom it works",
        };
        if !spared.is_empty() {
            let why = format!("{why}; {spared}, so ansai does not end it");
            return situation.next.advise("decide whether to wait for it or to end it", why);
        }
        if !self.is_in_the_way {
            return situation.next.advise("check whether it should take so long", format!("{why}, and blocks nobody"));
        }
        if let Some(rest) = too_young(situation, view, session) {
            return situation
                .next
                .wait_for(rest, format!("{why}; its transaction is old enough to be ended in {rest}"));
        }
        let is_active = session.state == "active";
        let is_cancelled = Ladder::one_step(host).was_tried(calls::CANCEL, &session.identity);
        let reason = format!("session {} {}", who(session), self.words);
        if is_active && !is_cancelled && host.stage() != plan::TERMINATE {
            return situation.next.step(plan::CANCEL, calls::CANCEL, ("cancel its statement", &why), || {
                calls::cancel(host, target, &session.identity, &reason)
            });
        }
        situation.next.step(plan::TERMINATE, calls::TERMINATE, ("end this session", &why), || {
            calls::terminate(host, target, &session.identity, &reason)
        })
    }
}

/// How long the grant still protects a transaction; `None` if it does not.
fn too_young(situation: &Situation<'_>, view: &View<'_>, session: &Session) -> Option<Span> {
    let is_of = |name: &str, value: &str, table: &GrantTable<'_>| {
        table.texts(name).any(|pattern| text::matches(pattern, value))
    };
    let tables = situation.host.grants().tables(SESSION_ACTIONS);
    let own = tables
        .filter(|table| is_of("users", &session.user, table) && is_of("applications", &session.application, table));
    let least = own.map(|table| table.count("min_minutes").unwrap_or(MIN_MINUTES)).min()?;
    let age = view.since(session.in_transaction_since.or(session.since));
    let rest = least.saturating_mul(MINUTE).checked_sub(age)?;
    (rest > 0).then_some(Span(rest.max(1_000)))
}
