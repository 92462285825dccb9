//! A worker that was taken over and plans: it reports one finding, and lies when it is asked for a plan.

use serde_json::{Value, json};

use super::{Evil, MOST, call, observation};

/// The names of these behaviours begin with it.
pub(super) const PREFIX: &str = "plan-";
const ACTIONS: &str = "ansai:disk/disk-check-actions";
const ADVICE: &str = "ansai:policy/advice";

/// Arguments of a step that only looks.
fn check() -> Value {
    json!({"at-least-bytes": 1, "mount": "/", "reason": "r"})
}

impl Evil {
    /// In `detect` at first.
    pub(super) fn plan(&mut self, behaviour: &str) {
        if behaviour == "plan-acts-in-detect" {
            self.call(ACTIONS, "check-available", &check());
            self.reply();
            return self.done(self.number, &json!({"Ok": {"observed": []}}));
        }
        let mut found = observation("full");
        found["status"] = json!({"unhealthy": "critical"});
        self.done(self.number, &json!({"Ok": {"observed": [found]}}));
        self.until_evaluate(behaviour);
        match behaviour {
            "plan-forges-steps" => {
                self.call(ACTIONS, "check-available", &check());
                self.reply();
                for step in [1_u32, 7, u32::MAX] {
                    self.call(ADVICE, "may-fail", &json!({ "step": step }));
                    self.reply();
                }
                self.decide();
                // The step is done: now it verifies.
                self.until_evaluate(behaviour);
                self.done(self.number, &json!({"Ok": {"observed": [observation("full")]}}));
            }
            "plan-without-grant" => {
                self.call(ACTIONS, "check-available", &check());
                self.reply();
                self.decide();
            }
            // A step that the worker thinks out, in the answer.
            "plan-invents-a-step" => self.send(&format!(
                r#"{{"done":{{"number":{},"answer":{{"Ok":{{"decided":{{"apply":"stop"}}}}}},"fuel":1,"memory_bytes":1,
                "refused_calls":0,"proposed":[{{"action":"{ACTIONS}.check-available"}}]}}}}"#,
                self.number
            )),
            "plan-for-another" => {
                self.send(&call(self.number + 1, ACTIONS, "check-available", &check().to_string()));
            }
            "plan-calls-after-the-end" => {
                self.decide();
                self.call(ACTIONS, "check-available", &check());
            }
            other => panic!("{other}"),
        }
    }

    fn decide(&mut self) {
        self.done(self.number, &json!({"Ok": {"decided": {"apply": "stop"}}}));
    }

    fn reply(&mut self) {
        let frame = self.channel.receive(MOST, None).unwrap();
        // The text of a reply comes after one byte.
        let text = frame.payload.strip_prefix(b"=").unwrap_or(&frame.payload);
        let _: Value = serde_json::from_slice(text).unwrap();
    }
}
