//! Texts for people, patterns, and truncation.

/// The start of a text: at most `most` bytes, cut between characters.
///
/// ```
/// assert_eq!(ansai_sdk::text::cut("aé", 2), "a");
/// ```
pub fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// A number with its noun: `1 file`, `2 files`. For nouns with a regular plural.
///
/// ```
/// assert_eq!(ansai_sdk::text::count(1, "file"), "1 file");
/// assert_eq!(ansai_sdk::text::count(16, "file"), "16 files");
/// ```
pub fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {}", plural(thing)) }
}

/// A number with one decimal, rounded down, so that nothing looks like more than it is.
///
/// ```
/// assert_eq!([ansai_sdk::text::tenths(2.49), ansai_sdk::text::tenths(0.3)], ["2.4", "0.3"]);
/// ```
pub fn tenths(number: f64) -> String {
    // Uses integers, because the code to format floats would be a tenth of a component.
    // The sum makes up for what a share lost as a float: 0.29 is 28.999… %.
    let tenths = (number * 10.0 + 1e-6) as u64;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The regular plural of a noun.
///
/// ```
/// assert_eq!([ansai_sdk::text::plural("file"), ansai_sdk::text::plural("index")], ["files", "indexes"]);
/// ```
pub fn plural(thing: &str) -> String {
    format!("{thing}{}", if thing.ends_with(['s', 'x']) { "es" } else { "s" })
}

/// A labelled list for a person: `largest: /a, /b`; `None` if it is empty.
///
/// ```
/// use ansai_sdk::text::list;
///
/// assert_eq!(list("largest", ["/a".into(), "/b".into()]), Some("largest: /a, /b".into()));
/// assert_eq!(list("largest", []), None);
/// ```
pub fn list(label: &str, entries: impl IntoIterator<Item = String>) -> Option<String> {
    let entries: Vec<String> = entries.into_iter().collect();
    (!entries.is_empty()).then(|| format!("{label}: {}", entries.join(", ")))
}

/// The first three of a list for a person, and how many more there are. `more` counts those that are not in the list.
///
/// ```
/// use ansai_sdk::text::first;
///
/// let names = ["a", "b", "c", "d"].map(String::from);
/// assert_eq!(first(&names, 6).as_deref(), Some("a, b, c and 7 more"));
/// assert_eq!((first(&names[..2], 0).as_deref(), first(&[], 6)), (Some("a, b"), None));
/// ```
pub fn first(entries: &[String], more: u64) -> Option<String> {
    const MOST: usize = 3;
    let shown: Vec<&str> = entries.iter().take(MOST).map(String::as_str).collect();
    let more = more.saturating_add(entries.len().saturating_sub(MOST) as u64);
    match (shown.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown.join(", ")),
        (false, _) => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

/// The day of an instant in UTC: `2026-11-29`. An instant is milliseconds since the Unix epoch.
///
/// ```
/// use ansai_sdk::text::date;
///
/// const DAY: u64 = 24 * 3_600_000;
/// let days = [(0, "1970-01-01"), (11_016, "2000-02-29"), (11_017, "2000-03-01"), (20_717, "2026-09-21")];
/// assert!(days.iter().all(|(day, text)| date(day * DAY) == *text));
/// assert_eq!(date(253_402_300_799_000), "9999-12-31");
/// assert!(!date(u64::MAX).is_empty());
/// ```
pub fn date(instant: u64) -> String {
    // Days to a date of the Gregorian calendar, with years that begin in March.
    let days = instant / (24 * 3_600_000) + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, day - (153 * month + 2) / 5 + 1);
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

/// A signal of Linux by its name: `SIGKILL (signal 9)`. Only for those that end programs, and whose numbers all architectures
/// share.
///
/// ```
/// assert_eq!(ansai_sdk::text::signal(15), "SIGTERM (signal 15)");
/// assert_eq!(ansai_sdk::text::signal(40), "signal 40");
/// ```
pub fn signal(number: u32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    format!("{name} (signal {number})")
}

/// Whether one of several patterns matches a text.
///
/// ```
/// assert!(ansai_sdk::text::any_matches(&["app".into(), "nginx*".into()], "nginx.service"));
/// ```
pub fn any_matches(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}

/// Whether a text matches a pattern: `*` matches any characters, including slashes, and `?` matches one.
///
/// ```
/// use ansai_sdk::text::matches;
///
/// assert!(matches("/snap/*", "/snap/core/1") && matches("nginx@?.service", "nginx@1.service"));
/// assert!(!matches("/data", "/data2"));
/// ```
pub fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // The pattern after the last star, and the text that is left if the star matches one more character.
    let mut star: Option<(&str, &str)> = None;
    loop {
        let (mut wanted, mut found) = (pattern.chars(), text.chars());
        match (wanted.next(), found.next()) {
            (Some('*'), next) => {
                pattern = wanted.as_str();
                star = next.map(|_| (pattern, found.as_str()));
            }
            (None, None) => return true,
            (Some(one), Some(other)) if one == '?' || one == other => {
                (pattern, text) = (wanted.as_str(), found.as_str());
            }
            _ => {
                let Some((behind, rest)) = star else { return false };
                let mut longer = rest.chars();
                star = longer.next().map(|_| (behind, longer.as_str()));
                (pattern, text) = (behind, rest);
            }
        }
    }
}

/// The host of `HOST:PORT`, without the brackets of IPv6.
///
/// ```
/// use ansai_sdk::text::host_of;
///
/// assert_eq!([host_of("a.example:443"), host_of("[::1]:443"), host_of("a")], ["a.example", "::1", "a"]);
/// ```
pub fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Whether the name of a certificate stands for the name of a host. `*.` in front stands for one label.
///
/// ```
/// use ansai_sdk::text::is_host;
///
/// assert!(is_host("*.example.org", "WWW.example.org.") && is_host("www.example.org", "www.example.org."));
/// assert!(!is_host("*.example.org", "a.b.example.org") && !is_host("*.example.org", ".example.org"));
/// assert!(!is_host("*.example.org", "example.org"));
/// ```
pub fn is_host(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(rest) => name.split_once('.').is_some_and(|(label, parent)| {
            !label.is_empty() && parent.trim_end_matches('.').eq_ignore_ascii_case(rest)
        }),
        None => pattern.eq_ignore_ascii_case(name.trim_end_matches('.')),
    }
}

/// Maximum length of an observation's key, in bytes.
const MOST_KEY: usize = 200;

/// A stable key of at most 200 bytes. A longer text is cut and ends with a hash of the whole text.
pub(crate) fn key(text: &str) -> String {
    if text.len() <= MOST_KEY {
        return text.to_owned();
    }
    // FNV-1a is enough: a collision has no benefit for an attacker.
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}…{hash:016x}", cut(text, 150))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("/data", "/data", true),
            ("/data", "/data2", false),
            ("/data2", "/data", false),
            ("*/cache", "/srv/a/cache", true),
            ("*/cache", "/srv/a/caches", false),
            ("/d?", "/d1", true),
            ("/d?", "/d", false),
            ("/d*", "/d", true),
            ("", "/d1", false),
            ("", "", true),
            ("*", "", true),
            ("é*", "éé", true),
            ("*é?", "aéb", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("**", "x", true),
            ("*a*a*a*a*b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_long_key_is_short_stable_and_its_own() {
        let (a, b) = (format!("inodes:/{}", "é".repeat(200)), format!("inodes:/{}x", "é".repeat(200)));
        assert!(key(&a).len() <= MOST_KEY && key(&a).starts_with("inodes:/é"));
        assert_eq!(key(&a), key(&a));
        assert_ne!(key(&a), key(&b));
        assert_eq!(key("inodes:/var"), "inodes:/var");
    }
}
