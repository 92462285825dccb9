//! `kind = "webhook"`: HTTP POST to a chat, a pager or a program of the operator.

mod chat;
mod fit;
mod pager;
mod post;
mod signature;

use std::path::PathBuf;
use std::sync::Arc;

use ansai_kit::carrier::{Carrier, Octets};
use ansai_kit::secret::{Secret, SecretSource};
use serde_json::Value;

use super::answer::{self, text};
use super::network::{self, Outgoing, Secrets};
use super::{Channel, Deadline, Fault, Preset, Receipt};
use crate::message::Message;
use crate::render;
use crate::template::Template;

pub(super) use post::{MOST_WAIT, Post, is_local, post_all, shown_url, wrong_url};

/// Where PagerDuty receives events.
pub(super) const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

pub(super) struct WebhookChannel {
    pub(super) preset: Preset,
    pub(super) url: Address,
    pub(super) secret: Option<SecretSource>,
    pub(super) token: Option<SecretSource>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) template: Option<Template>,
    pub(super) carrier: Option<Arc<dyn Carrier>>,
}

/// Where the URL is.
pub(super) enum Address {
    Url(String),
    Secret(SecretSource),
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
        let mut posts = self.posts(url, message, secret.as_ref())?;
        if let Some(token) = &token {
            let value = format!("Bearer {}", post::word(text(token)?)?);
            posts.iter_mut().for_each(|post| post.headers.push(("authorization".to_owned(), value.clone())));
        }
        let mut secrets = Secrets::default();
        // A signature is sent instead of its key.
        let place = if self.preset == Preset::Json { &mut secrets.kept } else { &mut secrets.sent };
        place.extend(secret);
        secrets.sent.extend([url_secret, token].into_iter().flatten());
        network::send(Outgoing::Posts(posts), secrets, self.carrier.as_ref(), deadline)
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
    fn post(&self, url: &str, body: String) -> Post {
        let body = Octets::of(body.as_bytes());
        Post { url: url.to_owned(), headers: Vec::new(), body, ca_file: self.ca_file.clone() }
    }

    fn posts(&self, url: &str, message: &Message, secret: Option<&Secret>) -> Result<Vec<Post>, Fault> {
        let document = render::document(message);
        let one = |url: &str, body: &Value| self.post(url, body.to_string());
        Ok(match self.preset {
            Preset::Json => {
                let body = match &self.template {
                    Some(template) => template.render(message).map_err(|error| Fault::never(error.to_string()))?,
                    None => render::json(message).to_string(),
                };
                let mut post = self.post(url, body);
                post.headers.push(("idempotency-key".to_owned(), post::word(&message.id)?.to_owned()));
                if let Some(key) = secret {
                    let headers = signature::headers(key.expose(), post.body.expose())?;
                    post.headers.extend(headers.map(|(name, value)| (name.to_owned(), value)));
                }
                vec![post]
            }
            Preset::Slack => vec![one(url, &chat::slack(&document))],
            Preset::Teams => vec![one(url, &chat::teams(&document))],
            Preset::Discord => vec![one(&chat::discord_url(url), &chat::discord(&document, message))],
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
