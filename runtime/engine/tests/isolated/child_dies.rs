//! A worker that ends in the middle, as one that is killed: at each step of the protocol.

use serde_json::json;

use super::{Evil, MOST, header};

/// The names of these behaviours begin with it.
pub(super) const PREFIX: &str = "dies-";

impl Evil {
    /// In an evaluation.
    pub(super) fn die(&mut self, behaviour: &str) {
        let probe = ("ansai:disk/disk-probe", "list-filesystems");
        match behaviour {
            "dies-after-a-call" => self.call(probe.0, probe.1, &json!({})),
            "dies-after-a-reply" => {
                self.call(probe.0, probe.1, &json!({}));
                self.channel.receive(MOST, None).unwrap();
            }
            "dies-in-a-frame" => self.raw(&[&header(2, 100)[..], b"{\"call\""].concat()),
            "dies-after-the-end" => self.done(self.number, &json!({"Ok": {"observed": []}})),
            other => panic!("{other}"),
        }
        std::process::abort();
    }
}
