//! Texts without secrets: they stay as they are.

use super::*;

const KEPT: &[&str] = &[
    // System log.
    "Nov 28 10:15:01 web1 sshd[811]: Failed password for root from 203.0.113.7 port 52144 ssh2",
    "Nov 28 10:15:02 web1 sshd[811]: Accepted publickey for deploy from 10.0.0.4 port 50022 ssh2: ED25519 SHA256:k3y1b0Zr7f8m2v9Q5x1n6c4L0a8S2d7Hh1J3K5M7P9R",
    "Nov 28 10:15:03 web1 sudo: pam_unix(sudo:auth): authentication failure; logname=app uid=1000 tty=/dev/pts/0 user=app",
    "Nov 28 10:15:03 web1 systemd[1]: Started Session 12 of User root.",
    "Nov 28 10:15:04 web1 kernel: TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.",
    "Nov 28 10:15:05 web1 CRON[4242]: (root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.daily)",
    "systemd-tmpfiles[300]: /run/systemd/ask-password-block created",
    "pam_pwquality(passwd:chauthtok): dictionary check failed",
    "gpg-agent[5]: no passphrase given",
    // Web servers.
    "203.0.113.9 - - [28/Nov/2026:10:15:03 +0000] \"GET /login?next=/account HTTP/1.1\" 302 154 \"-\" \"Mozilla/5.0\"",
    "203.0.113.9 - alice [28/Nov/2026:10:15:03 +0000] \"POST /api/tokens HTTP/1.1\" 201 99 \"https://example.org/@alice\" \"curl/8.5.0\"",
    "2026/11/28 10:15:03 [error] 12#12: *7 upstream timed out (110: Connection timed out), upstream: \"http://127.0.0.1:8080/x@y\", host: \"a\"",
    "no user/password was provided for basic authentication, client: 10.0.0.1",
    "WWW-Authenticate: Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\"",
    "WWW-Authenticate: Basic realm=\"Restricted area 51\"",
    "Basic authentication is off",
    "Access-Control-Allow-Headers: Authorization, Cookie, X-Api-Key",
    "authorization: denied by policy 7",
    "cookie: too large",
    // Databases.
    "2026-11-28 10:15:03.123 UTC [77] FATAL:  password authentication failed for user \"x\"",
    "DETAIL:  User \"x\" has no password assigned.",
    "password_encryption = scram-sha-256",
    "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.7' (using password: YES)",
    "mysql: [Warning] Using a password on the command line interface can be insecure.",
    "mysqld[99]: ready for connections. socket: '/run/mysqld/mysqld.sock'  port: 3306",
    "jdbc:postgresql://db.example.org:5432/app?ssl=true&user=app",
    "redis://cache:6379/0 connected",
    "user:app@localhost",
    // Messages about tokens and secrets.
    "token expired",
    "token: expired",
    "bearer token expired",
    "invalid token: signature mismatch",
    "SyntaxError: Unexpected token: '<'",
    "failed to read secret: permission denied",
    "MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found",
    "password for user app expires in 7 days",
    "max_tokens=4096 total_tokens: 12 tokenizer=x",
    "token_type=bearer expires_in=3600",
    "PASS: test_login (0.01s)",
    "pass: 12 fail: 0",
    "secretName: web-tls",
    "password_file: /etc/app/password",
    "--password-file /etc/app/password --no-password --verbose",
    "--password --verbose",
    "password:",
    "password: null",
    "\"password\": null, \"token\": \"\"",
    "password=*** token=********",
    "std::password::check(x) returned",
    "ssl_certificate_key /etc/ssl/private/web.key;",
    "private_key: /etc/ssl/private/web.key",
    "private_key_path=/etc/app/key",
    "passwd: files systemd",
    "failed to list *v1.Secret: secrets is forbidden: User \"x\" cannot list resource",
    "{\"name\":\"token\",\"type\":\"string\"}",
    "AUTH PLAIN is off",
    "keystore.password.type=PEM spring.datasource.password.encoder=x",
    "Enter passphrase for key '/root/.ssh/id_ed25519':",
    "PasswordAuthentication yes",
    // Settings and identifiers.
    "key: value",
    "PWD=/root OLDPWD=/home/app PATH=/usr/bin",
    "name: web\nreplicas: 3\nimage: docker://registry.example.org:5000/web:1.2@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "image://web:1.2@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "request 123e4567-e89b-12d3-a456-426614174000 done",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  web.tar",
    "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "git clone ssh://git@example.org:22/x.git",
    "git clone https://git@example.org/x.git git@example.org:x/y.git",
    "npm_config_user_agent=npm/10.2 npm_lifecycle_event=build",
    "mkdir -p /var/lib/app && ssh -p22 db && nmap -p80,443 h",
    "mysql -p app",
    "mysqldump app | ssh -p22 backup",
    "curl -u app http://x/",
    "user <app@example.org> wrote: see https://example.org/a:b@c",
    concat!("sha256-ey", "JhbGciOiJIUzI1NiJ9 is only a header"),
    "eyJ.short.x",
    concat!("AKIAshort and xAK", "IAIOSFODNN7EXAMPLE"),
    "the sk_live_ prefix and ghp_ prefix",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQz1c3Jm8b0m1eyJ7sPzY0w7T2kQwCgYIKoZIzj0EAwIw\nHjEcMBoGA1UEAwwTZXhhbXBsZSBjZXJ0aWZpY2F0ZTAeFw0yNjAxMDEwMDAwMDBa\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    "-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n-----END PGP SIGNATURE-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1x2y3z4A5B6C7D8E9F0a1b2c3d4e5f6g7h8i9j app@web",
    "\u{202e}\u{1b}[31mred\u{1b}[0m \u{0} \u{7f} \u{feff}",
];

#[test]
fn ordinary_texts_stay() {
    let redactor = Redactor::with_secrets([b"hunter22".as_slice()]);
    for text in KEPT {
        let redacted = redactor.redact(text);
        assert_eq!(redacted.text, *text);
        assert!(matches!(redacted.text, Cow::Borrowed(_)) && redacted.masked == 0);
    }
}
