//! Configuration: which slots there are, and what new tokens get.
//!
//! Read from the file that `CLOISTER_CONF` names, or the user's `cloister/cloister.toml` in the configuration
//! folder (`XDG_CONFIG_HOME`, `~/.config`), or `/etc/cloister/cloister.toml`; with none of them, slots live in the
//! user's data folder (`XDG_DATA_HOME`, `~/.local/share`).

use serde::Deserialize;
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

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file it came from; `None` for the built-in defaults.
    #[serde(skip)]
    pub source: Option<PathBuf>,
    /// Folder of slots that are made on demand: `<data_dir>/slots/<id>`. There is always one free slot in it. Without it, only the slots
    /// listed below exist.
    #[serde(default)]
    pub data_dir: Option<PathBuf>,
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`; `CLOISTER_LOG` wins over it.
    #[serde(default = "default_log")]
    pub log: String,
    /// A file that log lines are appended to; standard error without it.
    #[serde(default)]
    pub log_file: Option<PathBuf>,
    /// What new tokens get.
    #[serde(default)]
    pub token: TokenSettings,
    /// Slots with fixed ids.
    #[serde(default, rename = "slot")]
    pub slots: Vec<SlotSettings>,
}

/// Settings of tokens; those marked "new" are kept in the token when it is initialised.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// New: wrong PINs in a row that lock a user.
    pub max_pin_failures: u32,
    /// New: memory of the PIN's Argon2id in KiB.
    pub argon2_memory_kib: u32,
    /// New: passes of the PIN's Argon2id.
    pub argon2_passes: u32,
    /// What usage attributes (`CKA_SIGN`, `CKA_ENCRYPT` ...) are when a template leaves them out: true where the key
    /// type allows it, or false as CloudHSM has it.
    pub usage_default: bool,
}

impl Default for TokenSettings {
    fn default() -> Self {
        // Argon2id: the first choice of OWASP's password storage sheet, 19 MiB and 2 passes.
        TokenSettings {
            max_pin_failures: 5,
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            usage_default: true,
        }
    }
}

/// One `[[slot]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSettings {
    /// The slot's number, never changed by anything but this line.
    pub id: u64,
    /// The folder of its token.
    pub path: PathBuf,
    /// What `C_GetSlotInfo` says; `Cloister slot <id>` without it.
    #[serde(default)]
    pub description: Option<String>,
    /// Settings of this slot's token instead of the general ones.
    #[serde(default)]
    pub token: Option<TokenSettings>,
}

fn default_log() -> String {
    "warn".to_owned()
}

impl Config {
    /// The configuration this process is to use.
    pub fn load() -> Result<Config, Problem> {
        todo!()
    }

    /// Reads one file.
    pub fn from_file(path: &Path) -> Result<Config, Problem> {
        let _ = path;
        todo!()
    }

    /// Reads the string that a caller passes in `pReserved` of `C_Initialize`: `config=<file>` or `data_dir=<folder>`.
    pub fn from_argument(argument: &str) -> Result<Config, Problem> {
        let _ = argument;
        todo!()
    }

    /// Slots in this folder, and all else by default.
    pub fn with_data_dir(path: PathBuf) -> Config {
        Config {
            source: None,
            data_dir: Some(path),
            log: default_log(),
            log_file: None,
            token: TokenSettings::default(),
            slots: Vec::new(),
        }
    }
}
