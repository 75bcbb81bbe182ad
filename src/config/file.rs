//! A TOML file of settings: read, checked value by value, and its mistakes told with file and line. The library's configuration is one,
//! a node's settings are another.

use super::{GcmIv, Problem, TokenSettings};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use toml::Spanned;

/// A file larger than this is not one of ours.
const MOST_BYTES: u64 = 1 << 20;
const PIN_FAILURES: RangeInclusive<u32> = 1..=100;
/// From the least that Argon2 can work with (RFC 9106, section 3.1) to 4 GiB.
const ARGON2_MEMORY_KIB: RangeInclusive<u32> = 8..=4 * 1024 * 1024;
const ARGON2_PASSES: RangeInclusive<u32> = 1..=1000;

/// `[token]` as people write it, for [`File::token`].
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct WrittenToken {
    max_pin_failures: Option<Spanned<u32>>,
    argon2_memory_kib: Option<Spanned<u32>>,
    argon2_passes: Option<Spanned<u32>>,
    usage_default: Option<bool>,
    legacy: Option<bool>,
    gcm_iv: Option<GcmIv>,
}

/// Reads a file whole, if it is not too large and in UTF-8. `advice` says what to do if it can't be read.
pub fn read_text(path: &Path, advice: &str) -> Result<String, Problem> {
    let problem = |what: String| Problem(format!("{}: {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| problem(format!("{error}. {advice}")))?;
    let mut text = String::new();
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(bytes) if bytes as u64 > MOST_BYTES => {
            Err(problem("over 1 MiB, no configuration file".to_owned()))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(problem(format!("{error}. A configuration is a TOML file in UTF-8"))),
    }
}

/// A file's text, and where it came from.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// The file, from the root.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
}

impl File<'_> {
    /// What it says, as a type of ours.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(self.text).map_err(|error| self.problem(error.span().unwrap_or(0..0), error.message()))
    }

    /// Checks settings of tokens. What is left out comes from `general`.
    pub fn token(&self, written: &WrittenToken, general: &TokenSettings) -> Result<TokenSettings, Problem> {
        let number = |key: &str, value: &Option<Spanned<u32>>, general: u32, range: RangeInclusive<u32>| {
            let Some(value) = value else { return Ok(general) };
            self.within(key, value, range).copied()
        };
        Ok(TokenSettings {
            max_pin_failures: number(
                "max_pin_failures",
                &written.max_pin_failures,
                general.max_pin_failures,
                PIN_FAILURES,
            )?,
            argon2_memory_kib: number(
                "argon2_memory_kib",
                &written.argon2_memory_kib,
                general.argon2_memory_kib,
                ARGON2_MEMORY_KIB,
            )?,
            argon2_passes: number(
                "argon2_passes",
                &written.argon2_passes,
                general.argon2_passes,
                ARGON2_PASSES,
            )?,
            usage_default: written.usage_default.unwrap_or(general.usage_default),
            legacy: written.legacy.unwrap_or(general.legacy),
            gcm_iv: written.gcm_iv.unwrap_or(general.gcm_iv),
        })
    }

    /// The value of `key`, which has to be in a range.
    pub fn within<'v, N>(
        &self,
        key: &str,
        value: &'v Spanned<N>,
        range: RangeInclusive<N>,
    ) -> Result<&'v N, Problem>
    where
        N: PartialOrd + std::fmt::Display,
    {
        if range.contains(value.get_ref()) {
            return Ok(value.get_ref());
        }
        let text =
            format!("{key} = {}: give a number from {} to {}", value.get_ref(), range.start(), range.end());
        Err(self.problem(value.span(), &text))
    }

    /// A path from the root, without `.` and `..`; a relative one starts at the file's folder.
    pub fn resolve(&self, key: &str, path: &Spanned<PathBuf>) -> Result<PathBuf, Problem> {
        let written = path.get_ref();
        if written.as_os_str().is_empty() {
            return Err(self.problem(path.span(), &format!("{key} is empty: write a path, or leave it out")));
        }
        if written.starts_with("~") {
            let text = format!("{key} begins with ~, which only shells know: write the path out");
            return Err(self.problem(path.span(), &text));
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        Ok(without_dots(&folder.join(written)))
    }

    /// What is wrong with the part `span` of the file, with its name and line.
    pub fn problem(&self, span: Range<usize>, text: &str) -> Problem {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        Problem(format!("{}:{line}: {}", self.path.display(), text.trim()))
    }
}

/// The same path with `.` and `..` taken out, by its letters alone: the folder need not exist yet.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
