//! `ansai verify`: who vouches for a policy in a registry.

use std::path::PathBuf;

use ansai_core::{codes, exit};
use ansai_registry::{
    Claim, Judgement, ListProblem, NamedKey, Provenance, PublicKey, RegistryError, TrustRule, provenances, signers,
};
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::paragraphs::indented;
use crate::output::{self, json, lines};
use crate::registry::{self, Checked, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai verify acme/disk-space@^1.2                           by [[trust]] of the configuration\n  \
    ansai verify registry.example/acme/disk-space:1.2.0 --key acme.pub\n  \
    ansai verify registry.example/acme/disk-space@^1 --key a.pub --key b.pub --minimum 2\n\n\
    A signature counts if it is of one of the keys and covers exactly this digest, name and version, and what this\n\
    policy asks for. Without --key, the command shows what [[trust]] of the configuration says about the policy. Exit\n\
    code 4 means that too few keys have signed it, that it is revoked, or that no [[trust]] covers it.")]
pub(crate) struct Arguments {
    /// Policy in a registry
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Public key of ECDSA P-256 or Ed25519, in PEM; repeatable [default: the keys of the configuration]
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// How many different keys must have signed
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "keys", value_parser = clap::value_parser!(u16).range(1..))]
    minimum: u16,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    if arguments.keys.is_empty() {
        return by_configuration(arguments, global);
    }
    let keys = registry::public_keys(&arguments.keys)?;
    let Checked { client, fetched, locked, .. } = registry::checked(&arguments.reference, &arguments.reached, global)?;
    let claim = Claim::of(&fetched.reference, &locked);
    let signatures = client.signatures(&fetched.reference, &locked.digest).map_err(ansai_daemon::Error::from)?;
    let found = signers(&claim, &signatures, &keys);
    let minimum = usize::from(arguments.minimum);
    if found.len() < minimum {
        let error = RegistryError::NotSigned { reference: locked.resolved, found: found.len(), minimum };
        return Err(ansai_daemon::Error::from(error).into());
    }
    let file = |wanted: &PublicKey| {
        let mut named = arguments.keys.iter().zip(&keys).filter(|(_, key)| *key == wanted);
        named.next().map(|(path, _)| path.display().to_string()).unwrap_or_default()
    };
    let files: Vec<String> = arguments
        .keys
        .iter()
        .zip(&keys)
        .filter(|(_, key)| found.contains(key))
        .map(|(path, _)| path.display().to_string())
        .collect();
    let provenances = provenances(&claim, &signatures, &keys);
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "reference": locked.resolved,
            "digest": locked.digest,
            "signed_by": files,
            "provenance": provenances.iter().map(|(one, key)| document(one, &file(key))).collect::<Vec<_>>(),
        }))?,
        Format::Text => {
            lines::line(&format!("verified: {}, {}", locked.resolved, locked.digest))?;
            for file in files {
                lines::line(&format!("  signed by {file}"))?;
            }
            for (provenance, key) in &provenances {
                lines::line(&format!("  provenance, according to {}:", file(key)))?;
                output::say(&indented(&lines::pairs(&facts(provenance)), "    "))?;
            }
        }
    }
    Ok(exit::FINE)
}

fn by_configuration(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Checked { client, fetched, locked, component, acceptance } =
        registry::checked(&arguments.reference, &arguments.reached, global)?;
    let signatures = client.signatures(&fetched.reference, &locked.digest).map_err(ansai_daemon::Error::from)?;
    let vouched = acceptance.vouched(signatures, &locked, &component).map_err(ansai_daemon::Error::from)?;
    let policy = acceptance.policy();
    let rules: Vec<String> = policy.covering(vouched.names()).map(words).collect();
    let text = global.format == Format::Text;
    if text {
        lines::line(&format!("{}, {}", locked.resolved, locked.digest))?;
        rules.iter().try_for_each(|rule| lines::line(&format!("  covered by {rule}")))?;
    }
    let judgement = vouched.judge(policy).map_err(RegistryError::from).map_err(ansai_daemon::Error::from)?;
    let Judgement::Verified { signers, lists } = judgement else {
        let message = format!("no [[trust]] covers {}: it would only observe", vouched.names().join(" or "));
        let hint = "pass --key FILE, or add a table [[trust]] with `names` and `keys` to the configuration";
        return Err(Fault::refused(codes::PULLED_OBSERVES, message).hint(hint).into());
    };
    let files: Vec<String> = signers.iter().map(|signer| signer.path.display().to_string()).collect();
    let is_without_list = lists.iter().any(|problem| matches!(problem, ListProblem::Missing { .. }));
    let lists: Vec<String> = lists.iter().map(ToString::to_string).collect();
    if text {
        files.iter().try_for_each(|file| lines::line(&format!("  signed by {file}")))?;
        lists.iter().try_for_each(|problem| lines::line(&format!("  {problem}")))?;
        lines::line(match is_without_list {
            true => "verified: it only observes until `ansai pull` has the list of revocations",
            false => "verified: it may act as its [policy.NAME] says",
        })?;
    } else {
        json::document(&serde_json::json!({
            "reference": locked.resolved,
            "digest": locked.digest,
            "covered_by": rules,
            "signed_by": files,
            "revocations": lists,
        }))?;
    }
    Ok(exit::FINE)
}

/// `"acme/*": 1 of a.pub, b.pub; and c.pub`.
fn words(rule: &TrustRule) -> String {
    let names: Vec<String> = rule.names.iter().map(|name| format!("\"{name}\"")).collect();
    let files =
        |keys: &[NamedKey]| keys.iter().map(|key| key.path.display().to_string()).collect::<Vec<_>>().join(", ");
    let any = (!rule.keys.is_empty()).then(|| format!("{} of {}", rule.minimum, files(&rule.keys)));
    let all = (!rule.all_of.is_empty()).then(|| format!("all of {}", files(&rule.all_of)));
    let list = rule.revocations.as_ref().map(|list| format!("revocations of {}", list.address));
    let parts: Vec<String> = any.into_iter().chain(all).chain(list).collect();
    format!("{}: {}", names.join(", "), parts.join("; "))
}

fn document(provenance: &Provenance, key: &str) -> serde_json::Value {
    serde_json::json!({
        "signed_by": key,
        "reproduced": provenance.is_reproduced,
        "sources": provenance.sources,
        "tools": provenance.tools,
        "ansai": provenance.ansai,
    })
}

fn facts(provenance: &Provenance) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let build = if provenance.is_reproduced { "a second build gave the same bytes" } else { "built once" };
    vec![
        ("build", build.to_owned()),
        ("sources", provenance.sources.clone().map_or_else(unknown, |digest| format!("sha256 {digest}"))),
        ("tools", if provenance.tools.is_empty() { unknown() } else { provenance.tools.join(", ") }),
        ("ansai", provenance.ansai.clone()),
    ]
}
