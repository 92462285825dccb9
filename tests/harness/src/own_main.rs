//! A small harness that cargo and nextest understand, for test programs with a `main` of their own.

/// A test and its name.
pub type Test = (&'static str, fn());

/// Lists these tests, or runs those that the arguments of the program name exactly.
///
/// # Panics
/// A test does.
#[allow(clippy::print_stdout, reason = "nextest reads it")]
pub fn run(tests: &[Test], arguments: &[String]) {
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let names: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    if has("--list") {
        for (name, _) in tests.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return;
    }
    for (name, test) in tests.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        test();
        println!("{name}: ok");
    }
}
