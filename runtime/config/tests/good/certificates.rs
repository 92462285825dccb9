//! Targets of the kind `certificate`.

use ansai_config::{CertificateFiles, Reload};

use crate::*;

const GOOD: &str = r#"
kind = "certificate"
certificate = "/etc/ssl/web.pem"
key = "/etc/ssl/web.key"
"#;

fn read(text: &str) -> Result<Option<CertificateFiles>, Vec<ansai_core::Code>> {
    let text = format!("[policy.a]\n[policy.a.target.web]\n[target.web]\n{text}");
    match HostConfig::parse("ansai.toml", &text, INTERFACES) {
        Ok(config) => Ok(config.targets["web"].certificate.clone()),
        Err(problems) => Err(problems.entries().iter().map(|entry| entry.code).collect()),
    }
}

#[test]
fn files_test_and_reload_are_read() {
    let with_unit = read(&format!("{GOOD}test = [\"/usr/sbin/nginx\", \"-t\"]\nreload = \"nginx@a.service\"\n"));
    let expected = CertificateFiles {
        certificate: "/etc/ssl/web.pem".into(),
        key: "/etc/ssl/web.key".into(),
        test: vec!["/usr/sbin/nginx".into(), "-t".into()],
        reload: Reload::Unit("nginx@a.service".into()),
    };
    assert_eq!(with_unit, Ok(Some(expected)));
    let with_command = read(&format!("{GOOD}reload = [\"/usr/bin/true\"]\n")).unwrap().unwrap();
    assert!(with_command.test.is_empty());
    assert_eq!(with_command.reload, Reload::Command(vec!["/usr/bin/true".into()]));
    assert_eq!(read("kind = \"postgresql\"\n"), Ok(None));
}

#[test]
fn what_cannot_be_is_refused_with_a_code() {
    for (lines, code) in [
        ("reload = \"nginx\"", codes::BAD_NAME),
        ("reload = \"-x.service\"", codes::BAD_NAME),
        ("reload = \"a b.service\"", codes::BAD_NAME),
        ("reload = \".service\"", codes::BAD_NAME),
        ("reload = []", codes::BAD_COMMAND),
        ("reload = [\"nginx\"]", codes::BAD_COMMAND),
        ("reload = [\"/a\\u0000b\"]", codes::BAD_COMMAND),
        ("reload = 5", codes::WRONG_TYPE),
        ("reload = \"a.service\"\ntest = \"nginx -t\"", codes::WRONG_TYPE),
        ("reload = \"a.service\"\ntest = [\"/bin/a\", 5]", codes::BAD_COMMAND),
        ("", codes::MISSING_KEY),
    ] {
        let found = read(&format!("{GOOD}{lines}\n")).unwrap_err();
        assert!(found.contains(&code), "{lines}: {found:?}");
    }
    for path in ["web.pem", "/", "/a/../b", "/a\\u001bb"] {
        let text = format!("kind = \"certificate\"\ncertificate = \"{path}\"\nkey = \"/k\"\nreload = \"a.service\"\n");
        assert!(read(&text).unwrap_err().contains(&codes::BAD_PATH), "{path}");
    }
    let other = read("kind = \"postgresql\"\ncertificate = \"/a\"\n").unwrap_err();
    assert!(other.contains(&codes::UNKNOWN_KEY), "{other:?}");
}
