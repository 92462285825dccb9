//! Questions that are asked only now and then, such as those to another organisation. What was answered is kept in the store.

use crate::Host;

/// What came of a question: a text that counts from now on, or why there is none. Then an earlier text still counts.
pub type Polled = Result<String, String>;

impl Host {
    /// Asks about several things, each again only when its last answer says so. A thing has a name, under which its answer is
    /// stored (with `place`), and a version without spaces: an answer about another version does not count. `ask` gets the
    /// places of the things to ask about, at most `most`, and returns for each what came of it, and for how many milliseconds
    /// that is enough. Returns what is known of each thing; `None` for those that were not asked about yet.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    ///
    /// let host = StandIn::default().host();
    /// let things = [("a", "1"), ("b", "7")];
    /// let known = host.poll("price", &things, 1, |due| due.iter().map(|_| (Ok("5".into()), 60_000)).collect());
    /// assert_eq!(known, [Some(Ok("5".into())), None]);
    /// let known = host.poll("price", &things[..1], 1, |_| unreachable!("it was asked about a moment ago"));
    /// assert_eq!(known, [Some(Ok("5".into()))]);
    /// ```
    pub fn poll(
        &self,
        place: &str,
        things: &[(&str, &str)],
        most: usize,
        ask: impl FnOnce(&[usize]) -> Vec<(Polled, u64)>,
    ) -> Vec<Option<Polled>> {
        let mut known: Vec<Option<(u64, Polled)>> =
            things.iter().map(|(name, version)| self.known(place, name, version)).collect();
        let is_due = |one: &Option<(u64, Polled)>| one.as_ref().is_none_or(|(next, _)| self.now() >= *next);
        let due: Vec<usize> = (0..known.len()).filter(|at| known.get(*at).is_some_and(is_due)).take(most).collect();
        let answers = if due.is_empty() { Vec::new() } else { ask(&due) };
        for (at, (answer, after)) in due.into_iter().zip(answers) {
            let (Some(slot), Some((name, version))) = (known.get_mut(at), things.get(at)) else { continue };
            let answer = match (answer, slot.take()) {
                (Err(_), Some((_, Ok(earlier)))) => Ok(earlier),
                (answer, _) => answer,
            };
            let next = self.now().saturating_add(after);
            let (sign, text) = match &answer {
                Ok(text) => ('+', text),
                Err(text) => ('-', text),
            };
            self.remember(&format!("{place}:{name}"), &format!("{version} {next} {sign}{text}"));
            *slot = Some((next, answer));
        }
        known.into_iter().map(|one| one.map(|(_, answer)| answer)).collect()
    }

    /// When to ask again, and what is known.
    fn known(&self, place: &str, name: &str, version: &str) -> Option<(u64, Polled)> {
        let stored = self.recall(&format!("{place}:{name}"))?;
        let (next, text) = stored.strip_prefix(version)?.strip_prefix(' ')?.split_once(' ')?;
        let answer = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(text), _) => Ok(text.to_owned()),
            (_, Some(text)) => Err(text.to_owned()),
            _ => return None,
        };
        Some((next.parse().ok()?, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;

    fn asked(stored: &str, answer: Polled) -> (Option<Polled>, Option<String>) {
        let host = StandIn::default().remembers("p:a", stored).host();
        let known = host.poll("p", &[("a", "v1")], 1, |_| vec![(answer, 5)]).remove(0);
        (known, host.recall("p:a"))
    }

    #[test]
    fn an_answer_counts_until_its_time_and_for_its_version() {
        let fresh = format!("v1 {} +old", NOW + 1);
        assert_eq!(asked(&fresh, Ok("new".into())), (Some(Ok("old".into())), Some(fresh)));
        let new = format!("v1 {} +new", NOW + 5);
        let over = format!("v1 {NOW} +old");
        let other = format!("v2 {} +old", NOW + 1);
        let longer = format!("v11 {} +old", NOW + 1);
        for stored in [&*over, &other, &longer, "", "v1", "v1 x +old", "v1 5", "v1 99999999999999999999999 +old"] {
            assert_eq!(asked(stored, Ok("new".into())), (Some(Ok("new".into())), Some(new.clone())), "{stored}");
        }
    }

    #[test]
    fn what_was_answered_counts_until_there_is_another_answer() {
        let (again, failed) = (format!("v1 {} +old", NOW + 5), format!("v1 {} -down", NOW + 5));
        let down = || Err("down".to_owned());
        assert_eq!(asked(&format!("v1 {NOW} +old"), down()), (Some(Ok("old".into())), Some(again)));
        assert_eq!(asked(&format!("v1 {NOW} -up"), down()), (Some(down()), Some(failed.clone())));
        assert_eq!(asked(&format!("v2 {NOW} +old"), down()), (Some(down()), Some(failed)));
    }

    #[test]
    fn fewer_answers_than_questions_leave_the_others_unknown() {
        let host = StandIn::default().host();
        let known = host.poll("p", &[("a", "1"), ("b", "1")], 9, |_| vec![(Ok("x".into()), u64::MAX)]);
        assert_eq!(known, [Some(Ok("x".into())), None]);
    }
}
