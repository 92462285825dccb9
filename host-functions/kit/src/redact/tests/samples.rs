//! For each rule a sample that it masks and no other rule, and more texts with secrets.

use super::*;

/// The rule, a text, and the text after masking. `LONG` means 40 bytes that look random.
const RULE_SAMPLES: &[(&str, &str, &str)] = &[
    (
        "pem-key",
        concat!("-----BEGIN EC ", "PRIVATE KEY-----\nMHcC\n-----END EC ", "PRIVATE KEY-----"),
        concat!("-----BEGIN EC ", "PRIVATE KEY-----\n***\n-----END EC ", "PRIVATE KEY-----"),
    ),
    ("putty-key", "Private-Lines: 1\nAAAAQ\nPrivate-MAC: 12", "Private-Lines: 1\n***\nPrivate-MAC: 12"),
    ("aws-key-id", concat!("id AK", "IAIOSFODNN7EXAMPLE used"), "id *** used"),
    ("aws-secret-key", "the secret access key LONG is", "the secret access key *** is"),
    ("github-token", concat!("push gh", "p_LONG failed"), "push *** failed"),
    ("github-pat", concat!("push github_", "pat_LONG failed"), "push *** failed"),
    ("gitlab-token", concat!("pull gl", "pat-LONG failed"), "pull *** failed"),
    ("slack-token", concat!("post xo", "xb-12345-LONG failed"), "post *** failed"),
    ("stripe-key", concat!("pay sk_", "live_LONG failed"), "pay *** failed"),
    ("google-key", concat!("maps AI", "zaSyA1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q failed"), "maps *** failed"),
    ("google-oauth", concat!("login GOC", "SPX-LONG failed"), "login *** failed"),
    ("npm-token", concat!("publish np", "m_LONG failed"), "publish *** failed"),
    ("pypi-token", concat!("upload py", "pi-AgELONG failed"), "upload *** failed"),
    ("service-token", concat!("read hv", "s.LONG failed"), "read *** failed"),
    ("jwt", concat!("claim ey", "JhbGciOiJI.ey", "JzdWIiOiIx.sig failed"), "claim *** failed"),
    ("webhook-url", "POST https://hooks.slack.com/services/T0/B0/x1", "POST https://hooks.slack.com/services/***"),
    ("signed-url", "GET /b?X-Amz-Expires=9&X-Amz-Signature=ab12 200", "GET /b?X-Amz-Expires=9&X-Amz-Signature=*** 200"),
    ("crypt-hash", "app:$6$LONG:19000:0", "app:***:19000:0"),
    ("authorization-header", "authorization: Basic abc", "authorization: Basic ***"),
    ("bearer", "sent Bearer LONG to it", "sent Bearer *** to it"),
    ("basic", "sent Basic YXBwOmh1bnRlcjI= to it", "sent Basic *** to it"),
    ("smtp-auth", "sent AUTH PLAIN AGFwcABodW50ZXIy", "sent AUTH PLAIN ***"),
    ("redis-directive", "requirepass \"hunter2\"", "requirepass \"***\""),
    ("cookie-header", "Set-Cookie: id=1; Path=/", "Set-Cookie: ***"),
    ("url-password", "at amqp://app:hunter2@mq/", "at amqp://app:***@mq/"),
    ("go-dsn", "dsn app:hunter2@tcp(db:3306)/app", "dsn app:***@tcp(db:3306)/app"),
    ("named-secret", "db_password = hunter2", "db_password = ***"),
    ("named-token", "token=abc", "token=***"),
    ("named-short", "DB_PASS=abc", "DB_PASS=***"),
    ("named-key", "AccountKey=abc", "AccountKey=***"),
    ("passphrase", "passphrase: four words of it", "passphrase: ***"),
    ("option-value", "run --db-password hunter2 now", "run --db-password *** now"),
    ("sql-password", "CREATE USER app IDENTIFIED BY 'it''s'", "CREATE USER app IDENTIFIED BY '***'"),
    ("mysql-option", "/usr/bin/mysqldump -uroot -phunter2 app", "/usr/bin/mysqldump -uroot -p*** app"),
    ("password-option", "sshpass -p hunter2 ssh -p 22 db", "sshpass -p *** ssh -p 22 db"),
    ("redis-option", "redis-cli -h r -a hunter2 ping", "redis-cli -h r -a *** ping"),
    ("ldap-option", "ldapsearch -x -w hunter2 -b dc=x", "ldapsearch -x -w *** -b dc=x"),
    ("curl-option", "curl -s -u app:hunter2 http://x/", "curl -s -u app:*** http://x/"),
];

#[test]
fn each_rule_masks_its_sample_and_no_other_rule_does() {
    for rule in RULES {
        let (_, text, expected) = RULE_SAMPLES.iter().find(|(name, ..)| *name == rule.name).unwrap();
        let text = text.replace("LONG", LONG);
        let alone = Redactor::with_rules(vec![rule]).redact(&text);
        assert_eq!((alone.text.as_ref(), alone.masked), (*expected, 1), "{}", rule.name);
        let others = Redactor::with_rules(RULES.iter().filter(|other| other.name != rule.name).collect());
        assert_eq!(others.redact(&text).text, text, "another rule than {}", rule.name);
        assert_eq!(masked(&text), *expected, "{}", rule.name);
    }
    assert_eq!(RULE_SAMPLES.len(), RULES.len());
}

#[test]
fn each_trigger_finds_something() {
    let word = |name: &str, word: &str| match name {
        "url-password" => format!("app{word}u:hunter2@h"),
        "go-dsn" => format!("u:hunter2{word}h)"),
        "authorization-header" => format!("{word}: Basic x"),
        "cookie-header" => format!("{word}: a=b"),
        "basic" => format!("{word}YXBwOmh1bnRlcjI="),
        "named-secret" | "named-token" | "named-short" | "named-key" | "passphrase" => format!("my_{word}=x"),
        "option-value" => format!("--{word} x"),
        "sql-password" => format!("{word} 'x'"),
        "mysql-option" | "password-option" => format!("{word} -px"),
        "redis-option" => format!("{word} -a x"),
        "ldap-option" => format!("{word}search -w x"),
        "curl-option" => format!("{word} -u a:x"),
        "aws-key-id" => format!("{word}IOSFODNN7EXAMPLE"),
        "aws-secret-key" => format!("{word} {LONG}"),
        "google-key" => format!("{word}{}", &LONG[..35]),
        "jwt" => format!("{word}{LONG}.{LONG}"),
        _ => format!("{word}{LONG}"),
    };
    for rule in RULES.iter().filter(|rule| !matches!(rule.shape, shape::Shape::Block(_))) {
        for trigger in rule.triggers.iter().flat_map(|group| group.iter()) {
            let text = word(rule.name, trigger);
            assert_eq!(Redactor::with_rules(vec![rule]).redact(&text).masked, 1, "{}: {text}", rule.name);
        }
    }
}

/// Texts and what they become; `hunter2` and what is like it must be gone.
const MORE: &[(&str, &str)] = &[
    // Settings.
    ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
    ("MYSQL_PWD=hunter2", "MYSQL_PWD=***"),
    ("passwd: hunter2", "passwd: ***"),
    ("password => hunter2", "password => ***"),
    ("password := hunter2", "password := ***"),
    ("password='hunter2'", "password='***'"),
    ("host=x password='a b' user=y", "host=x password='***' user=y"),
    (r"host=x password='a\' b' user=y", "host=x password='***' user=y"),
    ("host=x password='a'' b' user=y", "host=x password='***' user=y"),
    ("password=h&u;n,t<e>r\"2 x", "password=*** x"),
    ("Server=db;Password=hunter2;Database=app", "Server=db;Password=***;Database=app"),
    ("user=app&password=hunter2&x=1", "user=app&password=***&x=1"),
    ("user[password]=hunter2&x=1", "user[password]=***&x=1"),
    ("user%5Bpassword%5D=hunter2 x", "user%5Bpassword%5D=*** x"),
    ("next=%2F%3Fpassword%3Dhunter2", "next=%2F%3Fpassword%3D***"),
    ("level=info password=hunter2, user=app", "level=info password=***, user=app"),
    ("SECRET_KEY_BASE=abc123", "SECRET_KEY_BASE=***"),
    ("<password>hunter2</password>", "<password>***</password>"),
    ("<ns:Password>hunter2</ns:Password>", "<ns:Password>***</ns:Password>"),
    ("//registry.npmjs.org/:_authToken=abc", "//registry.npmjs.org/:_authToken=***"),
    ("X-Vault-Token: hunter2", "X-Vault-Token: ***"),
    ("PrivateKey = aGVsbG8gd29ybGQ=", "PrivateKey = ***"),
    ("AWS_SECRET_ACCESS_KEY=LONG", "AWS_SECRET_ACCESS_KEY=***"),
    ("aws configure set aws_secret_access_key LONG", "aws configure set aws_secret_access_key ***"),
    ("wifi psk=\"two words\"", "wifi psk=\"***\""),
    // JSON.
    (r#"{"secret": "hunter2", "a": 1}"#, r#"{"secret": "***", "a": 1}"#),
    (r#"{"password":12345,"a":1}"#, r#"{"password":***,"a":1}"#),
    (r#"{"password":"a\"b\\","a":"b"}"#, r#"{"password":"***","a":"b"}"#),
    (r#"{"m":"{\"password\":\"a\\\"b\",\"u\":\"x\"}"}"#, r#"{"m":"{\"password\":\"***\",\"u\":\"x\"}"}"#),
    (r#"{"passwords":1,"api_key":["hunter2"]}"#, r#"{"passwords":1,"api_key":["***"]}"#),
    ("{'password': 'hunter2', 'a': 1}", "{'password': '***', 'a': 1}"),
    (r#"{"cmd":"psql password=hunter2","a":1}"#, r#"{"cmd":"psql password=***","a":1}"#),
    (r#"{"url":"https:\/\/app:hunter2@h\/"}"#, r#"{"url":"https:\/\/app:***@h\/"}"#),
    (r#"[{"name":"DB_PASSWORD","value":"hunter2"}]"#, r#"[{"name":"DB_PASSWORD","value":"***"}]"#),
    (r#"[{"name": "DB_PASSWORD", "value": "hunter2"}]"#, r#"[{"name": "DB_PASSWORD", "value": "***"}]"#),
    // Command lines.
    ("app --password=hunter2 --verbose", "app --password=*** --verbose"),
    ("app --token hunter2", "app --token ***"),
    ("app --password 'two words' x", "app --password '***' x"),
    ("app\0--password\0hunter2\0-v", "app\0--password\0***\0-v"),
    (r#"["app","--password","hunter2","-v"]"#, r#"["app","--password","***","-v"]"#),
    (r#"["mysql","-phunter2","-v"]"#, r#"["mysql","-p***","-v"]"#),
    ("mysql\0-uroot\0-phunter2", "mysql\0-uroot\0-p***"),
    ("sh -c \"PGPASSWORD='hunter2' psql\"", "sh -c \"PGPASSWORD='***' psql\""),
    (r"mysql -p'it'\''s' app", "mysql -p'***' app"),
    ("curl --user=app:hunter2 -U p:hunter2 x", "curl --user=app:*** -U p:*** x"),
    ("openssl rsa -passin pass:hunter2x", "openssl rsa -passin pass:***"),
    (
        "SET PASSWORD FOR 'a'@'%' = 'x'; ALTER USER a PASSWORD 'hunter2'",
        "SET PASSWORD FOR 'a'@'%' = 'x'; ALTER USER a PASSWORD '***'",
    ),
    // URLs.
    ("redis://:hunter2@r:6379/0", "redis://:***@r:6379/0"),
    ("postgres://u:p@ss/w0?r#d@db:5432/app", "postgres://u:***@db:5432/app"),
    ("postgres://u:a,b:c@db/app", "postgres://u:***@db/app"),
    ("postgresql://u:h%40unter@h1,h2/app?x=1", "postgresql://u:***@h1,h2/app?x=1"),
    ("mongodb://u:hunter2@h1:27017,h2:27017/db", "mongodb://u:***@h1:27017,h2:27017/db"),
    ("amqp://a:b1@h1,amqp://c:d2@h2", "amqp://a:***@h1,amqp://c:***@h2"),
    ("https://u:hunter2@h/@scope/x", "https://u:***@h/@scope/x"),
    ("https://LONG@git.example.org/x", "https://***@git.example.org/x"),
    ("https://h/x?access_token=hunter2&a=1", "https://h/x?access_token=***&a=1"),
    // Headers.
    ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
    ("Authorization: Token hunter2", "Authorization: Token ***"),
    ("Proxy-Authorization: Basic aHVudGVyMg==", "Proxy-Authorization: Basic ***"),
    ("Authorization: Digest username=\"a\", response=\"b\"", "Authorization: Digest ***"),
    ("curl -H 'Authorization: Bearer hunter2' http://x/", "curl -H 'Authorization: Bearer ***' http://x/"),
    (r#"{"authorization":"Bearer hunter2","a":1}"#, r#"{"authorization":"Bearer ***","a":1}"#),
    ("curl -H \"Cookie: a=b; c=d\" http://x/", "curl -H \"Cookie: ***\" http://x/"),
    (r#"{"cookie": "a=b", "x": 1}"#, r#"{"cookie": "***", "x": 1}"#),
    ("map[Authorization:[Bearer hunter2] Host:[h]]", "map[Authorization:[Bearer *** Host:[h]]"),
    // Overlaps: one mask.
    (concat!("{\"url\":\"https://x:gh", "p_LONG@github.com/a\"}"), "{\"url\":\"https://x:***@github.com/a\"}"),
    (concat!("token=gh", "p_LONG"), "token=***"),
    ("Authorization: Bearer eyJLONG.eyJLONG.x", "Authorization: Bearer ***"),
    ("\u{202e}password=\u{e9}\u{1f511} \u{7}", "\u{202e}password=*** \u{7}"),
];

#[test]
fn more_texts_with_secrets() {
    for (text, expected) in MORE {
        let text = text.replace("LONG", LONG);
        let redacted = Redactor::new().redact(&text);
        assert_eq!(redacted.text, *expected, "from {text}");
        assert_eq!(usize::try_from(redacted.masked).unwrap(), expected.matches(MASK).count(), "{text}");
        assert_eq!(masked(expected), *expected);
    }
}
