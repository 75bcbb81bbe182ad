//! The configuration file as people write it: read, checked, and turned into a [`Config`].
//!
//! Every problem is told as `<file>:<line>: <what is wrong and what to do>`.

mod place;

use super::file::{File, WrittenToken, read_text};
use super::places::Places;
use super::{Config, DEFAULT_LOG, Problem, SlotSettings, TokenSettings, absolute};
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use toml::Spanned;

const LOG_LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
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
    let text = read_text(&path, "Make this file readable, or have CLOISTER_CONF name another")?;
    File { path: &path, text: &text }.parse(places)
}

impl File<'_> {
    fn parse(&self, places: &Places) -> Result<Config, Problem> {
        let written: Written = self.read()?;
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
            legacy = true
            gcm_iv = "token"
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
            legacy: true,
            gcm_iv: super::super::GcmIv::Token,
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
