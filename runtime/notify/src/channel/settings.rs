//! `[notify.channel.NAME]`: where a channel sends to. Secrets are in files or credentials, never in these settings.

use std::path::PathBuf;

use ansai_kit::secret::SecretSource;
use serde::{Deserialize, Serialize};

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelSettings {
    /// Mail, by SMTP or by the local sendmail.
    Mail(MailSettings),
    /// HTTP POST.
    Webhook(WebhookSettings),
    /// A program that reads JSON on standard input.
    Command(CommandSettings),
    /// The local syslog daemon, in the form of RFC 5424.
    Syslog(SyslogSettings),
    /// The journal of systemd.
    Journal(JournalSettings),
}

/// `kind = "mail"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The sender: `ansai <ansai@web1.example.org>`.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// `HOST` or `HOST:PORT` of the SMTP server; `None`: the local sendmail.
    #[serde(default)]
    pub server: Option<String>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// The user to authenticate as; needs `secret`.
    #[serde(default)]
    pub user: Option<String>,
    /// Where the password is.
    #[serde(default)]
    pub secret: Option<SecretPlace>,
    /// File with the certificates to trust, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The program that sends mails without `server`.
    #[serde(default = "sendmail")]
    pub sendmail: PathBuf,
    /// A template for the text part, instead of the built-in text and HTML.
    #[serde(default)]
    pub template: Option<PathBuf>,
}

fn sendmail() -> PathBuf {
    PathBuf::from("/usr/sbin/sendmail")
}

/// How a connection to an SMTP server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// The connection begins in the clear, and STARTTLS is required. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// No encryption, for servers on this host only. Port 25.
    None,
}

/// `kind = "webhook"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// What the receiver understands.
    #[serde(default)]
    pub preset: Preset,
    /// The URL: `https`, or `http` on this host. PagerDuty has a default.
    #[serde(default)]
    pub url: Option<String>,
    /// Where the URL is, if it is itself a secret, as those of Slack, Teams and Discord.
    #[serde(default)]
    pub url_secret: Option<SecretPlace>,
    /// Where the key is: for the signature of `json`, or the routing key of PagerDuty.
    #[serde(default)]
    pub secret: Option<SecretPlace>,
    /// Where a bearer token is.
    #[serde(default)]
    pub token: Option<SecretPlace>,
    /// File with the certificates to trust, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// A template for the body, with the preset `json` only. It must render valid JSON.
    #[serde(default)]
    pub template: Option<PathBuf>,
}

/// What the receiver of a webhook understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// ansai's own document, signed with HMAC-SHA-256 if there is a `secret`.
    #[default]
    Json,
    /// Incoming webhooks of Slack.
    Slack,
    /// Workflows webhooks of Microsoft Teams.
    Teams,
    /// Webhooks of Discord.
    Discord,
    /// Events API v2 of PagerDuty.
    Pagerduty,
    /// API v2 of Alertmanager.
    Alertmanager,
    /// Publishing as JSON to ntfy. The topic is the path of the URL.
    Ntfy,
}

/// `kind = "command"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// Absolute path of a program, and its arguments.
    pub command: Vec<String>,
    /// A template for standard input, instead of ansai's document.
    #[serde(default)]
    pub template: Option<PathBuf>,
}

/// `kind = "syslog"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSettings {
    /// The socket of the daemon.
    #[serde(default = "dev_log")]
    pub socket: PathBuf,
}

fn dev_log() -> PathBuf {
    PathBuf::from("/dev/log")
}

/// `kind = "journal"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The socket of journald.
    #[serde(default = "journal_socket")]
    pub socket: PathBuf,
}

fn journal_socket() -> PathBuf {
    PathBuf::from("/run/systemd/journal/socket")
}

/// Where a secret is: `{ file = "/etc/ansai/mail.secret" }` or `{ credential = "mail" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    /// In this file; the path is absolute.
    File(PathBuf),
    /// In the credential of this name, which systemd passes to the service.
    Credential(String),
}

impl SecretPlace {
    /// The place, with the directory of the credentials of this service.
    pub fn source(&self, credentials: Option<PathBuf>) -> SecretSource {
        match self {
            SecretPlace::File(path) => SecretSource::File(path.clone()),
            SecretPlace::Credential(name) => SecretSource::Credential { directory: credentials, name: name.clone() },
        }
    }
}

impl ChannelSettings {
    /// Its kind: `mail`.
    pub fn kind(&self) -> &'static str {
        match self {
            ChannelSettings::Mail(_) => "mail",
            ChannelSettings::Webhook(_) => "webhook",
            ChannelSettings::Command(_) => "command",
            ChannelSettings::Syslog(_) => "syslog",
            ChannelSettings::Journal(_) => "journal",
        }
    }
}

impl Preset {
    /// Its name in configuration: `pagerduty`.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Json => "json",
            Preset::Slack => "slack",
            Preset::Teams => "teams",
            Preset::Discord => "discord",
            Preset::Pagerduty => "pagerduty",
            Preset::Alertmanager => "alertmanager",
            Preset::Ntfy => "ntfy",
        }
    }
}
