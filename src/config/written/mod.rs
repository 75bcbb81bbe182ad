//! The configuration file as people write it: read, checked, and turned into a [`Config`].
//!
//! Every problem is told as `<file>:<line>: <what is wrong and what to do>`.

mod place;

use super::places::Places;
use super::{Config, DEFAULT_LOG, Problem, SlotSettings, TokenSettings, absolute};
use serde::Deserialize;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use toml::Spanned;

/// A file larger than this is not one of ours.
const MOST_BYTES: u64 = 1 << 20;
const LOG_LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
const PIN_FAILURES: RangeInclusive<u32> = 1..=100;
/// From the least that Argon2 can work with (RFC 9106, section 3.1) to 4 GiB.
const ARGON2_MEMORY_KIB: RangeInclusive<u32> = 8..=4 * 1024 * 1024;
const ARGON2_PASSES: RangeInclusive<u32> = 1..=1000;
/// `CK_SLOT_ID` on every platform; the last one is `CK_UNAVAILABLE_INFORMATION` on some.
const SLOT_IDS: RangeInclusive<u64> = 0..=0xffff_fffe;
/// Bytes of `slotDescription` in `CK_SLOT_INFO`.
const DESCRIPTION_BYTES: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    data_dir: Option<Spanned<PathBuf>>,
    log: Option<Spanned<String>>,
    log_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    token: WrittenToken,
    #[serde(default, rename = "slot")]
    slots: Vec<WrittenSlot>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenToken {
    max_pin_failures: Option<Spanned<u32>>,
    argon2_memory_kib: Option<Spanned<u32>>,
    argon2_passes: Option<Spanned<u32>>,
    usage_default: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSlot {
    id: Spanned<u64>,
    description: Option<Spanned<String>>,
    token: Option<WrittenToken>,
    path: Option<Spanned<PathBuf>>,
    nodes: Option<Spanned<Vec<Spanned<String>>>>,
    ca: Option<Spanned<PathBuf>>,
    certificate: Option<Spanned<PathBuf>>,
    key: Option<Spanned<PathBuf>>,
    connect_timeout_ms: Option<Spanned<u64>>,
    probe_ms: Option<Spanned<u64>>,
    request_timeout_ms: Option<Spanned<u64>>,
    retry_ms: Option<Spanned<u64>>,
}

/// Reads and checks one file.
pub(super) fn read(path: &Path, places: &Places) -> Result<Config, Problem> {
    let path = absolute(path)?;
    let text = read_text(&path)?;
    File { path: &path, text: &text }.parse(places)
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let problem = |what: String| Problem(format!("{}: {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| {
        problem(format!("{error}. Make this file readable, or have CLOISTER_CONF name another"))
    })?;
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
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn parse(&self, places: &Places) -> Result<Config, Problem> {
        let written: Written = toml::from_str(self.text)
            .map_err(|error| self.problem(error.span().unwrap_or(0..0), error.message()))?;
        let token = self.token(&written.token, &TokenSettings::default())?;
        let data_dir = match &written.data_dir {
            Some(folder) => Some(self.resolve("data_dir", folder)?),
            None if written.slots.is_empty() => Some(places.data_dir()?),
            None => None,
        };
        Ok(Config {
            source: Some(self.path.to_owned()),
            log: self.log(written.log.as_ref())?,
            log_file: written.log_file.as_ref().map(|file| self.resolve("log_file", file)).transpose()?,
            slots: self.slots(&written.slots, &token, data_dir.as_deref())?,
            data_dir,
            token,
        })
    }

    fn log(&self, level: Option<&Spanned<String>>) -> Result<String, Problem> {
        let Some(level) = level else { return Ok(DEFAULT_LOG.to_owned()) };
        if LOG_LEVELS.contains(&level.get_ref().as_str()) {
            return Ok(level.get_ref().clone());
        }
        let text =
            format!("log = \"{}\" is no level: write one of {}", level.get_ref(), LOG_LEVELS.join(", "));
        Err(self.problem(level.span(), &text))
    }

    /// What is left out comes from `general`.
    fn token(&self, written: &WrittenToken, general: &TokenSettings) -> Result<TokenSettings, Problem> {
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
        })
    }

    fn slots(
        &self,
        written: &[WrittenSlot],
        general: &TokenSettings,
        data_dir: Option<&Path>,
    ) -> Result<Vec<SlotSettings>, Problem> {
        let mut slots: Vec<SlotSettings> = Vec::new();
        for entry in written {
            let slot = self.slot(entry, general)?;
            if slots.iter().any(|other| other.id == slot.id) {
                let text = format!("there are two slots with id = {}: give each its own", slot.id);
                return Err(self.problem(entry.id.span(), &text));
            }
            if let (Some(written), Some(folder)) = (&entry.path, slot.folder()) {
                if let Some(other) = slots.iter().find(|other| other.folder() == Some(folder)) {
                    let (id, folder) = (other.id, folder.display());
                    let text =
                        format!("path is {folder}, as that of slot {id}: give each slot its own folder");
                    return Err(self.problem(written.span(), &text));
                }
                self.check_apart(written, folder, slot.id, data_dir)?;
            }
            slots.push(slot);
        }
        Ok(slots)
    }

    fn slot(&self, written: &WrittenSlot, general: &TokenSettings) -> Result<SlotSettings, Problem> {
        if let Some(description) = &written.description {
            let bytes = description.get_ref().len();
            if bytes > DESCRIPTION_BYTES {
                let text = format!("description has {bytes} bytes: shorten it to {DESCRIPTION_BYTES}");
                return Err(self.problem(description.span(), &text));
            }
        }
        Ok(SlotSettings {
            id: *self.within("id", &written.id, SLOT_IDS)?,
            place: self.place(written)?,
            description: written.description.as_ref().map(|text| text.get_ref().clone()),
            token: written.token.as_ref().map(|token| self.token(token, general)).transpose()?,
        })
    }

    /// The slots made on demand have their own folders, which a listed slot may share only under its own id.
    fn check_apart(
        &self,
        written: &Spanned<PathBuf>,
        folder: &Path,
        slot: u64,
        data_dir: Option<&Path>,
    ) -> Result<(), Problem> {
        let Some(on_demand) = data_dir.map(|folder| folder.join("slots")) else { return Ok(()) };
        if !folder.starts_with(&on_demand) || folder == on_demand.join(slot.to_string()) {
            return Ok(());
        }
        let text = format!(
            "path is inside {}, where slots are made on demand: choose a folder elsewhere",
            on_demand.display()
        );
        Err(self.problem(written.span(), &text))
    }

    fn within<'v, N>(
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
    fn resolve(&self, key: &str, path: &Spanned<PathBuf>) -> Result<PathBuf, Problem> {
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

    fn problem(&self, span: Range<usize>, text: &str) -> Problem {
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

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    pub(super) fn parse(text: &str) -> Result<Config, Problem> {
        File { path: Path::new("/etc/c/cloister.toml"), text }.parse(&Places::of_process())
    }

    /// What is said about `text`, without the name of the file.
    pub(super) fn problem(text: &str) -> String {
        let Problem(said) = parse(text).unwrap_err();
        said.strip_prefix("/etc/c/cloister.toml:").expect(&said).to_owned()
    }

    #[test]
    fn everything_a_file_can_say_is_read() {
        let config = parse(
            r#"
            data_dir = "/srv/tokens"
            log = "debug"
            log_file = "log/cloister.log"
            [token]
            max_pin_failures = 3
            argon2_memory_kib = 8
            argon2_passes = 1
            usage_default = false
            [[slot]]
            id = 7
            path = "../seven"
            description = "The seventh"
            [slot.token]
            max_pin_failures = 10
            "#,
        )
        .unwrap();
        let token = TokenSettings {
            max_pin_failures: 3,
            argon2_memory_kib: 8,
            argon2_passes: 1,
            usage_default: false,
        };
        let slot = SlotSettings {
            id: 7,
            place: Place::Folder { path: "/etc/seven".into() },
            description: Some("The seventh".to_owned()),
            token: Some(TokenSettings { max_pin_failures: 10, ..token.clone() }),
        };
        let expected = Config {
            source: Some("/etc/c/cloister.toml".into()),
            data_dir: Some("/srv/tokens".into()),
            log: "debug".to_owned(),
            log_file: Some("/etc/c/log/cloister.log".into()),
            token,
            slots: vec![slot],
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn the_example_in_the_manual_is_valid_and_shows_the_defaults() {
        let manual = include_str!("../../../docs/configuration.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = parse(example).unwrap();
        assert_eq!(config.token, TokenSettings::default());
        assert_eq!(config.slots[0].folder(), Some(Path::new("/etc/c/payments")));
    }

    #[test]
    fn a_file_that_lists_slots_has_no_others() {
        assert_eq!(parse("[[slot]]\nid = 1\npath = '/a'").unwrap().data_dir, None);
    }

    #[test]
    fn a_file_without_slots_has_the_users_folder() {
        assert_eq!(parse("log = 'info'").unwrap().data_dir, Places::of_process().data_dir().ok());
    }

    #[test]
    fn numbers_out_of_range_are_told_with_line_and_range() {
        assert_eq!(
            problem("[token]\nmax_pin_failures = 0"),
            "2: max_pin_failures = 0: give a number from 1 to 100"
        );
        assert!(problem("[token]\nmax_pin_failures = 101").contains("from 1 to 100"));
        assert!(problem("[token]\nargon2_memory_kib = 7").contains("from 8 to"));
        assert!(problem("[token]\nargon2_passes = 0").contains("from 1 to"));
        assert!(problem("[[slot]]\nid = 4294967295\npath = 'a'").starts_with("2: id"));
        assert!(problem("[[slot]]\nid = -1\npath = 'a'").starts_with("2: "));
    }

    #[test]
    fn unknown_keys_are_named() {
        for text in ["\ncolour = 1", "[token]\npins = 2", "[[slot]]\nplace = 'a'\nid = 1\npath = 'a'"] {
            let said = problem(text);
            assert!(said.starts_with("2: unknown field"), "{said}");
        }
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        assert!(problem("log = 'info'\nslot id 1").starts_with("2: "));
        assert!(problem("[[slot]]\npath = 'a'").contains("missing field `id`"));
    }

    #[test]
    fn unknown_log_levels_are_told_the_known_ones() {
        assert_eq!(
            problem("log = 'loud'"),
            "1: log = \"loud\" is no level: write one of off, error, warn, info, debug, trace"
        );
    }

    #[test]
    fn no_two_slots_share_an_id_or_a_folder() {
        let two = |ids: [u64; 2], paths: [&str; 2]| {
            format!(
                "[[slot]]\nid = {}\npath = '{}'\n[[slot]]\nid = {}\npath = '{}'",
                ids[0], paths[0], ids[1], paths[1]
            )
        };
        assert!(problem(&two([1, 1], ["a", "b"])).starts_with("5: there are two slots with id = 1"));
        assert!(
            problem(&two([1, 2], ["a", "./b/../a"])).starts_with("6: path is /etc/c/a, as that of slot 1")
        );
        assert!(parse(&two([1, 2], ["a", "b"])).is_ok());
    }

    #[test]
    fn a_listed_slot_takes_no_folder_that_another_will_be_made_in() {
        let slot = |path: &str| format!("data_dir = 'd'\n[[slot]]\nid = 3\npath = '{path}'");
        assert!(problem(&slot("d/slots/4")).starts_with("4: path is inside /etc/c/d/slots"));
        assert!(parse(&slot("d/slots/3")).is_ok());
        assert!(parse(&slot("d/mine")).is_ok());
    }

    #[test]
    fn paths_that_only_look_like_paths_are_refused() {
        assert!(problem("data_dir = '~/tokens'").contains('~'));
        assert!(problem("log_file = ''").contains("empty"));
    }

    #[test]
    fn long_descriptions_are_refused() {
        let text = format!("[[slot]]\nid = 1\npath = 'a'\ndescription = '{}'", "x".repeat(65));
        assert!(problem(&text).starts_with("4: description has 65 bytes"));
    }

    #[test]
    fn what_is_no_text_file_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.toml");
        std::fs::write(&bad, [0xff, 0xfe]).unwrap();
        for path in [folder.path(), &bad, Path::new("/dev/zero")] {
            let Problem(said) = read(path, &Places::of_process()).unwrap_err();
            assert!(said.starts_with(&path.display().to_string()), "{said}");
        }
    }
}
