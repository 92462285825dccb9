//! disk-space: finds file systems that are full, or soon will be, and proposes steps that free space.

mod calls;
mod containers;
mod detect;
mod growth;
mod plan;
mod settings;
#[cfg(test)]
mod testing;

ansai_sdk::policy! {
    settings: settings::Settings,
    check: settings::Settings::check,
    detect: detect::detect,
    plan: plan::plan,
}
