//! Measures and times.

use ansai_core::text::inert;
use ansai_core::{Bytes, Measure, Millis, Timestamp, Unit, Value, quantity};

use super::time;

/// `used 93 %`.
pub fn measure(measure: &Measure) -> String {
    let value = match (&measure.value, measure.unit) {
        (Value::Text(text), _) => inert(text, 120),
        (Value::Flag(flag), _) => (if *flag { "yes" } else { "no" }).to_owned(),
        (Value::Count(count), Unit::Bytes) => Bytes::new(*count).to_string(),
        (Value::Count(count), Unit::Milliseconds) => milliseconds(*count),
        (Value::Count(count), Unit::Instant) => time::minute(Timestamp::from_millis(*count)),
        (Value::Number(number), Unit::Bytes) => Bytes::new(whole(*number)).to_string(),
        (Value::Number(number), Unit::Milliseconds) => milliseconds(whole(*number)),
        (Value::Number(number), Unit::Ratio) => percent(*number),
        (Value::Count(count), Unit::Ratio) => format!("{} %", count.saturating_mul(100)),
        (Value::Count(count), unit) => with_unit(&count.to_string(), unit),
        (Value::Number(number), unit) => with_unit(&short(*number), unit),
    };
    // The value has the unit already.
    let name = match measure.unit {
        Unit::Bytes => measure.name.strip_suffix("-bytes").unwrap_or(&measure.name),
        _ => &measure.name,
    };
    format!("{} {value}", inert(name, 60).replace('-', " "))
}

fn with_unit(number: &str, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => format!("{number}/s"),
        Unit::Celsius => format!("{number} °C"),
        _ => number.to_owned(),
    }
}

/// Rounded down to tenths, like the summaries of policies: a row must not have one number in two spellings.
fn percent(share: f64) -> String {
    // The sum makes up for what a share lost as a float: 0.29 is 28.999… %.
    let tenths = (share * 1000.0 + 1e-6).floor() / 10.0;
    format!("{} %", short(tenths))
}

fn milliseconds(ms: u64) -> String {
    if ms == 0 { "0 s".to_owned() } else { quantity::show_milliseconds(ms) }
}

/// Saturates, which is fine for text.
fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Without parts that nobody needs: whole seconds below an hour, then whole minutes.
pub fn for_people(time: Millis) -> String {
    if time.get() < 1_000 {
        return "less than 1 s".to_owned();
    }
    let unit = if time.get() < 3_600_000 { 1_000 } else { 60_000 };
    Millis::new(time.get() / unit * unit).to_string()
}

/// `files-actions.remove` of `ansai:files/files-actions.remove`.
pub fn short_action(action: &str) -> String {
    inert(action.rsplit_once('/').map_or(action, |(_, name)| name), 100)
}
