//! A message as a mail: text and HTML, with headers that mail programs sort by.

use std::time::{Duration, SystemTime};

use ansai_core::text::inert;
use lettre::Message as Mail;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::MailChannel;
use crate::channel::Fault;
use crate::digest::digest;
use crate::message::Message;
use crate::render;

/// A mail address, with or without a name. `None` if it is not one, or not ASCII: not every server accepts others.
pub(in crate::channel) fn mailbox(text: &str) -> Option<Mailbox> {
    let mailbox: Mailbox = text.parse().ok()?;
    let address = mailbox.email.to_string();
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic()) && inert(text, text.len()) == text;
    is_plain.then_some(mailbox)
}

/// The mail. Everything in it depends on the message only, so a second attempt sends the same mail again.
pub(super) fn compose(channel: &MailChannel, message: &Message) -> Result<Mail, Fault> {
    let document = render::document(message);
    let domain = channel.from.email.domain();
    let root = format!("<{}.incident@{domain}>", digest(&[&message.host, &message.group]));
    let mut builder = Mail::builder()
        .from(channel.from.clone())
        .subject(document.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(message.at.as_millis().min(MOST_TIME)))
        .message_id(Some(format!("<{}.message@{domain}>", digest(&[&message.host, &message.channel, &message.id]))))
        .in_reply_to(root.clone())
        .references(root)
        .raw_header(fixed("Auto-Submitted", "auto-generated"))
        .raw_header(fixed("X-Auto-Response-Suppress", "All"));
    for to in &channel.to {
        builder = builder.to(to.clone());
    }
    let failed = |error: lettre::error::Error| Fault::never(format!("the mail cannot be composed: {error}"));
    if let Some(template) = &channel.template {
        let text = template.render(message).map_err(|error| Fault::never(error.to_string()))?;
        return builder.singlepart(SinglePart::plain(text)).map_err(failed);
    }
    let (text, html) = (render::text(&document), render::html(&document));
    // Derived from the content, so the content cannot have it.
    let boundary = format!("ansai_{}", digest(&[&text, &html]));
    let parts = MultiPart::alternative().boundary(boundary);
    builder.multipart(parts.singlepart(SinglePart::plain(text)).singlepart(SinglePart::html(html))).map_err(failed)
}

/// The end of the year 9999: what a date of a mail can be.
const MOST_TIME: u64 = 253_402_300_799_000;

fn fixed(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
