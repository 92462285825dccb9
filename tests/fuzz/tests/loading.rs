//! Random bytes are refused with an error code and a hint, or loaded.

use ansai_core::{Bytes, Limits};
use ansai_engine::Policy;
use ansai_fuzz::random::Random;
use ansai_harness::guest::of_file;

use crate::rounds::{case, generated, rounds};
use crate::scene::Scene;

/// Number of components in one round.
const COMPONENTS: usize = 200;
const MUTATIONS: usize = 800;
/// Section ids of the component layer.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

fn load(scene: &Scene, bytes: &[u8]) -> Option<Policy> {
    match scene.engine.load(bytes) {
        Ok(policy) => Some(policy),
        Err(error) => {
            let (text, hint) = (error.to_string(), error.hint());
            assert!(!error.code().word().is_empty() && !hint.is_empty(), "{text}");
            assert!(!text.contains(char::is_control) && text.len() < 5_000, "{text:?}");
            None
        }
    }
}

/// The component with one additional section.
fn with_section(component: &[u8], id: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.push(id);
    let mut length = data.len();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(data);
    bytes
}

#[test]
fn random_components_are_refused_or_load() {
    let healthy = of_file("healthy");
    rounds("random components", |seed| {
        let scene = Scene::new();
        let mut nested = 0;
        for (index, bytes) in generated("components", seed, COMPONENTS, None).into_iter().enumerate() {
            case(index, || {
                load(&scene, &bytes);
                // Inside a policy, the bytes reach the compiler.
                nested += usize::from(load(&scene, &with_section(&healthy, COMPONENT, &bytes)).is_some());
                assert!(load(&scene, &with_section(&healthy, CORE_MODULE, &bytes)).is_none());
            });
        }
        assert!(nested > 0, "none of {COMPONENTS} was compiled");
    });
}

#[test]
fn mutated_policies_are_refused_or_run() {
    let policies = ["healthy", "ten-thousand-proposals", "valid-utf16", "handle-flood", "log-flood"].map(of_file);
    rounds("mutated policies", |seed| {
        let scene = Scene::new();
        let limits = Limits { fuel: 300_000, memory_bytes: Bytes::from_mib(4), ..Limits::default() };
        let mut run = 0;
        for index in 0..MUTATIONS {
            let mut random = Random::new(seed, index as u64);
            let mut bytes = policies[random.below(policies.len())].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut bytes, &mut random);
            }
            case(index, || {
                if let Some(policy) = load(&scene, &bytes) {
                    run += 1;
                    scene.evaluate(&policy, &scene.grant(&mut random), &limits);
                }
            });
        }
        assert!(run > 0, "none of {MUTATIONS} was run");
        scene.check_unchanged();
    });
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(8) {
        0..=3 => bytes[at] ^= 1 << random.below(8),
        4 => bytes[at] = random.bytes(1)[0],
        5 => {
            let piece = bytes[at..end].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        6 => {
            bytes.drain(at..end);
        }
        _ => bytes.truncate(at),
    }
}
