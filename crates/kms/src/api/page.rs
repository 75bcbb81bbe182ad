//! Lists in pages: `Limit`, `Marker`, `NextMarker`, `Truncated`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

use super::error::{Code, Result};

/// What every list takes: how many, and after which.
pub struct Page {
    limit: usize,
    after: Option<String>,
}

/// What every list gives beside its entries.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Paged {
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there is more.
    pub truncated: bool,
}

/// A marker tells itself from other text by what it begins with.
const MARKER: &str = "after:";

impl Page {
    /// From a request; `limit` unless it names one.
    ///
    /// # Errors
    ///
    /// `InvalidMarkerException` for a marker that no list gave.
    pub fn of(limit: Option<usize>, marker: Option<&str>, default: usize) -> Result<Self> {
        let after = marker.map(read).transpose()?;
        Ok(Self { limit: limit.unwrap_or(default), after })
    }

    /// Cuts a page: `get` gives up to so many entries after a name, in the order of names; `name` is an entry's.
    pub fn cut<T>(
        &self,
        get: impl FnOnce(Option<&str>, usize) -> Result<Vec<T>>,
        name: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Paged)> {
        let mut entries = get(self.after.as_deref(), self.limit.saturating_add(1))?;
        let truncated = entries.len() > self.limit;
        entries.truncate(self.limit);
        let next_marker = entries
            .last()
            .filter(|_| truncated)
            .map(|last| BASE64_URL_SAFE_NO_PAD.encode(format!("{MARKER}{}", name(last))));
        Ok((entries, Paged { next_marker, truncated }))
    }

    /// Cuts a page out of all entries, which are in the order of their names.
    pub fn cut_all<T>(&self, all: Vec<T>, name: impl Fn(&T) -> String) -> Result<(Vec<T>, Paged)> {
        self.cut(
            |after, count| {
                Ok(all
                    .into_iter()
                    .filter(|entry| after.is_none_or(|after| *name(entry) > *after))
                    .take(count)
                    .collect())
            },
            &name,
        )
    }
}

fn read(marker: &str) -> Result<String> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let after = text.as_deref().and_then(|text| text.strip_prefix(MARKER));
    after.map(str::to_owned).ok_or_else(|| Code::InvalidMarkerException.because("The marker is invalid."))
}
