//! service-failure: finds services of systemd that failed or do not answer, restarts them within limits, and reports what
//! stays broken.

mod answers;
mod calls;
mod causes;
mod condition;
mod detect;
mod plan;
mod serves;
mod settings;
#[cfg(test)]
mod testing;

ansai_sdk::policy! {
    settings: settings::Settings,
    check: settings::Settings::check,
    detect: detect::detect,
    plan: plan::plan,
}
