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

/// Peak memory of this process, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Would break: a template of a few lines that uses up the memory of the host.
#[test]
fn memory_is_bounded() {
    let twice = |first: &str, step: &str, last: &str| format!("{first}{}{last}", step.repeat(60));
    let map = |arguments: &str, last: &str| {
        let step = format!("{{% set a = b|map({arguments})|list %}}");
        twice("{% set b = ['', ''] %}{% set a = text %}", &step, last)
    };
    let attacks = [
        "{{ 'x' * 1000000000 }}".to_owned(),
        "{{ [1] * 100000000 }}".to_owned(),
        "{{ subject * 100000000 }}".to_owned(),
        "{{ 10 ** 100000000 }}{{ 2 ** 2 ** 2 ** 2 ** 2 ** 2 }}".to_owned(),
        "{{ '%1000000000d'|format(1) }}".to_owned(),
        "{{ range(1000000000)|join('x') }}".to_owned(),
        "{{ range(99999)|join(text) }}".to_owned(),
        "{{ (notices * 1000)|tojson }}".to_owned(),
        "{% for a in notices + notices %}{{ a }}{% endfor %}".to_owned(),
        "{{ notices|tojson ~ notices|tojson ~ notices|tojson }}".to_owned(),
        "{{ range(99999)|list|string|upper|indent(1000000) }}".to_owned(),
        "{{ subject|indent(1000000000, true) }}".to_owned(),
        "{{ text|indent(1000000, true, true) }}".to_owned(),
        "{{ text|replace('', text)|replace('', text)|replace('', text) }}".to_owned(),
        "{{ notices ~ notices ~ notices ~ notices ~ notices ~ notices }}".to_owned(),
        twice("{% set a = text %}", "{% set a = a ~ a %}", "{{ a }}"),
        twice("{% set a = text %}", "{% set a = a + a %}", "{{ a }}"),
        twice("{% set a = notices %}", "{% set a = a + a %}", "{{ a|length }}{{ a }}"),
        twice("{% set a = text %}", "{% set a = a|replace('e', a) %}", "{{ a }}"),
        twice("{% set a = notices %}", "{% set a = a|map('list')|list %}", "{{ a }}{{ a|tojson }}"),
        twice("{% set a = notices %}", "{% set a %}{{ a }}{{ a }}{% endset %}", "{{ a }}"),
        twice("{% set a = text %}", "{% set a %}{{ a }}{{ a }}{% endset %}", "{{ a }}"),
        twice("", "{% filter replace('a', text) %}", &format!("{{{{ text }}}}{}", "{% endfilter %}".repeat(60))),
        twice("{% set a = ['x', 'y'] %}", "{% set a = [a, a] %}", "{{ a }}"),
        twice("{% set a = ['x', 'y'] %}", "{% set a = (a, a) %}", "{{ a ~ '' }}"),
        twice("{% set a = ['x', 'y'] %}", "{% set a = {'a': a, 'b': a} %}", "{{ a|tojson }}"),
        twice("{% set a = ['x', 'y'] %}", "{% set a = a|zip(a)|list %}", "{{ a|string }}"),
        twice("{% set a = ['x', 'y'] %}", "{% set a = a|batch(2)|list|chain(a)|list %}", "{{ a }}"),
        map("attribute='z', default=a", "{{ a|string }}"),
        map("attribute='z', default=a", "{{ a ~ '' }}"),
        map("'default', a, true", "{{ a|string }}"),
        map("'default', a, true", "{{ a ~ '' }}"),
        twice("{% set a = dict(a=1) %}", "{% set a = dict(a=a, b=a) %}", "{{ a }}"),
        twice("{% set a = notices %}", "{% set a = a[:] %}", "{{ a|sort|string|upper }}"),
        twice("{% with a = notices %}", "{% with a = a|list %}", &format!("{{{{ a }}}}{}", "{% endwith %}".repeat(61))),
        "{% set a = namespace() %}{% set a.a = a %}{{ a }}".to_owned(),
        "{% for a in notices recursive %}{{ text }}{{ loop(notices) }}{{ loop(notices) }}{% endfor %}".to_owned(),
    ];
    for attack in &attacks {
        for target in [Target::Text, Target::Json] {
            let before = peak_kib();
            if let Ok(template) = template(attack, target) {
                for message in sample::messages() {
                    let rendered = template.render(&message).map_or(0, |text| text.len());
                    assert!(rendered <= MOST_BYTES, "{attack}");
                }
            }
            let grown = peak_kib() - before;
            assert!(grown < 64 << 10, "{grown} KiB: {attack}");
        }
    }
}

#[test]
fn what_could_grow_is_refused_with_its_line() {
    assert!(refused("a\n{{ [subject, 'x'] }}", Target::Text).contains("can only hold constants"));
    assert!(refused("a\n{{ subject + text }}", Target::Text).contains("(line 2)"));
    assert!(refused("{{ 2 * notices|length }}", Target::Text).contains("not available"));
    for map in ["map(attribute='z', default=a)", "map('default', a, true)", "map(*a)", "map(**a)", "sum(start=a)"] {
        let why = refused(&format!("{{% set a = notices %}}\n{{{{ a|{map} }}}}"), Target::Text);
        assert!(why.contains("can only have constants as arguments (line 2)"), "{why}");
    }
    refused("{% filter map('default', text, true) %}x{% endfilter %}", Target::Text);
    refused("{% for a in notices %}{% if a.kind == {'a': a} %}{% endif %}{% endfor %}", Target::Text);
    let fine = "{% for a in notices %}{{ loop.index + 1 }}{% if a.kind in ['held', 'opened'] %}{{ a.kind ~ '!' }}\
                {% endif %}{% endfor %}{{ notices|map(attribute='kind', default='-')|join(', ') }}";
    template(fine, Target::Text).unwrap().check().unwrap();
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
