//! disk-space: sees file systems that are full, or soon will be, and proposes what brings them down.
//!
//! [`detect`] and [`plan`] decide, in plain Rust over the trait [`port::Host`]; [`host`] is the only module that calls
//! the host, so that everything else is tested without one.

mod detect;
mod evidence;
mod forecast;
mod fullness;
mod growth;
mod host;
mod level;
mod mounts;
mod never;
mod plan;
mod port;
mod scopes;
mod settings;
#[cfg(test)]
mod stand_in;
mod words;

#[allow(missing_docs, unsafe_code, clippy::all, unreachable_pub, reason = "generated from the WIT")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package ansai:disk-space;
            world disk-space {
                include ansai:policy/policy@0.1.0;
                import ansai:disk/disk-probe@0.1.0;
                import ansai:files/files-probe@0.1.0;
                import ansai:files/files-actions@0.1.0;
                import ansai:journal/journal-probe@0.1.0;
                import ansai:journal/journal-actions@0.1.0;
                import ansai:packages/packages-probe@0.1.0;
                import ansai:packages/packages-actions@0.1.0;
            }
        ",
        world: "ansai:disk-space/disk-space",
        path: [
            "../../wit/policy",
            "../../wit/disk",
            "../../wit/files",
            "../../wit/journal",
            "../../wit/packages",
        ],
        generate_all,
        additional_derives: [PartialEq],
    });
}

use bindings::ansai::policy::types::{Decision, Failure, Observation};

struct DiskSpace;

impl bindings::Guest for DiskSpace {
    fn detect() -> Result<Vec<Observation>, Failure> {
        detect::detect(&host::Imported)
    }

    fn plan(finding: Observation) -> Result<Decision, Failure> {
        plan::plan(&host::Imported, &finding)
    }
}

bindings::export!(DiskSpace with_types_in bindings);
