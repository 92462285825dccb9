//! The trait that a policy implements, and the two functions that the host calls.

use crate::{Decision, Failure, FromSettings, Host, Observation, Status};

/// Maximum number of observations in one answer, below the host's limit of 1,000.
pub(crate) const MOST_OBSERVATIONS: usize = 900;

/// A policy detects problems and proposes repairs. [`policy!`](crate::policy!) turns it into a component.
pub trait Policy {
    /// The settings that `settings.schema.json` describes. The host has validated them and filled in the defaults.
    /// Sizes are bytes ([`Size`](crate::Size)), durations are milliseconds ([`Span`](crate::Span)). Derive
    /// `serde::Deserialize`, or use [`settings!`](crate::settings!).
    type Settings: FromSettings;

    /// Checks what a schema cannot express, such as that one setting is above another. Runs before `detect` and `plan`.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] that names the setting.
    fn check(settings: &Self::Settings) -> Result<(), Failure> {
        let _ = settings;
        Ok(())
    }

    /// Returns one observation for each thing that the policy checks. A thing that it cannot read is
    /// [`Status::Unknown`](crate::Status::Unknown): an incident ends only on an explicit
    /// [`Status::Healthy`](crate::Status::Healthy) or [`Status::Gone`](crate::Status::Gone) for its key.
    ///
    /// If there are more than 900 observations, healthy ones that close no incident are left out.
    ///
    /// # Errors
    /// If the policy cannot check anything.
    fn detect(settings: &Self::Settings, host: &Host) -> Result<Vec<Observation>, Failure>;

    /// Proposes the steps that repair one finding, by calling actions. A call changes nothing: it returns a preview of
    /// what the step would do. [`Ladder`](crate::Ladder) proposes several steps in order. The finding is unhealthy. A
    /// policy that only observes need not implement this function.
    ///
    /// # Errors
    /// If the policy cannot read what it needs.
    fn plan(settings: &Self::Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
        let _ = (settings, host, finding);
        Ok(Decision::GiveUp("this policy only observes".into()))
    }
}

/// The exported `detect`.
///
/// # Errors
/// The policy's errors, and [`Failure::InvalidSettings`].
pub fn detect<P: Policy>() -> Result<Vec<Observation>, Failure> {
    log_panics();
    let host = Host::of_this_evaluation();
    let observations = P::detect(&settings::<P>(&host)?, &host)?;
    Ok(bounded(observations, &host))
}

/// The exported `plan`.
///
/// # Errors
/// As [`detect`].
pub fn plan<P: Policy>(finding: &Observation) -> Result<Decision, Failure> {
    log_panics();
    if finding.severity().is_none() {
        return Ok(Decision::Wait("the finding is not unhealthy".into()));
    }
    let host = Host::of_this_evaluation();
    P::plan(&settings::<P>(&host)?, &host, finding)
}

/// A panic ends the component, and the host sees only that: the log says what panicked, and in which line.
#[cfg(all(target_family = "wasm", not(feature = "testing")))]
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| crate::log::write(crate::log::Level::Error, &panic.to_string())));
}

/// Tests print panics.
#[cfg(not(all(target_family = "wasm", not(feature = "testing"))))]
fn log_panics() {}

fn settings<P: Policy>(host: &Host) -> Result<P::Settings, Failure> {
    let settings = P::Settings::from_settings(&host.base.settings())?;
    P::check(&settings)?;
    Ok(settings)
}

/// Healthy observations without an incident can be left out, because nothing depends on them.
fn bounded(mut observations: Vec<Observation>, host: &Host) -> Vec<Observation> {
    if observations.len() > MOST_OBSERVATIONS {
        observations.retain(|one| one.status != Status::Healthy || host.is_open(&one.key));
    }
    observations
}

/// Turns a policy into a component: write `ansai_sdk::policy!(MyPolicy);` once, in `lib.rs`. A policy whose functions are in
/// modules needs no type of its own; `check` can be left out:
///
/// ```ignore
/// ansai_sdk::policy! { settings: Settings, check: Settings::check, detect: detect::detect, plan: plan::plan }
/// ```
///
/// It generates a module `imports` with everything that the manifest requests, by package and interface:
/// `imports::ansai::disk::disk_probe`. If the `wit/` directory is not next to `Cargo.toml`, name it: `policy!(MyPolicy,
/// wit: "elsewhere")`.
#[macro_export]
macro_rules! policy {
    (settings: $settings:ty, $(check: $check:expr,)? detect: $detect:expr, plan: $plan:expr $(,)?) => {
        struct ThisPolicy;

        impl $crate::Policy for ThisPolicy {
            type Settings = $settings;

            $(fn check(settings: &$settings) -> ::core::result::Result<(), $crate::Failure> {
                $check(settings)
            })?

            fn detect(
                settings: &$settings, host: &$crate::Host,
            ) -> ::core::result::Result<::std::vec::Vec<$crate::Observation>, $crate::Failure> {
                $detect(settings, host)
            }

            fn plan(
                settings: &$settings, host: &$crate::Host, finding: &$crate::Observation,
            ) -> ::core::result::Result<$crate::Decision, $crate::Failure> {
                $plan(settings, host, finding)
            }
        }

        $crate::policy!(ThisPolicy);
    };
    ($policy:ty) => {
        $crate::policy!($policy, wit: "wit");
    };
    ($policy:ty, wit: $wit:literal) => {
        /// What the manifest asks for.
        #[allow(
            dead_code, missing_docs, unsafe_code, unreachable_pub, unused_imports, clippy::all, clippy::panic,
            reason = "generated from the WIT"
        )]
        mod imports {
            ::ansai_sdk::generated::wit_bindgen::generate!({
                path: $wit,
                world: "local:policy/policy",
                with: {
                    "ansai:policy/types@0.2.0": ::ansai_sdk::types,
                    "ansai:policy/context@0.2.0": ::ansai_sdk::context,
                    "ansai:policy/log@0.2.0": ::ansai_sdk::log,
                    "ansai:policy/store@0.2.0": ::ansai_sdk::store,
                    "ansai:policy/series@0.2.0": ::ansai_sdk::series,
                    "ansai:policy/advice@0.2.0": ::ansai_sdk::advice,
                },
                generate_all,
                additional_derives: [PartialEq],
                runtime_path: "::ansai_sdk::generated::wit_bindgen::rt",
            });
        }

        const _: () = {
            struct Exported;

            impl imports::Guest for Exported {
                fn detect() -> ::core::result::Result<::std::vec::Vec<$crate::Observation>, $crate::Failure> {
                    $crate::generated::detect::<$policy>()
                }

                fn plan(finding: $crate::Observation) -> ::core::result::Result<$crate::Decision, $crate::Failure> {
                    $crate::generated::plan::<$policy>(&finding)
                }
            }

            imports::export!(Exported with_types_in imports);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;
    use crate::{Severity, Subject};

    fn healthy(key: impl ToString) -> Observation {
        Observation::new(key.to_string(), Subject::new("unit", "a"), Status::Healthy, "well")
    }

    #[test]
    fn of_thousands_those_that_matter_are_left() {
        let host =
            StandIn::default().with_open(Observation { status: Status::Unhealthy(Severity::Warning), ..healthy(3) });
        let host = host.host();
        let mut many: Vec<Observation> = (0..1000).map(healthy).collect();
        many.push(Observation::unknown("x", Subject::new("unit", "x"), "it does not answer"));
        let left = bounded(many, &host);
        assert_eq!(left.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["3", "x"]);
        assert_eq!(bounded((0..900).map(healthy).collect(), &host).len(), 900);
    }
}
