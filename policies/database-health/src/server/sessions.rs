//! Sessions that hold up others, are idle in a transaction, or take long. Each is one finding for its transaction, with the
//! worst of these.

use ansai_sdk::{Decision, Failure, GrantTable, Ladder, Measure, Observation, Severity, Span, text};

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
    let target = view.place.name;
    let roots = roots(view);
    report.looked("prepared", target, others);
    prepared(view, settings, &roots).into_iter().for_each(|one| report.add(one));
    let all: Vec<Fault<'_>> = view.sessions.iter().filter_map(|one| fault(view, settings, one, &roots)).collect();
    let (key, bad) = (|one: &Fault<'_>| key(view, one.session), |one: &Fault<'_>| Some((one.severity, one.lasts)));
    let worst = report.worst("session", target, &view.place.about, all, key, bad);
    for one in &worst {
        let mut seen = one.observe(view);
        seen.evidence.extend(statement(view, one.session, report));
        report.add(seen);
    }
    !worst.is_empty()
}

/// What a session runs, or ran last, if this instance may see it.
fn statement(view: &View<'_>, session: &Session, report: &mut Report<'_>) -> Option<Measure> {
    if !view.place.host.grants().has(TEXTS) || is_late(report) {
        return None;
    }
    let shown = calls::look_at_session(view.place.host, view.place.name, &session.identity);
    shown.inspect_err(|refusal| report.count(refusal)).ok().map(|shown| Measure::text("statement", shown.text))
}

fn key(view: &View<'_>, session: &Session) -> String {
    format!("session:{}/{}", view.place.name, session.identity)
}

/// The worst fault of a session, if it has one.
fn fault<'v>(view: &View<'_>, settings: &Settings, session: &'v Session, roots: &[Root<'_>]) -> Option<Fault<'v>> {
    let in_the_way =
        |severity, lasts, victims, words| Some(Fault { session, severity, words, victims, lasts, is_in_the_way: true });
    let blocks = roots.iter().find(|root| root.identity == session.identity).and_then(|root| {
        let words = format!("blocks {} for {}", text::count(root.victims, "session"), Span(root.waited));
        in_the_way(settings.blocked.severity(root.waited as f64, None)?, root.waited, root.victims, words)
    });
    // One whose transaction failed holds nothing any more.
    let is_of_a_client = matches!(session.work, Work::Client | Work::Other);
    let is_idle = is_of_a_client && session.state == "idle in transaction";
    let lasts = view.since(session.since);
    let idle = settings.idle.severity(lasts as f64, None).filter(|_| is_idle);
    let words = || format!("is idle in a transaction for {}", Span(lasts));
    let idle = idle.and_then(|severity| in_the_way(severity, lasts, 0, words()));
    // One that waits for a lock is held up by another one.
    let is_free = session.work == Work::Client && session.blocked_by.is_empty();
    let runs = if session.state == "active" { lasts } else { 0 };
    let open = runs.max(view.since(session.in_transaction_since));
    let words = match runs >= settings.long_transaction.0 {
        true => format!("runs one statement for {}", Span(runs)),
        false => format!("has its transaction open for {}", Span(open)),
    };
    let long = Fault { session, severity: Severity::Notice, words, victims: 0, lasts: open, is_in_the_way: false };
    let long = Some(long).filter(|_| is_free && open >= settings.long_transaction.0);
    // Of equal ones, the last is taken: what blocks others.
    [long, idle, blocks].into_iter().flatten().max_by_key(|fault| fault.severity)
}

impl Fault<'_> {
    fn observe(&self, view: &View<'_>) -> Observation {
        let session = self.session;
        let words = format!("session {} {}", who(session), self.words);
        let seen = Observation::new(key(view, session), session.about.clone(), self.severity, words);
        let seen = seen.milliseconds("lasts", self.lasts).count("waiting-sessions", self.victims);
        let seen = seen.text("user", &*session.user).text("application", &*session.application);
        let seen = seen.text("client", &*session.client).text("database", &*session.database);
        let seen = seen.text("state", &*session.state).part_of(view.place.about.clone());
        seen.at_distance(self.lasts as f64)
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
    let words = format!("a prepared transaction of {} blocks {waiting} for {}", view.place.name, Span(root.waited));
    let seen = view.place.observe("prepared", severity, words).milliseconds("lasts", root.waited);
    Some(seen.count("waiting-sessions", root.victims))
}

pub(crate) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
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
        let (session, host, target, next) = (self.session, situation.host, situation.target, &situation.next);
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
            return next.advise("decide whether to wait for it or to end it", why);
        }
        if !self.is_in_the_way {
            return next.advise("check whether it should take so long", format!("{why}, and blocks nobody"));
        }
        if let Some(rest) = too_young(situation, view, session) {
            return next.wait_for(rest, format!("{why}; its transaction is old enough to be ended in {rest}"));
        }
        let is_active = session.state == "active";
        let is_cancelled = Ladder::one_step(host).was_tried(calls::CANCEL, &session.identity);
        let reason = format!("session {} {}", who(session), self.words);
        if is_active && !is_cancelled && host.stage() != plan::TERMINATE {
            return next.step(plan::CANCEL, calls::CANCEL, ("cancel its statement", &why), || {
                calls::cancel(host, target, &session.identity, &reason)
            });
        }
        next.step(plan::TERMINATE, calls::TERMINATE, ("end this session", &why), || {
            calls::terminate(host, target, &session.identity, &reason)
        })
    }
}

/// How long the grant still protects a transaction; `None` if it does not.
fn too_young(situation: &Situation<'_>, view: &View<'_>, session: &Session) -> Option<Span> {
    let names = |table: &GrantTable<'_>, name, value: &str| table.texts(name).any(|one| text::matches(one, value));
    let covers = |table: &GrantTable<'_>| {
        names(table, "users", &session.user) && names(table, "applications", &session.application)
    };
    let own = situation.host.grants().tables(SESSION_ACTIONS).filter(covers);
    let least = own.map(|table| table.count("min_minutes").unwrap_or(MIN_MINUTES)).min()?;
    let age = view.since(session.in_transaction_since.or(session.since));
    let rest = least.saturating_mul(MINUTE).checked_sub(age)?;
    (rest > 0).then_some(Span(rest.max(1_000)))
}
