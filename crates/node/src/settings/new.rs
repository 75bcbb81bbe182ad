//! The settings of a new node, as text for its file.

use crate::raft::types::NodeId;
use std::fmt::Write;

/// What a new node's settings are made of; all else is left to the defaults.
#[derive(Clone, Debug)]
pub struct NewSettings {
    /// What people call the node.
    pub name: String,
    /// Its id.
    pub id: NodeId,
    /// Host and port that it listens on for other nodes.
    pub sync: String,
    /// How other nodes reach it, if not at `sync`.
    pub advertise: Option<String>,
    /// Host and port for clients that come by TLS.
    pub client: Option<String>,
    /// Host and port of metrics and health.
    pub metrics: Option<String>,
}

impl NewSettings {
    /// The text of the file. Whether it is right, [`super::Settings::of_text`] says.
    pub fn to_toml(&self) -> String {
        let lines = [
            ("name", Some(self.name.clone())),
            ("id", Some(format!("{:016x}", self.id))),
            ("sync", Some(self.sync.clone())),
            ("advertise", self.advertise.clone()),
            ("client", self.client.clone()),
            ("metrics", self.metrics.clone()),
        ];
        let mut text =
            "# Settings of a Cloister node. What else can be written here: docs/operations.md.\n\n"
                .to_owned();
        for (key, value) in lines {
            if let Some(value) = value {
                // What a quotation mark or a line break would end is escaped.
                let _ = writeln!(text, "{key} = {value:?}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::path::Path;

    #[test]
    fn what_is_written_is_read_again_and_nothing_slips_in() {
        let new = NewSettings {
            name: "n1".to_owned(),
            id: 7,
            sync: "0.0.0.0:7421".to_owned(),
            advertise: Some("n1.example:7421".to_owned()),
            client: None,
            metrics: Some("127.0.0.1:9420".to_owned()),
        };
        let read = |new: &NewSettings| Settings::of_text(Path::new("/d/node.toml"), &new.to_toml());
        let settings = read(&new).unwrap();
        assert_eq!((settings.id, settings.advertise.as_str()), (7, "n1.example:7421"));
        assert_eq!((settings.client, settings.metrics.as_deref()), (None, Some("127.0.0.1:9420")));
        let sly = NewSettings { name: "n1\"\nserve-alone = true #".to_owned(), ..new };
        let read = read(&sly);
        assert!(read.is_err() || !read.unwrap().serve_alone);
    }
}
