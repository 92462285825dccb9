//! What authorities suggest (ACME renewal information, RFC 9773): an earlier renewal of a certificate of certbot.

use ansai_sdk::text::date;
use ansai_sdk::{Host, Life, Polled, Refusal, Severity, Span, pages};

use crate::calls::{self, RENEWAL_INFORMATION};
use crate::imports::ansai::certificate::certificate_probe::{Certificate, Inquiry, Lineage};
use crate::imports::ansai::certificate::renewal_information_probe::{RenewalInformation, Suggestion};
use crate::settings::Settings;

pub(crate) const KEY: &str = "renewal-information";
/// How many inquiries are made in one evaluation. The others follow in the next one.
const MOST: usize = 64;
/// When to ask again if even the question was refused.
const LATER: u64 = Span::from_hours(1).0;
/// The contract promises at most a day. What calls the authority may lie, and would keep the certificate from being asked about.
const MOST_WAIT: u64 = Span::from_hours(24).0;

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
        let at = host.instant_within(&current.about.name, start, end);
        let url = parts.next()?.to_owned();
        let is_early = end < Life::middle(current.not_before, current.not_after);
        Some(Wish { lineage: lineage.name.clone(), at, start, end, url, is_early })
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
    pub(crate) missing: Option<String>,
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
            let later = |refusal: Refusal| match refusal {
                // An authority that is not granted is not asked.
                Refusal::Denied(_) => (Ok(String::new()), LATER),
                refusal => (Err(refusal.words().to_owned()), LATER),
            };
            let read = |answer: RenewalInformation| (text_of(answer.suggestion), answer.ask_again_after.min(MOST_WAIT));
            answers.into_iter().map(|answer| answer.map_or_else(later, read)).collect()
        });
        for ((lineage, _, current), known) in all.iter().zip(known) {
            wishes.list.extend(known.answer.and_then(|text| Wish::read(&text, lineage, current, host)));
            if let Some(why) = known.failure {
                let why = || format!("whether {} should be renewed earlier is unknown: {why}", lineage.name);
                wishes.missing.get_or_insert_with(why);
            }
        }
        host.look_again_at(wishes.list.iter().map(|wish| wish.at));
        wishes
    }

    /// The wish about a certificate of certbot, if its time has come.
    pub(crate) fn due(&self, lineage: &str, now: u64) -> Option<&Wish> {
        self.list.iter().find(|wish| wish.lineage == lineage && wish.severity(now).is_some())
    }
}

/// A suggestion as the store has it: `START END URL`, or nothing.
fn text_of(suggestion: Suggestion) -> Polled {
    match suggestion {
        Suggestion::Renew(window) => Ok(format!("{} {} {}", window.start, window.end, window.explanation_url)),
        Suggestion::Nothing(Refusal::NotFound(_) | Refusal::Unsupported(_)) => Ok(String::new()),
        Suggestion::Nothing(refusal) => Err(refusal.words().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::ansai::certificate::renewal_information_probe::Window;
    use crate::testing::{DAY, certificate, settings};
    use ansai_sdk::Subject;
    use ansai_sdk::testing::StandIn;

    const NOW: u64 = StandIn::NOW;
    const ASK: &str = "ansai:certificate/renewal-information-probe.ask";

    fn lineage(name: &str) -> Lineage {
        Lineage {
            about: Subject::new("lineage", name),
            name: name.into(),
            manager: "certbot".into(),
            path: String::new(),
            key_path: String::new(),
            current: Some(certificate(90.0, 60.0)),
            renew_after: None,
            renew_before: None,
            inquiry: Some(inquiry()),
            last_failure: String::new(),
            staged: None,
        }
    }

    fn inquiry() -> Inquiry {
        Inquiry { address: "ca:443".into(), directory: "/dir".into(), certificate_id: "a.b".into() }
    }

    fn answering(suggestion: Suggestion) -> StandIn {
        let answer = RenewalInformation { inquiry: inquiry(), suggestion, ask_again_after: 600_000 };
        StandIn::default().answers(ASK, vec![answer]).grants(RENEWAL_INFORMATION, "{}")
    }

    fn window(start: u64, end: u64) -> Suggestion {
        Suggestion::Renew(Window { start, end, explanation_url: "https://ca/why".into() })
    }

    fn of(host: &Host) -> Wishes {
        Wishes::of(&[lineage("www")], &settings(|_| {}), host)
    }

    fn asked(host: &Host) -> usize {
        host.stand_in().calls().iter().filter(|call| call.starts_with(ASK)).count()
    }

    #[test]
    fn a_wish_has_a_time_and_a_severity() {
        use Severity::*;
        for (start, end, expected) in [
            // 30 of 90 days are over.
            (NOW - 2 * DAY, NOW - DAY, Some(Warning)),
            (0, 0, Some(Warning)),
            (0, u64::MAX, None),
            (NOW, NOW, Some(Warning)),
            (NOW - DAY, NOW + 16 * DAY, None),
            (NOW + 1, NOW + 1, None),
            (u64::MAX, u64::MAX, None),
        ] {
            let host = answering(window(start, end)).host();
            let found = of(&host).due("www", NOW).and_then(|wish| wish.severity(NOW));
            let chosen = host.instant_within(&certificate(90.0, 60.0).about.name, start, end);
            let expected = if chosen > NOW { None } else { expected.or(Some(Notice)) };
            assert_eq!(found, expected, "{start} to {end}");
        }
    }

    #[test]
    fn it_looks_again_when_the_time_has_come() {
        let host = answering(window(NOW + 5_000, NOW + 5_000)).host();
        assert!(of(&host).due("www", NOW).is_none());
        assert_eq!(host.stand_in().follow_up(), Some(5_000));
    }

    #[test]
    fn an_authority_is_asked_as_often_as_it_says_and_only_with_a_grant() {
        let host = answering(window(NOW - 2, NOW - 1)).host();
        assert!(of(&host).due("www", NOW).is_some() && of(&host).due("www", NOW).is_some());
        assert_eq!(asked(&host), 1);
        let ignoring = settings(|settings| settings["ignore_lineages"] = serde_json::json!(["w*"]));
        assert!(Wishes::of(&[lineage("www")], &ignoring, &host).due("www", NOW).is_none());
        let denied = StandIn::default().host();
        assert!(of(&denied).due("www", NOW).is_none() && of(&denied).missing.is_none());
        assert_eq!(asked(&denied), 0);
    }

    /// Would break: who calls the authority lies once, and nobody asks about the certificate again.
    #[test]
    fn it_asks_again_after_a_day_whatever_it_is_told() {
        let never = RenewalInformation {
            inquiry: inquiry(),
            suggestion: Suggestion::Nothing(Refusal::NotFound("no".into())),
            ask_again_after: u64::MAX,
        };
        let host = StandIn::default().answers(ASK, vec![never]).grants(RENEWAL_INFORMATION, "{}").host();
        of(&host);
        let stored = host.recall(&format!("{KEY}:www")).unwrap();
        assert!(stored.starts_with(&format!("a.b {NOW} {} ", NOW + DAY)), "{stored}");
    }

    #[test]
    fn what_is_unknown_is_said_and_what_does_not_exist_is_not() {
        let missing = |refusal: Refusal| of(&answering(Suggestion::Nothing(refusal)).host()).missing;
        assert_eq!(missing(Refusal::NotFound("no".into())), None);
        assert_eq!(missing(Refusal::Unsupported("no".into())), None);
        assert!(
            missing(Refusal::Unavailable("down".into())).unwrap().contains("whether www should be renewed earlier")
        );
        let refused =
            |refusal: Refusal| StandIn::default().refuses(ASK, refusal).grants(RENEWAL_INFORMATION, "{}").host();
        assert!(of(&refused(Refusal::Unavailable("no".into()))).missing.is_some());
        assert_eq!(of(&refused(Refusal::Denied("no".into()))).missing, None, "others are granted");
    }
}
