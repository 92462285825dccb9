//! The types and base interfaces that every policy has, generated from the WIT.
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::panic, reason = "generated from the WIT")]

wit_bindgen::generate!({
    inline: "
        package ansai:sdk;
        world base {
            import ansai:policy/types@0.2.0;
            import ansai:policy/context@0.2.0;
            import ansai:policy/log@0.2.0;
            import ansai:policy/store@0.2.0;
            import ansai:policy/series@0.2.0;
            import ansai:policy/advice@0.2.0;
        }
    ",
    world: "ansai:sdk/base",
    path: "wit",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq],
});
