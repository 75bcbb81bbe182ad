//! Configuration: which slots there are, and what new tokens get.
//!
//! Read from the file that `CLOISTER_CONF` names, or the user's `cloister/cloister.toml` in the configuration
//! folder (`XDG_CONFIG_HOME`, `~/.config`), or `/etc/cloister/cloister.toml`; with none of them, slots live in the
//! user's data folder (`XDG_DATA_HOME`, `~/.local/share`).

mod cluster;
pub mod file;
mod places;
mod written;

pub use cluster::{ClusterSettings, NodeAddress, TlsFiles, host_and_port};

use places::Places;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Why a configuration can't be used; the text says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// The whole configuration. All paths in it are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Config {
    /// The file it came from; `None` for the built-in defaults.
    pub source: Option<PathBuf>,
    /// Folder of slots that are made on demand: `<data_dir>/slots/<id>`. There is always one free slot in it.
    /// Without it, only the slots listed below exist.
    pub data_dir: Option<PathBuf>,
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`; `CLOISTER_LOG` wins over it.
    pub log: String,
    /// A file that log lines are appended to; standard error without it.
    pub log_file: Option<PathBuf>,
    /// What new tokens get.
    pub token: TokenSettings,
    /// Slots with fixed ids.
    #[serde(rename = "slot")]
    pub slots: Vec<SlotSettings>,
}

/// Settings of tokens; those marked "new" are kept in the token when it is initialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenSettings {
    /// New: wrong PINs in a row that lock a user.
    pub max_pin_failures: u32,
    /// New: memory of the PIN's Argon2id in KiB.
    pub argon2_memory_kib: u32,
    /// New: passes of the PIN's Argon2id.
    pub argon2_passes: u32,
    /// What usage attributes (`CKA_SIGN`, `CKA_ENCRYPT` ...) are when a template leaves them out: true where
    /// the key type allows it, or false as CloudHSM has it.
    pub usage_default: bool,
    /// Whether mechanisms are offered that are broken or nearly so, for old data and old tests.
    pub legacy: bool,
    /// Who chooses the initialisation vector of AES-GCM.
    pub gcm_iv: GcmIv,
}

/// Who chooses the initialisation vector of an encryption by `CKM_AES_GCM`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GcmIv {
    /// The caller, as the standard has it.
    #[default]
    Caller,
    /// The token, which writes 12 random bytes over the caller's, as CloudHSM has it.
    Token,
}

impl Default for TokenSettings {
    fn default() -> Self {
        // Argon2id: the first choice of OWASP's password storage sheet, 19 MiB and 2 passes.
        TokenSettings {
            max_pin_failures: 5,
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            usage_default: true,
            legacy: false,
            gcm_iv: GcmIv::Caller,
        }
    }
}

/// One `[[slot]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotSettings {
    /// The slot's number, never changed by anything but this line.
    pub id: u64,
    /// Where its token is.
    #[serde(flatten)]
    pub place: Place,
    /// What `C_GetSlotInfo` says; `Cloister slot <id>` without it.
    pub description: Option<String>,
    /// Settings of this slot's token instead of the general ones.
    pub token: Option<TokenSettings>,
}

/// Where a slot's token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In a folder on this machine.
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// On a cluster of nodes.
    Cluster(ClusterSettings),
}

impl SlotSettings {
    /// The folder of its token, if that is on this machine.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder { path } => Some(path),
            Place::Cluster(_) => None,
        }
    }
}

/// The level of log lines where nothing else is said.
const DEFAULT_LOG: &str = "warn";

impl Config {
    /// The configuration this process is to use.
    pub fn load() -> Result<Config, Problem> {
        Places::of_process().load()
    }

    /// Reads one file.
    pub fn from_file(path: &Path) -> Result<Config, Problem> {
        written::read(path, &Places::of_process())
    }

    /// Reads the string that a caller passes in `pReserved` of `C_Initialize`: `config=<file>` or
    /// `data_dir=<folder>`. The empty string asks for nothing.
    pub fn from_argument(argument: &str) -> Result<Config, Problem> {
        match argument.trim().split_once('=') {
            Some((_, "")) => Err(Problem(format!("`{argument}` names no path: write it after the ="))),
            Some(("config", file)) => Config::from_file(Path::new(file)),
            Some(("data_dir", folder)) => Ok(Config::with_data_dir(absolute(Path::new(folder))?)),
            None if argument.trim().is_empty() => Config::load(),
            _ => Err(Problem(format!(
                "`{argument}` is no argument of Cloister's: pass config=<file> or data_dir=<folder>"
            ))),
        }
    }

    /// Slots in this folder, and all else by default.
    pub fn with_data_dir(path: PathBuf) -> Config {
        Config {
            source: None,
            data_dir: Some(path),
            log: DEFAULT_LOG.to_owned(),
            log_file: None,
            token: TokenSettings::default(),
            slots: Vec::new(),
        }
    }

    /// The folder of slot `id`: the one listed for it, or its place in the data folder. `None` for one on a cluster.
    pub fn folder_of(&self, id: u64) -> Option<PathBuf> {
        match self.slots.iter().find(|slot| slot.id == id) {
            Some(listed) => listed.folder().map(Path::to_owned),
            None => self.data_dir.as_ref().map(|folder| folder.join("slots").join(id.to_string())),
        }
    }

    /// The files that [`Config::load`] looks for, in this order; the first that exists is used.
    pub fn search_path() -> Vec<PathBuf> {
        Places::of_process().files()
    }
}

/// The path from the root; a relative one starts at the working directory.
fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    std::path::absolute(path).map_err(|error| Problem(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_names_a_folder_or_a_file() {
        let config = Config::from_argument("data_dir=/srv/tokens").unwrap();
        assert_eq!(config, Config::with_data_dir("/srv/tokens".into()));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.toml");
        std::fs::write(&file, "data_dir = \"d\"").unwrap();
        let config = Config::from_argument(&format!("config={}", file.display())).unwrap();
        assert_eq!(config.data_dir, Some(folder.path().join("d")));
        assert_eq!(config.source, Some(file));
    }

    #[test]
    fn a_relative_folder_in_an_argument_starts_at_the_working_directory() {
        let config = Config::from_argument("data_dir=tokens").unwrap();
        assert_eq!(config.data_dir, Some(std::env::current_dir().unwrap().join("tokens")));
    }

    #[test]
    fn a_slots_folder_is_the_one_listed_or_its_place_in_the_data_folder() {
        let place = Place::Folder { path: "/one".into() };
        let slot = SlotSettings { id: 1, place, description: None, token: None };
        let mut config = Config { slots: vec![slot], ..Config::with_data_dir("/d".into()) };
        assert_eq!(config.folder_of(1), Some("/one".into()));
        assert_eq!(config.folder_of(2), Some("/d/slots/2".into()));
        config.data_dir = None;
        assert_eq!(config.folder_of(2), None);
    }

    #[test]
    fn an_unknown_or_empty_argument_is_told_what_there_is() {
        for argument in ["configdir='sql:/etc'", "config=", "data_dir=", "nonsense", "=x"] {
            let Problem(text) = Config::from_argument(argument).unwrap_err();
            assert!(text.contains(argument), "{text}");
        }
    }
}
