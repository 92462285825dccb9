//! `kind = "webhook"`: HTTP POST to a chat, a pager or a program of the operator.

mod chat;
mod pager;
mod post;
mod signature;

use std::path::PathBuf;

use ansai_kit::redact::Redactor;
use ansai_kit::secret::{Secret, SecretSource};
use serde_json::Value;

use super::answer::{self, text};
use super::{Channel, Deadline, Fault, Preset, Receipt};
use crate::message::Message;
use crate::render;
use crate::template::Template;

pub(super) use post::{is_local, shown_url, wrong_url};

/// Where PagerDuty receives events.
pub(super) const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

pub(super) struct WebhookChannel {
    pub(super) preset: Preset,
    pub(super) url: Address,
    pub(super) secret: Option<SecretSource>,
    pub(super) token: Option<SecretSource>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) template: Option<Template>,
}

/// Where the URL is.
pub(super) enum Address {
    Url(String),
    Secret(SecretSource),
}

/// One request.
struct Request {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Channel for WebhookChannel {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        let url_secret = match &self.url {
            Address::Url(_) => None,
            Address::Secret(source) => Some(answer::secret(source)?),
        };
        let url = match (&self.url, &url_secret) {
            (Address::Url(url), _) => url.as_str(),
            (_, Some(secret)) => text(secret)?.trim(),
            (Address::Secret(_), None) => "",
        };
        if let Some(why) = wrong_url(url) {
            return Err(Fault::later(format!("the URL {why}")));
        }
        let secret = self.secret.as_ref().map(answer::secret).transpose()?;
        let token = self.token.as_ref().map(answer::secret).transpose()?;
        let all = [&url_secret, &secret, &token].into_iter().flatten().map(Secret::expose);
        let redactor = Redactor::with_secrets(all);
        let mut requests = self.requests(url, message, secret.as_ref())?;
        if let Some(token) = &token {
            let value = format!("Bearer {}", post::word(text(token)?)?);
            requests.iter_mut().for_each(|request| request.headers.push(("authorization", value.clone())));
        }
        let began = std::time::Instant::now();
        let mut last = None;
        for request in requests {
            // All requests share the time limit. A repeated one changes nothing: it has the same key.
            let within = deadline.within.saturating_sub(began.elapsed());
            if within.is_zero() || (deadline.is_stopping)() {
                return Err(Fault::later("the time limit is over"));
            }
            last = Some(post::post(&request, self.ca_file.as_deref(), within, &redactor)?);
        }
        last.ok_or_else(|| Fault::never("the message has nothing that this receiver understands"))
    }

    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn destination(&self) -> String {
        match &self.url {
            Address::Url(url) => shown_url(url),
            Address::Secret(_) => format!("{} (the URL is a secret)", self.preset.name()),
        }
    }
}

impl WebhookChannel {
    fn requests(&self, url: &str, message: &Message, secret: Option<&Secret>) -> Result<Vec<Request>, Fault> {
        let document = render::document(message);
        let one = |url: &str, body: &Value| Request {
            url: url.to_owned(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        };
        Ok(match self.preset {
            Preset::Json => {
                let body = match &self.template {
                    Some(template) => template.render(message).map_err(|error| Fault::never(error.to_string()))?,
                    None => render::json(message).to_string(),
                };
                let mut request = Request { url: url.to_owned(), headers: Vec::new(), body: body.into_bytes() };
                request.headers.push(("idempotency-key", post::word(&message.id)?.to_owned()));
                if let Some(key) = secret {
                    request.headers.extend(signature::headers(key.expose(), &request.body)?);
                }
                vec![request]
            }
            Preset::Slack => vec![one(url, &chat::slack(&document))],
            Preset::Teams => vec![one(url, &chat::teams(&document))],
            Preset::Discord => vec![one(url, &chat::discord(&document, message))],
            Preset::Ntfy => {
                let (url, topic) = chat::ntfy_topic(url)?;
                vec![one(&url, &chat::ntfy(&document, message, &topic))]
            }
            Preset::Pagerduty => {
                let key = secret.ok_or_else(|| Fault::later("PagerDuty needs a routing key as `secret`"))?;
                let key = text(key)?.trim();
                pager::pagerduty(message, &document, key).iter().map(|body| one(url, body)).collect()
            }
            Preset::Alertmanager => {
                let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
                vec![one(&url, &pager::alertmanager(message, &document))]
            }
        })
    }
}
