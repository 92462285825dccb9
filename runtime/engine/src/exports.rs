//! The exports of a policy with Rust types that are generated from the WIT, so that a finding and an answer cross without
//! dynamic values. Loading compares these types with those of the component.

mod convert;

pub(crate) use bindings::ExportsPre;
pub(crate) use bindings::ansai::policy::types::{Decision, Failure, Observation};
pub(crate) use convert::{IntoFinite, NotFinite};

mod bindings {
    #![allow(missing_docs, unreachable_pub, dead_code, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../../wit/policy",
        inline: "
            package ansai:engine;
            world exports {
                use ansai:policy/types@0.2.0.{observation, decision, failure};
                export detect: func() -> result<list<observation>, failure>;
                export plan: func(finding: observation) -> result<decision, failure>;
            }",
        world: "ansai:engine/exports",
        exports: { default: async },
    });
}
