//! What authorities suggest (ACME renewal information, RFC 9773): an earlier renewal of a certificate of certbot.

use ansai_sdk::text::date;
use ansai_sdk::{Host, Observation, Polled, Refusal, Severity, Span, pages};

use crate::calls::{self, RENEWAL_INFORMATION};
use crate::imports::ansai::certificate::certificate_probe::{Certificate, Inquiry, Lineage};
use crate::imports::ansai::certificate::renewal_information_probe::{RenewalInformation, Suggestion};
use crate::settings::Settings;

pub(crate) const KEY: &str = "renewal-information";
/// How many inquiries are made in one evaluation. The others follow in the next one.
const MOST: usize = 64;
/// When to ask again if even the question was refused.
const LATER: u64 = Span::from_hours(1).0;

/// When an authority wants a certificate to be renewed.
#[derive(Debug)]
pub(crate) struct Wish {
    lineage: String,
    /// The time in its window that this host has chosen.
    at: u64,
    start: u64,
    end: u64,
    url: String,
    /// Whether it is so early that it must have a reason, such as a revocation.
    is_early: bool,
}

impl Wish {
    fn read(text: &str, lineage: &Lineage, current: &Certificate, host: &Host) -> Option<Wish> {
        let mut parts = text.splitn(3, ' ');
        let (start, end) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let half = current.not_before.saturating_add(current.not_after.saturating_sub(current.not_before) / 2);
        let at = host.instant_within(&current.about.name, start, end);
        let url = parts.next()?.to_owned();
        Some(Wish { lineage: lineage.name.clone(), at, start, end, url, is_early: end < half })
    }

    /// How bad it is that the certificate is not renewed yet; `None` before the time has come.
    pub(crate) fn severity(&self, now: u64) -> Option<Severity> {
        (now >= self.at).then_some(if self.is_early { Severity::Warning } else { Severity::Notice })
    }

    pub(crate) fn words(&self) -> String {
        let url = if self.url.is_empty() { String::new() } else { format!(" ({})", self.url) };
        format!("its authority asks for a renewal between {} and {}{url}", date(self.start), date(self.end))
    }
}

/// The wishes of all authorities.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    list: Vec<Wish>,
    /// Why one of them is unknown.
    missing: Option<String>,
}

impl Wishes {
    /// Asks about all certificates of certbot that are not ignored, each as often as its authority wants.
    pub(crate) fn of(lineages: &[Lineage], settings: &Settings, host: &Host) -> Wishes {
        let mut wishes = Wishes::default();
        if !host.grants().has(RENEWAL_INFORMATION) {
            return wishes;
        }
        let watched = lineages.iter().filter(|one| !settings.ignores_lineage(&one.name));
        let all: Vec<(&Lineage, &Inquiry, &Certificate)> =
            watched.filter_map(|one| Some((one, one.inquiry.as_ref()?, one.current.as_ref()?))).collect();
        let things: Vec<(&str, &str)> =
            all.iter().map(|(lineage, inquiry, _)| (&*lineage.name, &*inquiry.certificate_id)).collect();
        let known = host.poll(KEY, &things, MOST, |due| {
            let asked = due.iter().filter_map(|at| all.get(*at));
            let inquiries: Vec<Inquiry> = asked.map(|(_, inquiry, _)| (*inquiry).clone()).collect();
            let answers = pages::each(&inquiries, &|some| calls::ask_authorities(host, some));
            let later = |refusal: Refusal| (Err(refusal.words().to_owned()), LATER);
            let read = |answer: RenewalInformation| (text_of(answer.suggestion), answer.ask_again_after);
            answers.into_iter().map(|answer| answer.map_or_else(later, read)).collect()
        });
        for ((lineage, _, current), known) in all.iter().zip(known) {
            match known {
                Some(Ok(text)) => wishes.list.extend(Wish::read(&text, lineage, current, host)),
                Some(Err(why)) => {
                    let why = || format!("whether {} should be renewed earlier is unknown: {why}", lineage.name);
                    wishes.missing.get_or_insert_with(why);
                }
                None => {}
            }
        }
        let to_come = wishes.list.iter().filter_map(|wish| wish.at.checked_sub(host.now()).filter(|wait| *wait > 0));
        if let Some(wait) = to_come.min().filter(|wait| *wait <= Span::from_days(1).0) {
            host.look_again(Span(wait));
        }
        wishes
    }

    /// The wish about a certificate of certbot, if its time has come.
    pub(crate) fn due(&self, lineage: &str, now: u64) -> Option<&Wish> {
        self.list.iter().find(|wish| wish.lineage == lineage && wish.severity(now).is_some())
    }

    pub(crate) fn observe(&self, host: &Host) -> Option<Observation> {
        self.missing.as_ref().map(|why| Observation::unknown(KEY, host.host(), why.clone()))
    }
}

/// A suggestion as the store has it: `START END URL`, or nothing.
fn text_of(suggestion: Suggestion) -> Polled {
    match suggestion {
        Suggestion::Renew(window) => Ok(format!("{} {} {}", window.start, window.end, window.explanation_url)),
        Suggestion::None(Refusal::NotFound(_) | Refusal::Unsupported(_)) => Ok(String::new()),
        Suggestion::None(refusal) => Err(refusal.words().to_owned()),
    }
}
