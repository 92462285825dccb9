//! What a policy is, and how the host's two calls reach it.

use serde::de::DeserializeOwned;

use crate::{Decision, Failure, Host, Observation, context};

/// A policy: it looks, and it proposes. [`policy!`](crate::policy!) makes a component of it.
pub trait Policy {
    /// The settings as `settings.schema.json` describes them. The host has checked them against it and filled in the
    /// defaults; sizes are numbers of bytes ([`Size`](crate::Size)), durations of milliseconds ([`Span`](crate::Span)).
    type Settings: DeserializeOwned;

    /// Looks, and says how things are: one observation for each thing that was looked at. A thing that could not be
    /// read is [`Status::Unknown`](crate::Status::Unknown), or left out: an incident ends only on an explicit
    /// [`Status::Healthy`](crate::Status::Healthy) for its key.
    ///
    /// # Errors
    /// Where it cannot tell anything at all, or the settings make no sense together.
    fn detect(settings: &Self::Settings, host: &Host) -> Result<Vec<Observation>, Failure>;

    /// Proposes the steps that would put one finding right, by calling actions. None is done yet when a call answers:
    /// its preview says what it would do. A policy that only looks leaves this out.
    ///
    /// # Errors
    /// Where it cannot tell what to do.
    fn plan(settings: &Self::Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
        let _ = (settings, host, finding);
        Ok(Decision::GiveUp("this policy looks, and proposes nothing".into()))
    }
}

/// The exported `detect`.
///
/// # Errors
/// The policy's, and where the settings do not fit its type.
pub fn detect<P: Policy>() -> Result<Vec<Observation>, Failure> {
    P::detect(&settings::<P>()?, &Host::of_this_evaluation())
}

/// The exported `plan`.
///
/// # Errors
/// As [`detect`].
pub fn plan<P: Policy>(finding: &Observation) -> Result<Decision, Failure> {
    P::plan(&settings::<P>()?, &Host::of_this_evaluation(), finding)
}

fn settings<P: Policy>() -> Result<P::Settings, Failure> {
    parse(&context::settings())
}

fn parse<S: DeserializeOwned>(json: &str) -> Result<S, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::InvalidSettings(format!("they do not fit the policy: {error}")))
}

/// Makes the component: `ansai_sdk::policy!(MyPolicy);` once, in `lib.rs`.
///
/// It writes a module `imports` with what the manifest asks for, by package and interface:
/// `imports::ansai::disk::disk_probe`. Where the `wit/` directory is not beside `Cargo.toml`, say so:
/// `policy!(MyPolicy, wit: "elsewhere")`.
#[macro_export]
macro_rules! policy {
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
                    "ansai:policy/types@0.1.0": ::ansai_sdk::types,
                    "ansai:policy/context@0.1.0": ::ansai_sdk::context,
                    "ansai:policy/log@0.1.0": ::ansai_sdk::log,
                    "ansai:policy/store@0.1.0": ::ansai_sdk::store,
                    "ansai:policy/series@0.1.0": ::ansai_sdk::series,
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
    #![allow(clippy::panic, reason = "tests")]
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Settings {
        percent: f64,
        size: crate::Size,
    }

    #[test]
    fn settings_that_do_not_fit_are_told_by_name() {
        assert_eq!(
            parse::<Settings>(r#"{"percent":85,"size":1024}"#),
            Ok(Settings { percent: 85.0, size: crate::Size(1024) })
        );
        let Err(Failure::InvalidSettings(why)) = parse::<Settings>(r#"{"percent":85}"#) else { panic!("accepted") };
        assert!(why.contains("`size`"), "{why}");
    }
}
