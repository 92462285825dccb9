//! From settings to a channel; what is wrong with settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::scope::is_plain_absolute;
use ansai_core::text::inert;
use ansai_core::{Code, codes};
use ansai_kit::carrier::Carrier;
use ansai_kit::program::executable;
use ansai_kit::secret::SecretSource;
use lettre::message::Mailbox;

use super::command::CommandChannel;
use super::journal::JournalChannel;
use super::mail::{MailChannel, Server, Way, mailbox};
use super::syslog::SyslogChannel;
use super::webhook::{Address, PAGERDUTY, WebhookChannel, is_local, wrong_url};
use super::{Channel, ChannelSettings, CommandSettings, MailSettings, Preset, SecretPlace, Tls, WebhookSettings};
use crate::template::{Target, Template};

/// Most recipients of a mail.
const MOST_RECIPIENTS: usize = 50;

/// What a channel needs to know of the service that runs ansai.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The directory of the credentials that systemd passed; `None` without.
    pub credentials: Option<PathBuf>,
    /// What sends mails by SMTP and calls webhooks for the channel; `None`: this process does.
    pub carrier: Option<Arc<dyn Carrier>>,
}

/// Something is wrong with the settings of a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChannelError {
    /// What kind of error it is.
    pub code: Code,
    /// The key of the setting.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub hint: String,
}

/// What is wrong with the settings: everything at once. Secrets are checked but not read, and templates are rendered with
/// sample messages.
pub fn check(settings: &ChannelSettings, surroundings: &Surroundings) -> Vec<ChannelError> {
    let mut problems = Vec::new();
    build(settings, surroundings, &mut problems);
    problems
}

/// The channel. A secret or a program that cannot be used now is not an error: each attempt looks again.
///
/// # Errors
/// The first thing that is wrong with the settings.
pub fn open(settings: &ChannelSettings, surroundings: &Surroundings) -> Result<Box<dyn Channel>, ChannelError> {
    let mut problems = Vec::new();
    let channel = build(settings, surroundings, &mut problems);
    let first = problems.into_iter().find(|problem| {
        let is_passing = matches!(problem.key, "secret" | "token" | "url_secret" | "command" | "sendmail");
        !is_passing || problem.code == codes::CHANNEL_SETTINGS
    });
    match (first, channel) {
        (Some(problem), _) => Err(problem),
        (None, Some(channel)) => Ok(channel),
        (None, None) => Err(wrong("kind", "the channel cannot be opened", "run ansai check")),
    }
}

fn wrong(key: &'static str, message: impl Into<String>, hint: impl Into<String>) -> ChannelError {
    ChannelError { code: codes::CHANNEL_SETTINGS, key, message: message.into(), hint: hint.into() }
}

fn build(
    settings: &ChannelSettings,
    surroundings: &Surroundings,
    problems: &mut Vec<ChannelError>,
) -> Option<Box<dyn Channel>> {
    match settings {
        ChannelSettings::Mail(mail) => Some(Box::new(self::mail(mail, surroundings, problems)?)),
        ChannelSettings::Webhook(webhook) => Some(Box::new(self::webhook(webhook, surroundings, problems)?)),
        ChannelSettings::Command(command) => Some(Box::new(self::command(command, problems)?)),
        ChannelSettings::Syslog(syslog) => {
            absolute("socket", &syslog.socket, problems);
            Some(Box::new(SyslogChannel::new(syslog)))
        }
        ChannelSettings::Journal(journal) => {
            absolute("socket", &journal.socket, problems);
            Some(Box::new(JournalChannel::new(journal)))
        }
    }
}

fn mail(settings: &MailSettings, surroundings: &Surroundings, problems: &mut Vec<ChannelError>) -> Option<MailChannel> {
    let from = address("from", &settings.from, problems);
    if settings.to.is_empty() || settings.to.len() > MOST_RECIPIENTS {
        let message = format!("`to` has {} addresses; 1 to {MOST_RECIPIENTS} are possible", settings.to.len());
        problems.push(wrong("to", message, "such as to = [\"ops@example.org\"]"));
    }
    let to: Vec<Mailbox> = settings.to.iter().filter_map(|text| address("to", text, problems)).collect();
    let template = template(settings.template.as_deref(), Target::Text, problems);
    let source = secret("secret", settings.secret.as_ref(), surroundings, problems);
    let way = match &settings.server {
        Some(text) => Way::Smtp { server: server(text, settings, problems)?, login: settings.user.clone().zip(source) },
        None => {
            let set = [
                ("user", settings.user.is_some()),
                ("secret", settings.secret.is_some()),
                ("ca_file", settings.ca_file.is_some()),
                ("tls", settings.tls != Tls::default()),
            ];
            for (key, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
                problems.push(wrong(
                    key,
                    format!("`{key}` needs `server`"),
                    "add, for example:\nserver = \"smtp.example.org\"",
                ));
            }
            program("sendmail", &settings.sendmail, problems);
            Way::Sendmail(settings.sendmail.clone())
        }
    };
    Some(MailChannel { from: from?, to, way, template, carrier: surroundings.carrier.clone() })
}

fn server(text: &str, settings: &MailSettings, problems: &mut Vec<ChannelError>) -> Option<Server> {
    let default = match settings.tls {
        Tls::Starttls => 587,
        Tls::Tls => 465,
        Tls::None => 25,
    };
    let parts = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => Some((host, default)),
        Some((host, port)) => port.strip_prefix(':').and_then(|port| Some((host, port.parse().ok()?))),
        None => match text.split_once(':') {
            None => Some((text, default)),
            Some((host, port)) => port.parse().ok().map(|port| (host, port)),
        },
    };
    let is_host = |host: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        !host.is_empty() && host.len() <= 253 && host.chars().all(known)
    };
    let Some((host, port)) = parts.filter(|(host, port): &(&str, u16)| is_host(host) && *port > 0) else {
        let message = format!("`server` is not a host: {}", inert(text, 100));
        problems.push(wrong("server", message, "write HOST, HOST:PORT or [ADDRESS]:PORT"));
        return None;
    };
    if settings.tls == Tls::None && !is_local(host) {
        let message = "`tls = \"none\"` sends mails in the clear: it is for this host only";
        problems.push(wrong("tls", message, "delete the line: STARTTLS is the default"));
    }
    let (user, secret) = (settings.user.as_deref(), settings.secret.is_some());
    match (user, secret) {
        (Some(_), false) => {
            problems.push(wrong("user", "`user` needs `secret`", "add secret = { file = \"/etc/ansai/mail.secret\" }"));
        }
        (None, true) => problems.push(wrong("secret", "`secret` needs `user`", "add user = \"ansai\"")),
        _ => {}
    }
    if user.is_some_and(|user| user.is_empty() || inert(user, 256) != user) {
        problems.push(wrong(
            "user",
            "`user` is empty or holds a control character",
            "write the name in visible characters",
        ));
    }
    if let Some(path) = &settings.ca_file {
        absolute("ca_file", path, problems);
    }
    Some(Server { host: host.to_owned(), port, tls: settings.tls, ca_file: settings.ca_file.clone() })
}

fn webhook(
    settings: &WebhookSettings,
    surroundings: &Surroundings,
    problems: &mut Vec<ChannelError>,
) -> Option<WebhookChannel> {
    let preset = settings.preset;
    let source = secret("url_secret", settings.url_secret.as_ref(), surroundings, problems);
    let url = match (&settings.url, source, preset) {
        (Some(_), Some(_), _) => {
            problems.push(wrong("url", "the channel has both of `url` and `url_secret`", "keep one of them"));
            None
        }
        (Some(url), None, _) => {
            if let Some(why) = wrong_url(url) {
                problems.push(ChannelError {
                    code: codes::BAD_URL,
                    ..wrong("url", format!("`url` {why}"), "such as \"https://hooks.example.org/ansai\"")
                });
            }
            Some(Address::Url(url.clone()))
        }
        (None, Some(source), _) => Some(Address::Secret(source)),
        (None, None, Preset::Pagerduty) => Some(Address::Url(PAGERDUTY.to_owned())),
        (None, None, _) => {
            let hint = "add url = \"https://…\", or url_secret = { file = \"/etc/ansai/chat.url\" }";
            problems.push(wrong("url", "the channel has none of `url` and `url_secret`", hint));
            None
        }
    };
    let key = secret("secret", settings.secret.as_ref(), surroundings, problems);
    match (preset, settings.secret.is_some()) {
        (Preset::Pagerduty, false) => {
            let hint = "add secret = { file = \"/etc/ansai/pagerduty.secret\" }";
            problems.push(wrong("secret", "PagerDuty needs a routing key as `secret`", hint));
        }
        (Preset::Json | Preset::Pagerduty, _) | (_, false) => {}
        (preset, true) => {
            let message = format!("`secret` has no use with the preset `{}`", preset.name());
            problems.push(wrong("secret", message, "delete it; a bearer token is `token`"));
        }
    }
    if settings.template.is_some() && preset != Preset::Json {
        let message = format!("`template` has no use with the preset `{}`", preset.name());
        problems.push(wrong("template", message, "use the preset `json`"));
    }
    if let Some(path) = &settings.ca_file {
        absolute("ca_file", path, problems);
    }
    let token = secret("token", settings.token.as_ref(), surroundings, problems);
    let template = template(settings.template.as_deref(), Target::Json, problems);
    let carrier = surroundings.carrier.clone();
    Some(WebhookChannel { preset, url: url?, secret: key, token, ca_file: settings.ca_file.clone(), template, carrier })
}

fn command(settings: &CommandSettings, problems: &mut Vec<ChannelError>) -> Option<CommandChannel> {
    let template = template(settings.template.as_deref(), Target::Text, problems);
    match settings.command.first() {
        Some(path) => program("command", Path::new(path), problems),
        None => problems.push(wrong(
            "command",
            "`command` is empty",
            "such as [\"/usr/local/bin/page\", \"--team\", \"db\"]",
        )),
    }
    if settings.command.iter().any(|word| word.contains('\0')) {
        problems.push(wrong("command", "a word of `command` holds a zero byte", "delete it"));
    }
    Some(CommandChannel::new(settings, template))
}

fn program(key: &'static str, path: &Path, problems: &mut Vec<ChannelError>) {
    if let Err(error) = executable(path) {
        problems.push(ChannelError {
            code: error.code(),
            key,
            message: format!("`{key}`: {error}"),
            hint: error.hint(),
        });
    }
}

fn address(key: &'static str, text: &str, problems: &mut Vec<ChannelError>) -> Option<Mailbox> {
    let found = mailbox(text);
    if found.is_none() {
        let message = format!("`{key}` is not a mail address: {}", inert(text, 100));
        problems.push(wrong(key, message, "such as \"ansai <ansai@web1.example.org>\""));
    }
    found
}

fn absolute(key: &'static str, path: &Path, problems: &mut Vec<ChannelError>) {
    if !path.to_str().is_some_and(is_plain_absolute) {
        let message = format!("`{key}` must be an absolute path without `.` or `..`");
        problems.push(ChannelError { code: codes::BAD_PATH, ..wrong(key, message, "without a slash at the end, too") });
    }
}

fn secret(
    key: &'static str,
    place: Option<&SecretPlace>,
    surroundings: &Surroundings,
    problems: &mut Vec<ChannelError>,
) -> Option<SecretSource> {
    let source = place?.source(surroundings.credentials.clone());
    if let Err(error) = source.check() {
        problems.push(ChannelError {
            code: error.code(),
            key,
            message: format!("`{key}`: {error}"),
            hint: error.hint(),
        });
    }
    Some(source)
}

fn template(path: Option<&Path>, target: Target, problems: &mut Vec<ChannelError>) -> Option<Template> {
    let read = Template::read(path?, target).and_then(|template| template.check().map(|()| template));
    match read {
        Ok(template) => Some(template),
        Err(error) => {
            let hint = "see notifications.md for the fields; a template sees nothing else";
            problems
                .push(ChannelError { code: error.code(), ..wrong("template", format!("`template`: {error}"), hint) });
            None
        }
    }
}
