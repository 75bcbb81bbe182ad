//! One line of JSON for each request. Never plaintext: an entry has no place for it.

use crate::xks::protocol::messages::RequestMetadata;
use crate::xks::protocol::{ErrorName, Failure, Operation};
use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use std::io::Write;
use std::net::SocketAddr;
use time::OffsetDateTime;

/// What is told of a request. Fields of its metadata have the specification's names.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// When it came.
    #[serde(serialize_with = "rfc3339")]
    pub(super) time: Option<OffsetDateTime>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<SocketAddr>,
    /// What it asked for, where that is nothing that the API has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub(super) operation: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_key_id: Option<String>,
    /// The access key that a signature names which does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed_access_key_id: Option<String>,
    /// The external key's id, and the version of it that worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_version: Option<u32>,
    #[serde(flatten)]
    pub(super) request: Option<RequestMetadata>,
    /// The rule of secondary authorization that allowed or denied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
    pub(super) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_name: Option<ErrorName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<String>,
    pub(super) duration_micros: u64,
}

impl Entry {
    /// It was refused.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.error_name = Some(failure.name);
        self.error_message = Some(failure.message.clone());
    }
}

fn name<S: Serializer>(operation: &Option<Operation>, serializer: S) -> Result<S::Ok, S::Error> {
    operation.map(Operation::name).serialize(serializer)
}

fn rfc3339<S: Serializer>(time: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(time) = time else { return serializer.serialize_none() };
    let (date, month, milliseconds) = (time.date(), u8::from(time.month()), time.millisecond());
    let (hour, minute, second) = time.time().as_hms();
    let date = format_args!("{:04}-{month:02}-{:02}", date.year(), date.day()).to_string();
    serializer.collect_str(&format_args!("{date}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"))
}

/// Where the lines go.
pub(super) struct RequestLog(Mutex<Box<dyn Write + Send>>);

impl RequestLog {
    pub(super) fn new(to: Box<dyn Write + Send>) -> RequestLog {
        RequestLog(Mutex::new(to))
    }

    /// Appends a line, whole.
    pub(super) fn write(&self, entry: &Entry) {
        let written = serde_json::to_vec(entry).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            let mut to = self.0.lock();
            to.write_all(&line)?;
            to.flush()
        });
        if let Err(error) = written {
            tracing::error!("the log of requests can't be written: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_007_000_000).unwrap();
        let entry = Entry { time: Some(time), ..Entry::default() };
        let written = serde_json::to_value(&entry).unwrap();
        assert_eq!(written["time"], "2023-11-14T22:13:20.007Z");
        assert_eq!(written.as_object().unwrap().len(), 3, "{written}");
    }
}
