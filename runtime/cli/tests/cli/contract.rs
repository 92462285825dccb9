//! `ansai contract`: the reference of this very program.

use crate::support::*;

#[test]
fn interfaces_functions_and_types_are_shown() {
    ansai(&["contract"]).code(0).says("ansai:files/files-actions  propose to remove").says("remove, compress, rotate");
    let shown = ansai(&["contract", "files-actions"]).code(0);
    for words in [
        "[policy.my-policy.grant.\"ansai:files/files-actions\"]",
        "min_age_hours = 24",
        "remove: func(what: selection, reason: string) -> result<preview, refusal>",
        "denied unless what.root is at or below one of `roots`",
        "record selection",
    ] {
        assert!(shown.stdout.contains(words), "{words}\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains('\u{1b}'), "no colours where there is no terminal");
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 120), "as wide as there is room");
    ansai(&["contract", "listFiles"]).code(0).says("list-files: func").says("record file-query").says("these too: ");
    ansai(&["contract", "preview"]).code(0).says("frees-now-bytes: u64");
    ansai(&["contract", "plan"]).code(0).says("exported by a policy").says("variant decision");
    ansai(&["contract", "system"]).code(0).says("system-probe");
    // Of the store and of files: both.
    ansai(&["contract", "remove"]).code(0).says("ansai:policy/store.remove").says("ansai:files/files-actions.remove");
}

#[test]
fn it_is_there_for_programs_too() {
    let all = ansai(&["contract", "--format", "json"]).code(0).json();
    let files = all["packages"].as_array().unwrap().iter().find(|one| one["name"] == "files").unwrap();
    let actions = files["interfaces"].as_array().unwrap().iter().find(|one| one["kind"] == "actions").unwrap();
    assert_eq!(actions["name"], "ansai:files/files-actions");
    assert_eq!(actions["scope"][1]["name"], "min_age_hours");
    assert_eq!(actions["functions"][0]["parameters"][0]["type"], "selection");
    let one = ansai(&["contract", "measure-files", "--format", "json"]).code(0).json();
    assert_eq!((one[0]["of"].as_str(), one.as_array().unwrap().len()), (Some("ansai:files/files-probe"), 1));
}

#[test]
fn what_is_not_there_is_told_with_what_is_near() {
    let ran = ansai(&["contract", "list-fils"]).code(2);
    assert!(ran.stderr.contains("the contract has no `list-fils`") && ran.stderr.contains("did you mean `list-files`"));
    let ran = ansai(&["contract", "\u{1b}[31mq"]).code(2);
    assert!(ran.stderr.contains("ansai contract") && !ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
}
