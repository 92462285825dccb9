//! host-pressure: tells when something that all programs of a host share runs short. It only observes and advises.

mod advice;
mod calls;
mod detect;
mod reading;
mod settings;
#[cfg(test)]
mod testing;
mod what;

ansai_sdk::policy! {
    settings: settings::Settings,
    check: settings::Settings::check,
    detect: detect::detect,
    plan: advice::on,
}
