//! The rules: what each finds, the words that trigger it, and the shape of what follows or precedes such a word.

use super::shape::{Flag, Named, Shape};
use super::text::Class;

/// One rule of the redactor.
#[derive(Debug)]
pub struct Rule {
    /// Its name, for documentation and tests.
    pub name: &'static str,
    /// What it finds, with an example.
    pub finds: &'static str,
    /// Words that trigger it, in groups. Upper and lower case matter only for tokens and key blocks.
    pub(crate) triggers: &'static [&'static [&'static str]],
    /// What is around such a word.
    pub(crate) shape: Shape,
}

const STRONG: &[&str] =
    &["password", "passwd", "secret", "apikey", "api_key", "api-key", "authkey", "auth_key", "auth-key"];
const PHRASE: &[&str] = &["passphrase", "pass_phrase", "pass-phrase"];
const WEAK: &[&str] = &["token"];
const SHORT: &[&str] = &["pass", "pwd", "psk", "phpsessid", "jsessionid"];
const KEY: &[&str] = &[
    "accesskey",
    "access_key",
    "access-key",
    "privatekey",
    "private_key",
    "private-key",
    "accountkey",
    "account_key",
    "account-key",
    "sharedkey",
    "shared_key",
    "shared-key",
    "signingkey",
    "signing_key",
    "signing-key",
    "encryptionkey",
    "encryption_key",
    "encryption-key",
    "masterkey",
    "master_key",
    "master-key",
];

const fn named(
    name: &'static str,
    finds: &'static str,
    triggers: &'static [&'static [&'static str]],
    kind: Named,
) -> Rule {
    Rule { name, finds, triggers, shape: Shape::Named(kind) }
}

const fn token(
    name: &'static str,
    finds: &'static str,
    triggers: &'static [&'static [&'static str]],
    body: Class,
    (least, most): (usize, usize),
) -> Rule {
    Rule { name, finds, triggers, shape: Shape::Token { body, least, most } }
}

const fn rule(
    name: &'static str,
    finds: &'static str,
    triggers: &'static [&'static [&'static str]],
    shape: Shape,
) -> Rule {
    Rule { name, finds, triggers, shape }
}

const fn flag(options: &'static [&'static str], separate: bool, with_user: bool) -> Shape {
    Shape::Command(Flag { options, separate, with_user })
}

/// No upper limit.
const ANY: usize = usize::MAX;

/// All rules. A redactor applies them all; their order does not matter.
pub static RULES: &[Rule] = &[
    rule(
        "pem-key",
        "private keys in PEM, OpenSSH, PGP and ssh.com format, and OpenVPN static keys; up to the end of the text if END is missing",
        &[&["-----BEGIN ", "---- BEGIN "], &["-----END ", "---- END "]],
        Shape::Block(0),
    ),
    rule(
        "putty-key",
        "the private part of a PuTTY key file",
        &[&["Private-Lines:"], &["Private-MAC:"]],
        Shape::Block(1),
    ),
    token("aws-key-id", "AWS access key ids: AKIA…", &[&["AKIA", "ASIA", "ABIA", "ACCA"]], Class::Upper, (16, 16)),
    rule(
        "aws-secret-key",
        "AWS secret access keys near their name, without a separator: secret access key wJal…",
        &[&["secret access key", "secret_access_key", "secretaccesskey"]],
        Shape::AwsSecret,
    ),
    token(
        "github-token",
        "GitHub tokens: ghp_…",
        &[&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]],
        Class::Dashed,
        (30, ANY),
    ),
    token("github-pat", "fine-grained GitHub tokens: github_pat_…", &[&["github_pat_"]], Class::Dashed, (22, ANY)),
    token(
        "gitlab-token",
        "GitLab tokens: glpat-…",
        &[&["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-"]],
        Class::Dashed,
        (20, ANY),
    ),
    token(
        "slack-token",
        "Slack tokens: xoxb-…",
        &[&["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xoxc-", "xoxd-", "xapp-"]],
        Class::Dashed,
        (10, ANY),
    ),
    token(
        "stripe-key",
        "Stripe keys: sk_live_…",
        &[&["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"]],
        Class::Alnum,
        (10, ANY),
    ),
    token("google-key", "Google API keys: AIza…", &[&["AIza"]], Class::Dashed, (35, 35)),
    token(
        "google-oauth",
        "Google OAuth secrets and tokens: GOCSPX-…, ya29.…",
        &[&["GOCSPX-", "ya29."]],
        Class::Dashed,
        (20, ANY),
    ),
    token("npm-token", "npm tokens: npm_…", &[&["npm_"]], Class::Alnum, (36, ANY)),
    token("pypi-token", "PyPI tokens: pypi-AgE…", &[&["pypi-AgE"]], Class::Dashed, (40, ANY)),
    token(
        "service-token",
        "tokens of other services with a documented prefix: Vault, DigitalOcean, Docker, Hugging Face, Grafana, SendGrid, Anthropic, OpenAI, Shopify, age",
        &[&[
            "hvs.",
            "hvb.",
            "dop_v1_",
            "dckr_pat_",
            "hf_",
            "glsa_",
            "SG.",
            "sk-ant-",
            "sk-proj-",
            "shpat_",
            "AGE-SECRET-KEY-1",
        ]],
        Class::Dashed,
        (20, ANY),
    ),
    rule("jwt", "JSON web tokens: eyJ….eyJ….…", &[&["eyJ"]], Shape::Jwt),
    rule(
        "webhook-url",
        "webhook URLs whose path is the secret: Slack, Discord, Telegram",
        &[&[
            "hooks.slack.com/services/",
            "discord.com/api/webhooks/",
            "discordapp.com/api/webhooks/",
            "api.telegram.org/bot",
        ]],
        Shape::Rest,
    ),
    rule(
        "signed-url",
        "signatures of signed URLs: X-Amz-Signature=…, sig=…",
        &[&["x-amz-signature=", "x-goog-signature=", "&sig=", "?sig="]],
        Shape::Rest,
    ),
    token(
        "crypt-hash",
        "hashes of passwords: $6$…, $2b$…, $argon2id$…, SCRAM-SHA-256$…",
        &[&["$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$", "$2y$", "$argon2i$", "$argon2id$", "SCRAM-SHA-256$4096:"]],
        Class::Crypt,
        (20, ANY),
    ),
    rule(
        "authorization-header",
        "Authorization: Bearer …, Basic …, Token … and others",
        &[&["authorization"]],
        Shape::Authorization,
    ),
    rule("bearer", "Bearer … outside of a header", &[&["bearer ", "bearer%20"]], Shape::Bearer),
    rule(
        "basic",
        "Basic … outside of a header, if it decodes to user:password",
        &[&["basic ", "basic%20"]],
        Shape::Basic,
    ),
    rule("smtp-auth", "AUTH PLAIN … in logs of mail servers", &[&["auth plain "]], Shape::Bearer),
    rule(
        "redis-directive",
        "directives of redis.conf: requirepass …, masterauth …",
        &[&["requirepass ", "masterauth "]],
        Shape::Rest,
    ),
    rule("cookie-header", "Cookie and Set-Cookie headers", &[&["cookie"]], Shape::Cookie),
    rule("url-password", "passwords in URLs and DSNs: postgres://user:…@host", &[&["://", ":\\/\\/"]], Shape::Url),
    rule(
        "go-dsn",
        "passwords in DSNs of Go's MySQL driver: user:…@tcp(host)",
        &[&["@tcp(", "@unix(", "@tcp6("]],
        Shape::GoDsn,
    ),
    named("named-secret", "password=…, \"secret\": \"…\", PGPASSWORD=…, api_key => …", &[STRONG], Named::Strong),
    named("named-token", "access_token=…, token: … if it looks random", &[WEAK], Named::Weak),
    named("named-short", "DB_PASS=…, MYSQL_PWD=…, psk=…, PHPSESSID=…", &[SHORT], Named::Short),
    named("named-key", "private_key=…, AccountKey=…, access-key: …; not the path of a key file", &[KEY], Named::Key),
    named("passphrase", "passphrase: … up to the end of the line", &[PHRASE], Named::Phrase),
    rule(
        "option-value",
        "--password …, --token …, also as [\"--password\",\"…\"]",
        &[STRONG, WEAK, SHORT, KEY, PHRASE],
        Shape::OptionValue,
    ),
    rule("sql-password", "PASSWORD '…' and IDENTIFIED BY '…'", &[&["password", "identified by"]], Shape::Sql),
    rule("mysql-option", "mysql -p…", &[&["mysql", "mariadb"]], flag(&["-p"], false, false)),
    rule(
        "password-option",
        "sshpass -p …, mongosh -p …, docker login -p …",
        &[&["sshpass", "mongo", "docker login", "podman login", "registry login"]],
        flag(&["-p"], true, false),
    ),
    rule("redis-option", "redis-cli -a …", &[&["redis-cli", "valkey-cli"]], flag(&["-a"], true, false)),
    rule("ldap-option", "ldapsearch -w …", &[&["ldap"]], flag(&["-w"], true, false)),
    rule("curl-option", "curl -u user:…", &[&["curl"]], flag(&["-u", "--user", "-U", "--proxy-user"], true, true)),
];
