//! What one evaluation says: the observations, and which kinds of findings it looked for, so that the end of an open finding is
//! told from one that nobody looked at.

use ansai_sdk::pages::Listed;
use ansai_sdk::{Host, Observation, Refusal, Status, Subject, largest, text};

/// What is known about all things of one kind of a target.
struct Looked {
    scope: String,
    /// Why some of them are unknown; `None` if all of them were seen.
    missing: Option<String>,
}

pub(crate) struct Report<'a> {
    pub(crate) host: &'a Host,
    all: Vec<Observation>,
    looked: Vec<Looked>,
    /// Calls that were not answered in time. Each takes seconds of an evaluation, which has a minute.
    timeouts: u32,
}

/// Servers that hang leave the others time for this number of them.
const MOST_TIMEOUTS: u32 = 4;
/// Things of one kind of a server that are findings at a time, so that one cause is no storm of incidents. The others follow
/// when these are over.
const MOST: usize = 10;

/// `KIND:TARGET` of a key `KIND:TARGET` or `KIND:TARGET/REST`. A path is the whole rest.
pub(crate) fn scope(key: &str) -> &str {
    let after = key.find(':').map_or(0, |colon| colon.saturating_add(1));
    let rest = key.get(after..).unwrap_or_default();
    match rest.find('/') {
        Some(slash) if slash > 0 => key.get(..after.saturating_add(slash)).unwrap_or(key),
        _ => key,
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(host: &'a Host) -> Report<'a> {
        Report { host, all: Vec::new(), looked: Vec::new(), timeouts: 0 }
    }

    pub(crate) fn add(&mut self, one: Observation) {
        self.all.push(one);
    }

    /// Adds an observation that is unhealthy, or closes an incident. Of thousands of things, those that are well are no news.
    pub(crate) fn add_news(&mut self, one: Observation) {
        if one.status != Status::Healthy || self.host.is_open(&one.key) {
            self.add(one);
        }
    }

    /// All things of a kind of a target were looked for, except for the reason `missing`. An open finding about one that is not
    /// mentioned is gone, or unknown for that reason.
    pub(crate) fn looked(&mut self, kind: &str, target: &str, missing: Option<String>) {
        self.looked.push(Looked { scope: format!("{kind}:{target}"), missing });
    }

    /// Of the things of a list that have a fault, and of those whose finding is open: what is observed now. Those with an open
    /// finding always are; of the others the worst. `fault` is how bad one is, `None` if it is well.
    pub(crate) fn worst<T, K: PartialOrd>(
        &mut self,
        noun: &str,
        target: &str,
        about: &Subject,
        all: Vec<T>,
        key: impl Fn(&T) -> String,
        fault: impl Fn(&T) -> Option<K>,
    ) -> Vec<T> {
        let (mut open, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| self.host.is_open(&key(one)));
        let sick: Vec<T> = others.into_iter().filter(|one| fault(one).is_some()).collect();
        let room = MOST.saturating_sub(open.len());
        if let Some(more) = sick.len().checked_sub(room).filter(|more| *more > 0) {
            let why = format!(
                "{} of {target} have a fault and are not listed yet",
                text::count(more as u64, &format!("more {noun}"))
            );
            self.add(Observation::unknown(format!("more-{}:{target}", text::plural(noun)), about.clone(), why));
        }
        open.extend(largest(sick, room, fault));
        open
    }

    /// Uses a list. One that is refused or incomplete is one unknown observation with this kind as its key. `None` if it is
    /// refused.
    pub(crate) fn listed<T>(
        &mut self,
        kind: &str,
        noun: &str,
        target: &str,
        about: &Subject,
        list: Result<Listed<T>, Refusal>,
    ) -> Option<Vec<T>> {
        let (entries, missing) = match list {
            Ok(listed) => {
                let missing = listed.missing(noun);
                (Some(listed.entries), missing)
            }
            Err(refusal) => {
                self.count(&refusal);
                (None, Some(format!("the {} of {target} cannot be listed: {}", text::plural(noun), refusal.words())))
            }
        };
        if let Some(why) = &missing {
            self.add(Observation::unknown(format!("{}:{target}", text::plural(noun)), about.clone(), why.clone()));
        }
        self.looked(kind, target, missing);
        entries
    }

    /// Counts a call that was not answered in time.
    pub(crate) fn count(&mut self, refusal: &Refusal) {
        self.timeouts = self.timeouts.saturating_add(u32::from(matches!(refusal, Refusal::TimedOut(_))));
    }

    /// Whether so many servers hang that the time of the evaluation is needed for its answer.
    pub(crate) fn is_late(&self) -> bool {
        self.timeouts >= MOST_TIMEOUTS
    }

    /// All observations, with what is known about open incidents that none of them mentions. `is_watched` says whether the
    /// settings still name what a key is about.
    pub(crate) fn finish(mut self, is_watched: impl Fn(&str) -> bool) -> Vec<Observation> {
        let mut rest: Vec<Observation> = Vec::new();
        for incident in self.host.unmentioned(&self.all) {
            let (key, about) = (&*incident.key, incident.about.clone());
            let scope = scope(key);
            let looked = self.looked.iter().find(|one| one.scope == scope);
            rest.push(match looked {
                _ if !is_watched(key) => {
                    Observation::new(key, about, Status::Healthy, format!("{scope} is no longer watched"))
                }
                Some(Looked { missing: None, .. }) if scope == key => {
                    Observation::new(key, about, Status::Healthy, format!("{scope} is over"))
                }
                Some(Looked { missing: None, .. }) => Observation::gone(
                    key,
                    about,
                    format!("{} no longer exists, or no longer is in this state", incident.about.name),
                ),
                Some(Looked { missing: Some(why), .. }) => Observation::unknown(key, about, why.clone()),
                None => Observation::unknown(key, about, format!("{scope} was not checked this time")),
            });
        }
        self.all.append(&mut rest);
        self.all
    }
}
