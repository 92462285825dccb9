//! The log of the program, in the journal.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::journal::{Entry, Journal, Priority};
use crate::output;

/// Sends each line of the log to the journal.
pub(crate) struct TraceLog(pub(crate) &'static Journal);

impl<S: Subscriber> Layer<S> for TraceLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let message = format!("{}{}", line.message, line.more);
        let entry = Entry::new(priority(event.metadata().level()), &message);
        let entry = entry.field("ANSAI_INSTANCE", line.instance.as_deref());
        if !self.0.send(&entry) {
            output::tell(&message);
        }
    }
}

fn priority(level: &Level) -> Priority {
    match *level {
        Level::ERROR => Priority::Error,
        Level::WARN => Priority::Warning,
        Level::INFO => Priority::Info,
        _ => Priority::Debug,
    }
}

/// The fields of a line.
#[derive(Default)]
struct Line {
    message: String,
    instance: Option<String>,
    more: String,
}

impl Line {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "instance" => self.instance = Some(value),
            name => {
                let _ = write!(self.more, " {name}={value}");
            }
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Keeps what would be sent.
    struct Kept(Arc<Mutex<Vec<KeptLine>>>);
    type KeptLine = (String, Option<String>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = Line::default();
            event.record(&mut line);
            if let Ok(mut kept) = self.0.lock() {
                kept.push((format!("{}{}", line.message, line.more), line.instance));
            }
        }
    }

    #[test]
    fn a_line_has_its_message_its_instance_and_the_rest() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Kept(kept.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(instance = "one", count = 3, "not {}", "recorded");
            tracing::info!(instance = %"two", "shown");
        });
        let expected = vec![
            ("not recorded count=3".to_owned(), Some("one".to_owned())),
            ("shown".to_owned(), Some("two".to_owned())),
        ];
        assert_eq!(kept.lock().map(|kept| kept.clone()).unwrap_or_default(), expected);
    }
}
