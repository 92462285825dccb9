//! Settings for unit tests, from the schema of the policy.

/// The settings that a schema has by default, as the host passes them: durations in milliseconds, sizes in bytes. For a
/// test to change: `settings["thresholds"]["warning"] = 70.into()`.
///
/// ```
/// let schema = r#"{"properties": {"every": {"type": "string", "format": "duration", "default": "2 min"}}}"#;
/// assert_eq!(ansai_sdk::testing::default_settings(schema)["every"], 120_000);
/// ```
///
/// # Panics
/// If the text is no schema, or a setting has no default.
pub fn default_settings(schema: &str) -> serde_json::Value {
    let Ok(schema) = serde_json::from_str(schema) else { panic!("the schema is not JSON") };
    defaults(&schema)
}

fn defaults(schema: &serde_json::Value) -> serde_json::Value {
    let properties = schema["properties"].as_object();
    let default = |(name, one): (&String, &serde_json::Value)| {
        let value = if one["type"] == "object" { defaults(one) } else { one["default"].clone() };
        let value = match (one["format"].as_str(), value.as_str()) {
            (Some("duration" | "bytes"), Some(text)) => amount(text).into(),
            _ => value,
        };
        assert!(!value.is_null(), "{name} has no default");
        (name.clone(), value)
    };
    properties.into_iter().flatten().map(default).collect::<serde_json::Map<_, _>>().into()
}

/// A number with a unit: `7 days`, `100M`.
fn amount(text: &str) -> u64 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let one: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "" | "B" => 1,
        "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        other => panic!("`{other}` is not a unit that this test knows"),
    };
    match number.parse::<u64>() {
        Ok(number) => number * one,
        Err(_) => panic!("`{text}` is not an amount"),
    }
}

/// The settings of a schema that have no description, or that a README does not name in backticks. A test expects none.
///
/// # Panics
/// If the text is no schema.
pub fn undescribed_settings(schema: &str, readme: &str) -> Vec<String> {
    let Ok(schema) = serde_json::from_str::<serde_json::Value>(schema) else { panic!("the schema is not JSON") };
    let (mut open, mut found) = (vec![(String::new(), &schema)], Vec::new());
    while let Some((path, one)) = open.pop() {
        for (name, below) in one["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}{name}");
            let is_group = below["type"] == "object";
            if !below["description"].is_string() || !is_group && !readme.contains(&format!("`{path}`")) {
                found.push(path.clone());
            }
            if is_group {
                open.push((format!("{path}."), below));
            }
        }
    }
    found
}
