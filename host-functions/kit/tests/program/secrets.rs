//! How secrets are passed.

use std::cell::RefCell;

use ansai_harness::requires_root;
use ansai_kit::program::User;

use crate::{Place, expect_code, run, said, shell};

const SECRET: &[u8] = b"zyx-correct-horse-wvu";

#[test]
fn a_secret_is_read_from_a_file_that_nobody_can_change() {
    // In capitals, since it is masked otherwise.
    let read = || shell("tr a-z A-Z < \"$1\"; cat \"$1\"").secret_file("", SECRET);
    assert_eq!(said(&read()), "ZYX-CORRECT-HORSE-WVU***");
    let ran = run(&shell("echo other > \"$1\"; echo other >> \"$1\"; tr a-z A-Z < \"$1\"").secret_file("", SECRET));
    assert_eq!(ran.stdout.to_string(), "ZYX-CORRECT-HORSE-WVU", "the seals refuse to write: {ran:?}");
    // Two files, in the middle of other arguments.
    let two = shell("tr a-z A-Z < ${1#--file=}; echo; tr a-z A-Z < $3; echo; echo $2");
    let two = two.secret_file("--file=", b"first-secret").args(["between"]).secret_file("", b"second-secret");
    assert_eq!(said(&two), "FIRST-SECRET\nSECOND-SECRET\nbetween\n");
}

#[test]
fn another_user_can_read_the_secret_that_its_program_gets() {
    if requires_root() {
        let program = shell("tr a-z A-Z < \"$1\"").secret_file("", SECRET).user(User { uid: 4_242, gid: 4_243 });
        assert_eq!(said(&program), "ZYX-CORRECT-HORSE-WVU");
    }
}

/// What every user can read of the process, while it runs.
#[test]
fn a_secret_is_neither_an_argument_nor_a_variable() {
    let place = Place::new();
    let script = "echo $$ > \"$2\"; while [ ! -e \"$3\" ]; do sleep 0.01; done; cat \"$1\" | tr a-z A-Z";
    let program = shell(script).secret_file("", SECRET).args([place.path("pid"), place.path("go")]);
    let seen = RefCell::new(Vec::new());
    let ran = program.run(&|| {
        let is_first = seen.borrow().is_empty();
        if let Some(pid) = place.text("pid").filter(|_| is_first) {
            for file in ["cmdline", "environ"] {
                seen.borrow_mut().push(std::fs::read(format!("/proc/{}/{file}", pid.trim())).unwrap());
            }
            std::fs::write(place.path("go"), "").unwrap();
        }
        false
    });
    let ran = ran.unwrap();
    expect_code(&ran, 0);
    assert_eq!(ran.stdout.to_string(), "ZYX-CORRECT-HORSE-WVU", "it had the secret");
    let seen = seen.into_inner();
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(has(&seen[0], b"/proc/self/fd/") && has(&seen[1], b"PATH="), "{seen:?}");
    assert!(seen.iter().all(|file| !has(file, SECRET)), "{seen:?}");
}
