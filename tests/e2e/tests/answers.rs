//! Services that are active and answer nothing, on a host with a real systemd.

use std::time::{Duration, Instant};

use ansai_harness::search::files_with;
use ansai_harness::{Ran, requires_root};
use serde_json::Value;

use crate::services::{LIMIT, Services, finding, steps};

const SECRET: &str = "correct-horse-battery";

/// A server of the port that its first argument names. The second one is what it answers; without one, it accepts no
/// connection, as a program that hangs.
const SERVER: &str = r#"
use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my ($port, $answer) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 16, ReuseAddr => 1) or die $!;
sleep while !$answer;
while (my $client = $server->accept) {
    while (<$client>) { last if /^\r?\n$/ }
    print $client "HTTP/1.1 $answer\r\ncontent-length: 3\r\n\r\nok\n";
    close $client;
}
"#;

fn config() -> String {
    let target = |name: &str, port: u16| {
        format!(
            "[target.{name}]\nkind = \"http\"\naddress = \"http://127.0.0.1:{port}\"\ncall_limit = \"2s\"\n\
             secret = {{ file = \"/etc/ansai/site.secret\" }}\n[policy.service-failure.target.{name}]\n"
        )
    };
    let targets =
        [target("site", 8001), target("silent", 8002), target("busy", 8003), target("stopped", 8004)].concat();
    format!(
        r#"
[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
{targets}
[policy.service-failure]
source = "/opt/policies/service-failure"
[policy.service-failure.attempts]
cooldown = "0s"
verify_within = "2s"
[policy.service-failure.settings]
units = ["e2e-*.service"]
settle = "3s"
attempts = 1
unanswered_for = "0s"
starts_within = "3s"
serves = [
  {{ unit = "e2e-site.service", target = "site", path = "/health", contains = "ok" }},
  {{ unit = "e2e-silent.service", target = "silent" }},
  {{ unit = "e2e-busy.service", target = "busy" }},
  {{ unit = "e2e-stopped.service", target = "stopped" }},
]
[policy.service-failure.grant]
"ansai:service/service-probe" = {{ units = ["e2e-*.service"] }}
"ansai:service/service-actions" = {{ units = ["e2e-*.service"] }}
"ansai:http/http-probe" = {{ targets = ["site", "silent", "busy", "stopped"] }}
"ansai:http/http-actions" = {{ targets = ["site", "silent", "busy", "stopped"] }}
"#
    )
}

fn start() -> Services {
    let services = Services::with(&config());
    services.shell(&format!(
        "cat > /usr/bin/e2e-server <<'EOF'\n#!/usr/bin/perl{SERVER}\nEOF\nchmod 755 /usr/bin/e2e-server"
    ));
    services.shell(&format!("umask 077; printf {SECRET} > /etc/ansai/site.secret"));
    services
}

fn serve(services: &Services, name: &str, port: u16, answer: &str) {
    services.unit(name, "", &format!("ExecStart=/usr/bin/e2e-server {port} {answer}"));
    services.shell(&format!("systemctl start {name}"));
}

/// Runs until there is a plan about this key, because a service has some time from its start. Others are unchanged.
fn until_planned(services: &Services, key: &str) -> (Ran, Value) {
    let begin = Instant::now();
    loop {
        let ran = services.once();
        let found = finding(&ran, key);
        if !found["plans"].as_array().unwrap().is_empty() {
            return (ran, found);
        }
        assert!(begin.elapsed() < LIMIT, "{ran:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn no_secret(services: &Services, ran: &[&Ran]) {
    let state = services.0.root().join("var/lib/ansai");
    assert!(state.join("recordings").exists(), "there is something to search");
    assert_eq!(files_with(&state, SECRET.as_bytes()), Vec::<std::path::PathBuf>::new());
    for one in ran {
        assert!(!one.stdout.contains(SECRET) && !one.stderr.contains(SECRET), "{one:?}");
    }
}

#[test]
fn systemd_an_active_service_that_answers_nothing_is_restarted_and_verified_by_its_answer() {
    if !requires_root() {
        return;
    }
    let services = start();
    serve(&services, "e2e-site", 8001, "'200 OK'");
    serve(&services, "e2e-busy", 8003, r"'503 Busy\r\nretry-after: 30'");
    serve(&services, "e2e-stopped", 8004, "'200 OK'");
    services.shell("systemctl stop e2e-stopped");
    let healthy = services.once();
    assert!(finding(&healthy, "answers-nothing:e2e-site.service").to_string().contains("healthy"), "{healthy:?}");

    let run = services.property("e2e-site", "InvocationID");
    services.shell("systemctl kill -s STOP e2e-site");
    let (ran, site) = until_planned(&services, "answers-nothing:e2e-site.service");
    let expected = ["capture", "restart", "check-active", "check"].map(|step| (step.to_owned(), "done".to_owned()));
    assert_eq!(steps(&site), expected, "{site:#}");
    assert_eq!(services.property("e2e-site", "ActiveState"), "active");
    assert_ne!(services.property("e2e-site", "InvocationID"), run);

    let again = services.once();
    let site = finding(&again, "answers-nothing:e2e-site.service");
    assert!(steps(&site).is_empty() && site.to_string().contains("status 200"), "{site:#}");
    // Overload is told, and what a person stopped need not answer.
    let busy = finding(&again, "answers-nothing:e2e-busy.service");
    assert!(!steps(&busy).iter().any(|(action, _)| action == "restart"), "{busy:#}");
    assert!(busy.to_string().contains("asks to wait 30 s"), "{busy:#}");
    assert_eq!(services.property("e2e-stopped", "ActiveState"), "inactive");
    assert!(!again.stdout.contains("answers-nothing:e2e-stopped"), "{again:?}");
    no_secret(&services, &[&healthy, &ran, &again]);
    services.replays();
}

#[test]
fn systemd_a_service_that_still_answers_nothing_after_a_restart_is_given_up_loudly() {
    if !requires_root() {
        return;
    }
    let services = start();
    serve(&services, "e2e-silent", 8002, "");
    serve(&services, "e2e-site", 8001, "'200 OK'");
    let (first, silent) = until_planned(&services, "answers-nothing:e2e-silent.service");
    first.expect_code(3);
    let expected = [("capture", "done"), ("restart", "done"), ("check-active", "done"), ("check", "failed")];
    assert_eq!(steps(&silent), expected.map(|(step, outcome)| (step.to_owned(), outcome.to_owned())), "{silent:#}");
    assert!(silent.to_string().contains("did not answer in time"), "{silent:#}");

    let run = services.property("e2e-silent", "InvocationID");
    let second = services.once();
    second.expect_code(3);
    let silent = finding(&second, "answers-nothing:e2e-silent.service");
    assert!(silent.to_string().contains("1 restart within a day did not help e2e-silent.service"), "{silent:#}");
    assert!(!steps(&silent).iter().any(|(action, _)| action == "restart"), "{silent:#}");
    assert_eq!(services.property("e2e-silent", "InvocationID"), run, "it was not restarted again");
    no_secret(&services, &[&first, &second]);
    services.replays();
}
