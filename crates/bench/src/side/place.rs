//! Where rows are measured: libcrypto, and modules with configurations of their own.

use crate::Result;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A module and how it is told where its token lives.
#[derive(Clone, Debug)]
pub struct Place {
    /// The head of its column.
    pub name: String,
    /// The module.
    pub file: PathBuf,
    /// Who it is.
    pub maker: Maker,
}

/// Which module it is, as far as its configuration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Cloister.
    Cloister,
    /// SoftHSM.
    SoftHsm,
    /// Kryoptic.
    Kryoptic,
    /// Any other: its environment is the caller's, with `{folder}` in it where the token's folder is meant.
    Other,
}

/// What tells a module by its file's name, the variable that names its configuration, that file's name, and what stands in it.
const MAKERS: [(Maker, &str, &str, &str, &str); 3] = [
    (
        Maker::Cloister,
        "cloister",
        "CLOISTER_CONF",
        "cloister.toml",
        "log = 'off'\n[[slot]]\nid = 1\npath = 'token'\n",
    ),
    (
        Maker::SoftHsm,
        "softhsm",
        "SOFTHSM2_CONF",
        "softhsm2.conf",
        "directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
    ),
    (
        Maker::Kryoptic,
        "kryoptic",
        "KRYOPTIC_CONF",
        "kryoptic.conf",
        "[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{folder}/token.sql\"\n",
    ),
];

impl Maker {
    /// By the name of the module's file.
    pub fn of(file: &Path) -> Maker {
        let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = MAKERS.iter().find(|(_, part, ..)| name.contains(part));
        known.map_or(Maker::Other, |(maker, ..)| *maker)
    }

    /// Writes the configuration for a token in `folder`, if it is not there, and answers the environment that names it.
    pub fn configure(self, folder: &Path) -> Result<Vec<(String, OsString)>> {
        std::fs::create_dir_all(folder.join("tokens"))?;
        let text = folder.to_str().ok_or("the folder's name is not UTF-8")?;
        let Some((.., variable, name, content)) = MAKERS.iter().find(|(maker, ..)| *maker == self) else {
            let own = std::env::vars().filter(|(_, value)| value.contains("{folder}"));
            return Ok(own.map(|(name, value)| (name, value.replace("{folder}", text).into())).collect());
        };
        let file = folder.join(name);
        if !file.exists() {
            std::fs::write(&file, content.replace("{folder}", text))?;
        }
        Ok(vec![((*variable).to_owned(), file.into())])
    }
}
