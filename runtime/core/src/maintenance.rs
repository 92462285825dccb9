//! Maintenance windows: when an instance may begin plans.
//!
//! ```
//! use ansai_core::maintenance::Window;
//! let window: Window = "Mon..Fri 22:00-06:00 Europe/Berlin".parse()?;
//! assert_eq!(window.to_string(), "Mon..Fri 22:00-06:00 Europe/Berlin");
//! assert!("02:00-02:00".parse::<Window>().is_err(), "it never opens");
//! # Ok::<(), ansai_core::maintenance::WindowError>(())
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The days of a week as systemd writes them, from Monday.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_MINUTES: u16 = 24 * 60;
/// Longer names of time zones are none.
const MOST_ZONE: usize = 64;

/// When an instance may begin plans. Without windows, always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// It may in each of them.
    pub windows: Vec<Window>,
    /// A finding of the severity emergency waits for no window.
    pub emergency_passes: bool,
}

/// A window that opens on some days of each week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// By day, from Monday: whether it opens then.
    days: [bool; 7],
    /// Minutes since midnight.
    from: u16,
    /// Minutes since midnight; up to `from`, it closes on the next day.
    to: u16,
    /// `None` for that of the host.
    zone: Option<String>,
}

/// Text that is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not days, times and a zone.
    #[error("not a window: write days, a time and a zone")]
    Form,
    /// Not a day or a range of days.
    #[error("`{0}` is not a day of the week or a range of days")]
    Day(String),
    /// Not a time of day.
    #[error("`{0}` is not a time from 00:00 to 24:00")]
    Time(String),
    /// It is empty.
    #[error("the window never opens: it closes when it opens")]
    Empty,
    /// Not the form of a time zone.
    #[error("`{0}` is not the name of a time zone")]
    Zone(String),
}

impl Window {
    /// Whether it opens on a day of the week; 0 is Monday.
    pub fn opens_on(&self, day: usize) -> bool {
        self.days.get(day).copied().unwrap_or(false)
    }

    /// When it opens, in minutes since midnight: less than a day.
    pub fn from(&self) -> u16 {
        self.from
    }

    /// When it closes, in minutes since the midnight before it opens: up to two days.
    pub fn until(&self) -> u16 {
        if self.to > self.from { self.to } else { self.to + DAY_MINUTES }
    }

    /// The name of its time zone; `None` for that of the host.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Window, WindowError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_time = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let (days, times, zone) = match words[..] {
            [times] => (None, times, None),
            [times, zone] if is_time(&times) => (None, times, Some(zone)),
            [days, times] => (Some(days), times, None),
            [days, times, zone] => (Some(days), times, Some(zone)),
            _ => return Err(WindowError::Form),
        };
        let (from, to) = times.split_once('-').ok_or(WindowError::Form)?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from == to || from == DAY_MINUTES {
            return Err(WindowError::Empty);
        }
        let zone = zone.map(zone_name).transpose()?;
        Ok(Window { days: days.map_or(Ok([true; 7]), self::days)?, from, to, zone })
    }
}

fn zone_name(name: &str) -> Result<String, WindowError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    match name.len() <= MOST_ZONE && name.chars().all(plain) {
        true => Ok(name.to_owned()),
        false => Err(WindowError::Zone(crate::text::inert(name, MOST_ZONE))),
    }
}

/// `Mon`, `Mon..Fri`, `Mon,Wed..Fri`, `Sat..Mon`.
fn days(text: &str) -> Result<[bool; 7], WindowError> {
    let day = |name: &str| {
        let known = DAYS.iter().position(|day| *day == name);
        known.ok_or_else(|| WindowError::Day(crate::text::inert(name, 20)))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let count = (last + 7 - first) % 7 + 1;
        for index in (first..first + count).map(|index| index % 7) {
            if let Some(one) = days.get_mut(index) {
                *one = true;
            }
        }
    }
    Ok(days)
}

/// `02:00` in minutes; up to 24:00.
fn minutes(text: &str) -> Result<u16, WindowError> {
    let wrong = || WindowError::Time(crate::text::inert(text, 20));
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let two = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u16>().ok()).flatten().ok_or_else(wrong)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let all = hours * 60 + minutes;
    if minutes < 60 && all <= DAY_MINUTES { Ok(all) } else { Err(wrong()) }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != [true; 7] {
            let mut parts: Vec<String> = Vec::new();
            let mut index = 0;
            while index < 7 {
                let last = (index..7).take_while(|day| self.opens_on(*day)).last();
                let Some(last) = last else {
                    index += 1;
                    continue;
                };
                let name = |day: usize| DAYS.get(day).copied().unwrap_or_default();
                parts.push(match last - index {
                    0 => name(index).to_owned(),
                    _ => format!("{}..{}", name(index), name(last)),
                });
                index = last + 1;
            }
            write!(f, "{} ", parts.join(","))?;
        }
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{}", time(self.from), time(self.to))?;
        self.zone.iter().try_for_each(|zone| write!(f, " {zone}"))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Window, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_valid_comes_back() {
        for (text, shown) in [
            ("02:00-04:00", "02:00-04:00"),
            ("Mon..Sun 00:00-24:00 UTC", "00:00-24:00 UTC"),
            ("Sat..Mon 22:30-06:00", "Mon,Sat..Sun 22:30-06:00"),
            ("Fri,Mon,Tue  02:00-04:00  America/New_York", "Mon..Tue,Fri 02:00-04:00 America/New_York"),
            ("02:00-04:00 Etc/GMT+5", "02:00-04:00 Etc/GMT+5"),
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window.to_string(), shown);
            assert_eq!(shown.parse::<Window>().unwrap(), window);
        }
        let night: Window = "22:00-06:00".parse().unwrap();
        assert_eq!((night.from(), night.until()), (22 * 60, 30 * 60));
    }

    #[test]
    fn what_is_invalid_says_why() {
        let wrong = |text: &str| text.parse::<Window>().unwrap_err();
        for text in ["", "Mon", "Mon Tue 02:00-04:00 UTC", "02:00", "Mon..Fri 02:00 04:00 UTC"] {
            assert_eq!(wrong(text), WindowError::Form, "{text}");
        }
        for text in ["mon 02:00-04:00", "Mon.. 02:00-04:00", "Mon,,Tue 02:00-04:00", "Monday 02:00-04:00"] {
            assert!(matches!(wrong(text), WindowError::Day(_)), "{text}");
        }
        for text in ["2:00-04:00", "02:60-04:00", "24:01-04:00", "02:00-99:00", "02:00-+4:00", "02:00-04:00:00"] {
            assert!(matches!(wrong(text), WindowError::Time(_)), "{text}");
        }
        for text in ["02:00-02:00", "24:00-06:00"] {
            assert_eq!(wrong(text), WindowError::Empty);
        }
        for text in ["02:00-04:00 ../../etc/passwd", "02:00-04:00 Europe/\u{1b}Berlin"] {
            assert!(matches!(wrong(text), WindowError::Zone(_)), "{text}");
        }
    }
}
