#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_core::Sensitivity;
use proptest::prelude::*;

use super::*;

const FILES: &str = "ansai:files/files-actions";
const SERVICES: &str = "ansai:service/service-actions";

fn interfaces() -> Vec<Interface> {
    [
        (FILES, InterfaceKind::Actions),
        (SERVICES, InterfaceKind::Actions),
        ("ansai:disk/disk-probe", InterfaceKind::Probe),
    ]
    .map(|(name, kind)| Interface {
        name: InterfaceName::from_static(name),
        kind,
        version: "0.2.0",
        sensitivity: Sensitivity::Metadata,
        ability: "test",
        fields: &[],
    })
    .to_vec()
}

fn set(text: &str, to: Mode) -> Result<Edited, EditError> {
    let (instance, action) = (InstanceName::from_static("x"), InterfaceName::from_static(FILES));
    set_level(text, (&instance, &action), to, &interfaces())
}

/// The lines that are only in one of both texts, each with `-` or `+`.
fn changed(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}"));
    gone.chain(come).collect()
}

/// A configuration in each form, and what `enforce` changes. Apart from these lines, each byte stays.
const FORMS: &[(&str, &str, &[&str])] = &[
    (
        "headers, comments and odd spaces",
        "# top\n[policy.x]   # mine\n  source = 'a'\t# here\n  mode=\"approve\"   # later: enforce\n\n[policy.x.grant]\n\
         \"ansai:files/files-actions\" = {  }  # all\n\"ansai:service/service-actions\" = {}\n# end",
        &[
            "-  mode=\"approve\"   # later: enforce",
            "-\"ansai:service/service-actions\" = {}",
            "+  mode=\"enforce\"   # later: enforce",
            "+\"ansai:service/service-actions\" = { approve = true }",
        ],
    ),
    (
        "without a mode, with one header in front",
        "[policy.x]\n    source = 'a'\n[policy.x.grant.\"ansai:files/files-actions\"]\napprove = true # ask\n\
         [policy.x.grant.\"ansai:service/service-actions\"]",
        &["-approve = true # ask", "+    mode = \"enforce\"", "+approve = false # ask", "+approve = true"],
    ),
    (
        "lists of tables with headers",
        "[policy.x]\nsource = 'a'\n[[policy.x.grant.\"ansai:files/files-actions\"]]\n\
         [[policy.x.grant.\"ansai:service/service-actions\"]]\napprove = false\n\
         [[policy.x.grant.\"ansai:service/service-actions\"]]\n[policy.y]\nsource = 'b'\n",
        &["-approve = false", "+mode = \"enforce\"", "+approve = true", "+approve = true"],
    ),
    (
        "everything in braces",
        "policy = {x={source='a',grant={\"ansai:files/files-actions\"={},\"ansai:service/service-actions\"=[{},{approve=true}]}}}",
        &[
            "-policy = {x={source='a',grant={\"ansai:files/files-actions\"={},\"ansai:service/service-actions\"=[{},{approve=true}]}}}",
            "+policy = {x={mode = \"enforce\", source='a',grant={\"ansai:files/files-actions\"={},\"ansai:service/service-actions\"=[{ approve = true },{approve=true}]}}}",
        ],
    ),
    (
        "dotted keys",
        "daemon.mode = 'observe'\npolicy.x.source = 'a'\npolicy.x.grant.\"ansai:files/files-actions\" = {}\n\
         policy.\"x\".every = '60s'\n",
        &["+policy.x.mode = \"enforce\""],
    ),
    (
        "dotted keys below a header",
        "[policy]\nx.source = 'a'\nx . grant . \"ansai:files/files-actions\" = {}\n",
        &["+x.mode = \"enforce\""],
    ),
    (
        "a table that only its grants imply",
        "[policy.x.grant]\n\"ansai:files/files-actions\" = {}\n",
        &["+[policy.x]", "+mode = \"enforce\"", "+"],
    ),
    (
        "line ends of another system",
        "[policy.x]\r\nsource = 'a'\r\n[policy.x.grant]\r\n\"ansai:files/files-actions\" = {}\r\n",
        &["+mode = \"enforce\"\r"],
    ),
];

#[test]
fn each_form_changes_at_its_place_and_nowhere_else() {
    for (form, text, expected) in FORMS {
        let edited = set(text, Mode::Enforce).unwrap_or_else(|error| panic!("{form}: {error}"));
        let mut changed = changed(text, &edited.text);
        // An empty line may be in both.
        if expected.contains(&"+") && !changed.contains(&"+".to_owned()) {
            changed.push("+".to_owned());
        }
        assert_eq!(changed, *expected, "{form}:\n{}", edited.text);
        // A mark of the byte order stays where it is.
        let marked = set(&format!("\u{feff}{text}"), Mode::Enforce).map(|edited| edited.text);
        assert!(marked.is_err() || marked.unwrap() == format!("\u{feff}{}", edited.text), "{form}");
    }
}

#[test]
fn every_level_leads_to_every_other_and_back() {
    for (form, text, _) in FORMS {
        let levels = [Mode::Observe, Mode::Approve, Mode::Enforce];
        for from in levels {
            let start = set(text, from).unwrap_or_else(|error| panic!("{form} {from}: {error}")).text;
            for to in levels {
                let edited = set(&start, to).unwrap_or_else(|error| panic!("{form} {from} {to}: {error}"));
                assert!(from == to || edited.levels.iter().any(|one| one.0 == FILES && (one.1, one.2) == (from, to)));
                assert_eq!(from == to, edited.text == start, "{form}");
                let again = set(&edited.text, from).unwrap();
                assert!(from == to || again.levels.iter().any(|one| one.0 == FILES && (one.1, one.2) == (to, from)));
                let comments = |text: &str| text.matches('#').count();
                assert_eq!(comments(&again.text), comments(text), "{form}");
            }
        }
    }
}

#[test]
fn no_other_action_does_more_by_itself() {
    let text = "[policy.x]\nmode = 'observe'\n[policy.x.grant]\n\"ansai:files/files-actions\" = {}\n\
                \"ansai:service/service-actions\" = {}\n";
    let level_of = |text: &str, action: &'static str| {
        let config = HostConfig::parse("ansai.toml", text, &interfaces()).unwrap();
        level(&config.policies["x"], &InterfaceName::from_static(action))
    };
    let approve = set(text, Mode::Approve).unwrap();
    assert_eq!(approve.levels.len(), 2, "the mode is that of both: {:?}", approve.levels);
    let enforce = set(&approve.text, Mode::Enforce).unwrap();
    assert_eq!(enforce.levels.len(), 1, "{:?}", enforce.levels);
    assert_eq!((level_of(&enforce.text, FILES), level_of(&enforce.text, SERVICES)), (Mode::Enforce, Mode::Approve));
    // The other one follows by its own promotion, and both come back by themselves.
    let (instance, other) = (InstanceName::from_static("x"), InterfaceName::from_static(SERVICES));
    let both = set_level(&enforce.text, (&instance, &other), Mode::Enforce, &interfaces()).unwrap();
    assert_eq!((level_of(&both.text, FILES), level_of(&both.text, SERVICES)), (Mode::Enforce, Mode::Enforce));
    let one = set(&both.text, Mode::Approve).unwrap();
    assert_eq!((level_of(&one.text, FILES), level_of(&one.text, SERVICES)), (Mode::Approve, Mode::Enforce));
}

#[test]
fn what_is_not_there_or_in_an_unknown_form_is_refused() {
    let refused = |text: &str| set(text, Mode::Enforce).unwrap_err();
    assert!(matches!(refused("[policy.y]\n"), EditError::NoInstance(_)));
    assert!(matches!(refused("[policy.x]\n"), EditError::NotGranted { .. }));
    assert!(matches!(refused("[policy.x]\nmod = 'observe'\n"), EditError::Invalid(_)));
    assert!(matches!(refused("[policy.x\n"), EditError::Invalid(_)));
    // A grant of dotted keys in braces.
    let dotted =
        "policy.x = { grant.\"ansai:files/files-actions\" = {}, grant.\"ansai:service/service-actions\" = {} }\n";
    assert!(set(dotted, Mode::Enforce).is_ok_and(|edited| edited.text.contains("approve = true")));
}

proptest! {
    /// Comments and spaces anywhere: the values are the same, and no other line is.
    #[test]
    fn noise_stays(comments in proptest::collection::vec("[ -~]{0,20}", 4), crlf: bool, tail: bool) {
        let mut text = format!(
            "# {}\n[policy.x] # {}\nsource = 'a'\n# {}\n[policy.x.grant]\n\"ansai:files/files-actions\" = {{}} # {}",
            comments[0], comments[1], comments[2], comments[3]
        );
        if tail {
            text.push('\n');
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let edited = set(&text, Mode::Approve).unwrap().text;
        let line = if crlf { "mode = \"approve\"\r\n" } else { "mode = \"approve\"\n" };
        prop_assert_eq!(edited.replacen(line, "", 1), text);
    }
}
