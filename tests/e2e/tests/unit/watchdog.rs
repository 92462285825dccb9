//! A daemon that hangs is ended and started again.

use ansai_harness::requires_root;

use super::{DAEMON, Host, SERVICES};

#[test]
fn systemd_the_watchdog_ends_a_daemon_that_hangs_and_it_heals_again() {
    if !requires_root() {
        return;
    }
    let host = Host::start(&[]);
    host.unit("e2e-crash", "ExecStart=/bin/sleep infinity");
    host.shell("systemctl start e2e-crash");
    host.configure(&format!("{DAEMON}{SERVICES}"));
    host.drop_in("WatchdogSec=10s\nTimeoutAbortSec=1s\nRestartSec=1s");
    host.run(&["ansai", "install-unit", "--enable"]).expect_code(0);
    let hangs = host.property("ansai", "MainPID");
    host.shell(&format!("kill -STOP {hangs} && systemctl kill -s KILL e2e-crash"));
    host.until("it was started again", || {
        host.property("ansai", "ActiveState") == "active" && host.property("ansai", "MainPID") != hangs
    });
    let told = host.entries(&["-u", "ansai", "--grep", "Watchdog timeout"]);
    assert!(!told.is_empty());
    host.until_property("e2e-crash", "ActiveState", "active");
    host.shell("systemctl stop ansai");
    host.audit_is_sound();
}
