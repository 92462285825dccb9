//! Templates that are right, wrong and hostile.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use super::*;
use crate::render::tests::hostile;

fn template(source: &str, target: Target) -> Result<Template, TemplateError> {
    Template::new(Path::new("/etc/ansai/t"), source.to_owned(), target)
}

#[track_caller]
fn refused(source: &str, target: Target) -> String {
    let result = template(source, target).and_then(|template| template.check());
    let error = result.unwrap_err();
    assert_eq!(error.code(), codes::NOTIFY_TEMPLATE);
    error.to_string()
}

#[test]
fn a_template_sees_the_fields_of_the_document() {
    let source = "{{ subject }}\n{% for notice in notices %}{{ notice.kind }} {{ notice.severity }}\
                  {% if notice.undo %} {{ notice.undo.command }}{% endif %}\n{% endfor %}";
    let template = template(source, Target::Text).unwrap();
    template.check().unwrap();
    let text = template.render(&sample::messages().remove(4)).unwrap();
    assert_eq!(text, "[ansai] web1: RESOLVED disk /var (healed in 41 s)\nhealed warning ansai undo 3f2a91\n");
    let json = self::template("{\"title\": {{ subject }}, \"n\": {{ notices|length }}}", Target::Json).unwrap();
    json.check().unwrap();
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    assert!(refused("a\n{% for x in %}", Target::Text).contains("(line 2)"));
    assert!(refused("a\nb\n{{ sbuject }}", Target::Text).contains("(line 3)"));
    assert!(refused("{{ notices[0].undo.command }}", Target::Text).contains("with a sample of the kind"));
    assert!(refused("{\"title\": \"{{ subject }}\"}", Target::Json).contains("does not write JSON"));
    for unavailable in ["{% include '/etc/passwd' %}", "{% import 'x' as y %}", "{{ open('/etc/passwd') }}"] {
        refused(unavailable, Target::Text);
    }
}

/// Would break: an operator's template that keeps a thread busy or fills the memory.
#[test]
fn time_and_size_are_bounded() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}";
    assert!(refused(endless, Target::Text).contains("too many instructions"));
    let large = "{% set x = subject ~ text %}{% for a in range(5000) %}{{ x }}{% endfor %}";
    assert!(refused(large, Target::Text).contains("writes more than 256 KiB"), "{}", refused(large, Target::Text));
}

#[test]
fn hostile_values_are_inert() {
    let message = hostile();
    let all = "{{ subject }}|{{ notices }}|{{ notices[0].summary }}|{{ notices[0].steps[0].names|join(',') }}";
    let text = template(all, Target::Text).unwrap().render(&message).unwrap();
    assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
    let json = template("{{ notices[0].summary }}", Target::Json).unwrap().render(&message).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(value.as_str().unwrap().contains("<script>"), "data stays data: {json}");
}

#[test]
fn a_file_that_others_can_change_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(place.path()).unwrap().join("mail.txt");
    std::fs::write(&path, "{{ subject }}").unwrap();
    let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o644);
    Template::read(&path, Target::Text).unwrap();
    permit(0o646);
    Template::read(&path, Target::Text).map(drop).unwrap_err();
    permit(0o644);
    std::fs::write(&path, "x".repeat(70_000)).unwrap();
    assert_eq!(Template::read(&path, Target::Text).map(drop).unwrap_err().code(), codes::FILE_TOO_LARGE);
    assert_eq!(
        Template::read(Path::new("/nonexistent/t"), Target::Text).map(drop).unwrap_err().code(),
        codes::FILE_ACCESS
    );
}
