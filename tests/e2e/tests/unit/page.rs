//! Runs every command of `runtime/docs/service.md` in order on a host, and checks that nothing is left at the end.

use std::collections::BTreeSet;

use ansai_harness::{binary, requires_root};

use super::Host;

/// The commands of all blocks with `console`, as root runs them.
fn commands(page: &str) -> Vec<String> {
    let (mut commands, mut is_console) = (Vec::new(), false);
    for line in page.lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(info) => is_console = info == "console" && !is_console,
            None if is_console => commands.push(line.strip_prefix("# ").expect("root runs it").to_owned()),
            None => {}
        }
    }
    commands
}

#[test]
fn systemd_every_command_of_the_page_about_the_service_works_and_removing_leaves_nothing() {
    if !requires_root() {
        return;
    }
    let page = std::fs::read_to_string(binary::repository().join("runtime/docs/service.md")).unwrap();
    let commands = commands(&page);
    assert!(commands.len() > 30, "{commands:#?}");
    let host = Host::start(&[]);
    let names = || -> BTreeSet<String> {
        let ran = host.shell("find /usr /etc /var/lib /root -xdev ! -path '/var/lib/systemd*'");
        ran.stdout.lines().map(str::to_owned).collect()
    };
    host.shell("rm /usr/local/bin/ansai && mkdir -p /root/.cache");
    let before = names();
    // The built-in policies are where `make install` puts them.
    host.put_program();
    host.shell(
        "for name in disk-space service-failure; do \
         install -D -m 644 /opt/policies/$name/$name.wasm /usr/local/share/ansai/policies/$name/$name.wasm; done",
    );
    let mut has_unit = false;
    for command in &commands {
        has_unit |= command.starts_with("ansai install-unit --enable");
        // The first block is for hosts with the unit of a package.
        if command == "systemctl enable --now ansai" && !has_unit {
            continue;
        }
        // A plan of another host is refused because it is not known, and for no other reason.
        let is_foreign = command.ends_with(" PLAN");
        let command = command.replace("=PLAN", "=20260101t000000-1-0001").replace(" PLAN", " 20260101t000000-1-0001");
        let ran = host.run(&["sh", "-c", &format!("cd /opt/build && {command}")]);
        match is_foreign && command.starts_with("ansai") {
            true => assert!(ran.stderr.contains("error[unknown-plan]"), "{command}: {ran}"),
            false => {
                // journalctl finds no entry of this plan.
                let may_find = command.starts_with("journalctl ANSAI_PLAN=") && ran.code == 1;
                let may_find = may_find || command.starts_with("ansai run") || command.starts_with("ansai status");
                assert!(ran.code == 0 || may_find && [1, 3, 5].contains(&ran.code), "{command}: {ran}");
            }
        }
    }
    // What the page does not name, because it is this test's or the reader's.
    host.shell("rm -r /usr/local/share/ansai /var/lib/ansai.old /root/ansai-state.tar.gz");
    let left: Vec<String> = names().difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(host.property("ansai", "LoadState"), "not-found");
}
