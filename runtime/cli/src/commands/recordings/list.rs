//! `ansai recordings list`.

use ansai_audit::{Catalog, Class};
use ansai_core::{Bytes, Timestamp};

use crate::global::Format;
use crate::output::{json, lines, time};
use crate::since::Since;

pub(super) fn run(catalog: Option<&Catalog>, since: Option<Since>, format: Format) -> anyhow::Result<()> {
    let mut listed = catalog.map(Catalog::list).unwrap_or_default();
    listed.retain(|one| since.is_none_or(|since| since.includes(Timestamp::from_millis(one.modified_millis))));
    let class = |class| match class {
        Class::Healthy => "healthy",
        Class::Notable => "notable",
        Class::Evidence => "evidence",
    };
    if format == Format::Json {
        let entries: Vec<_> = listed
            .iter()
            .map(|one| {
                serde_json::json!({
                    "id": one.id,
                    "instance": one.instance,
                    "class": class(one.class),
                    "bytes": one.bytes,
                    "at": time::rfc3339(Timestamp::from_millis(one.modified_millis)),
                })
            })
            .collect();
        return json::document(&entries);
    }
    if listed.is_empty() {
        return Ok(lines::line(if since.is_some() { "no recordings since then" } else { "no recordings yet" })?);
    }
    let width = listed.iter().map(|one| one.id.as_str().len()).max().unwrap_or(0);
    for one in &listed {
        let size = Bytes::new(one.bytes);
        let (at, class) = (time::local(Timestamp::from_millis(one.modified_millis)), class(one.class));
        lines::line(&format!("{:width$}  {at}  {class}  {size:>8}  {}", one.id.as_str(), one.instance))?;
    }
    Ok(())
}
