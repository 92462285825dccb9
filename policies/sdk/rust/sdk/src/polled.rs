//! Questions that are asked only now and then, such as those to another organisation. What was answered is kept in the store.

use crate::Host;

/// What came of a question: a text, or why there is none.
pub type Polled = Result<String, String>;

/// What is known of a thing that was asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The last answer. It counts until there is another one, also while questions fail.
    pub answer: Option<String>,
    /// Why the last question was not answered.
    pub failure: Option<String>,
}

/// What the store has of a thing: `VERSION ASKED NEXT LENGTH TEXT`. The text is the failure, so long, and the answer after a sign.
struct Stored {
    asked: u64,
    next: u64,
    known: Known,
}

impl Host {
    /// Asks about several things, each again only when its last answer says so, those first that wait longest. A thing has a name,
    /// under which its answer is stored (with `place`), and a version without spaces: an answer about another version does not
    /// count. `ask` gets the places of the things to ask about, at most `most`, and returns for each what came of it, and for how
    /// many milliseconds that is enough. Returns what is known of each thing.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    ///
    /// let host = StandIn::default().host();
    /// let things = [("a", "1"), ("b", "7")];
    /// let known = host.poll("price", &things, 1, |due| due.iter().map(|_| (Ok("5".into()), 60_000)).collect());
    /// assert_eq!((known[0].answer.as_deref(), known[1].answer.as_deref()), (Some("5"), None));
    /// let known = host.poll("price", &things[..1], 1, |_| unreachable!("it was asked about a moment ago"));
    /// assert_eq!(known[0].answer.as_deref(), Some("5"));
    /// ```
    pub fn poll(
        &self,
        place: &str,
        things: &[(&str, &str)],
        most: usize,
        ask: impl FnOnce(&[usize]) -> Vec<(Polled, u64)>,
    ) -> Vec<Known> {
        let stored: Vec<Option<Stored>> =
            things.iter().map(|(name, version)| self.stored(place, name, version)).collect();
        // Where the clock was set back, nobody knows how long ago it was asked.
        let next = |one: &Option<Stored>| one.as_ref().filter(|one| one.asked <= self.now()).map_or(0, |one| one.next);
        let mut due: Vec<(u64, usize)> =
            stored.iter().map(next).zip(0..).filter(|(next, _)| self.now() >= *next).collect();
        due.sort_unstable();
        let due: Vec<usize> = due.into_iter().take(most).map(|(_, at)| at).collect();
        let answers = if due.is_empty() { Vec::new() } else { ask(&due) };
        let mut known: Vec<Known> =
            stored.into_iter().map(|one| one.map(|one| one.known).unwrap_or_default()).collect();
        for (at, (answer, after)) in due.into_iter().zip(answers) {
            let (Some(slot), Some((name, version))) = (known.get_mut(at), things.get(at)) else { continue };
            match answer {
                Ok(text) => *slot = Known { answer: Some(text), failure: None },
                Err(why) => slot.failure = Some(why),
            }
            let (now, failure) = (self.now(), slot.failure.as_deref().unwrap_or_default());
            let answer = slot.answer.as_ref().map_or_else(String::new, |text| format!("+{text}"));
            let (next, length) = (now.saturating_add(after), failure.len());
            self.remember(&format!("{place}:{name}"), &format!("{version} {now} {next} {length} {failure}{answer}"));
        }
        known
    }

    fn stored(&self, place: &str, name: &str, version: &str) -> Option<Stored> {
        let stored = self.recall(&format!("{place}:{name}"))?;
        let mut parts = stored.strip_prefix(version)?.strip_prefix(' ')?.splitn(4, ' ');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (asked, next, length) = (number()?, number()?, usize::try_from(number()?).ok()?);
        let (failure, answer) = parts.next()?.split_at_checked(length)?;
        let failure = (!failure.is_empty()).then(|| failure.to_owned());
        Some(Stored { asked, next, known: Known { answer: answer.strip_prefix('+').map(str::to_owned), failure } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;

    fn answered(text: &str) -> Known {
        Known { answer: Some(text.into()), failure: None }
    }

    fn failed(answer: Option<&str>, why: &str) -> Known {
        Known { answer: answer.map(str::to_owned), failure: Some(why.into()) }
    }

    fn asked(stored: &str, answer: Polled) -> (Known, Option<String>) {
        let host = StandIn::default().remembers("p:a", stored).host();
        let known = host.poll("p", &[("a", "v1")], 1, |_| vec![(answer, 5)]).remove(0);
        (known, host.recall("p:a"))
    }

    #[test]
    fn an_answer_counts_until_its_time_and_for_its_version() {
        let fresh = format!("v1 {NOW} {} 0 +old", NOW + 1);
        assert_eq!(asked(&fresh, Ok("new".into())), (answered("old"), Some(fresh)));
        let new = format!("v1 {NOW} {} 0 +new", NOW + 5);
        let over = format!("v1 5 {NOW} 0 +old");
        let other = format!("v2 5 {} 0 +old", NOW + 1);
        let longer = format!("v11 5 {} 0 +old", NOW + 1);
        let ahead = format!("v1 {} {} 0 +old", NOW + 1, NOW + 2);
        let damaged = ["", "v1", "v1 x 5 0 +old", "v1 5", "v1 5 5 99 +old", "v1 5 99999999999999999999999 0 +old"];
        for stored in [&*over, &other, &longer, &ahead].into_iter().chain(damaged) {
            assert_eq!(asked(stored, Ok("new".into())), (answered("new"), Some(new.clone())), "{stored}");
        }
    }

    #[test]
    fn a_failure_is_told_and_the_last_answer_still_counts() {
        let next = NOW + 5;
        let down = || Err("down".to_owned());
        let stored = format!("v1 {NOW} {next} 4 down+old");
        assert_eq!(asked(&format!("v1 5 {NOW} 0 +old"), down()), (failed(Some("old"), "down"), Some(stored.clone())));
        // It is told until it is asked again.
        assert_eq!(asked(&stored, Ok("new".into())), (failed(Some("old"), "down"), Some(stored)));
        let nothing = format!("v1 {NOW} {next} 4 down");
        assert_eq!(asked(&format!("v1 5 {NOW} 2 up"), down()), (failed(None, "down"), Some(nothing.clone())));
        assert_eq!(asked(&format!("v2 5 {NOW} 0 +old"), down()), (failed(None, "down"), Some(nothing)));
        let again = format!("v1 {NOW} {next} 0 +new");
        assert_eq!(asked(&format!("v1 5 {NOW} 4 down+old"), Ok("new".into())), (answered("new"), Some(again)));
    }

    /// Would break: the first ones that are always due, and others that never have their turn.
    #[test]
    fn those_that_wait_longest_are_asked_first() {
        let host =
            StandIn::default().remembers("p:a", &format!("1 5 {} 0 +x", NOW - 1)).remembers("p:b", "1 5 6 0 +x").host();
        let mut order = Vec::new();
        host.poll("p", &[("a", "1"), ("b", "1"), ("c", "1")], 2, |due| {
            order.extend_from_slice(due);
            Vec::new()
        });
        assert_eq!(order, [2, 1]);
    }

    #[test]
    fn fewer_answers_than_questions_leave_the_others_unknown() {
        let host = StandIn::default().host();
        let known = host.poll("p", &[("a", "1"), ("b", "1")], 9, |_| vec![(Ok("x".into()), u64::MAX)]);
        assert_eq!(known, [answered("x"), Known::default()]);
    }
}
