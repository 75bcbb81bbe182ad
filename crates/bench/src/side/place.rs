//! Where rows are measured: libcrypto, and modules with configurations of their own.

use super::plan::FEW;
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

/// What is known of a maker's modules.
struct Known {
    maker: Maker,
    /// A part of the file's name.
    file: &'static str,
    /// What names its configuration, that file's name, and what stands in it.
    variable: &'static str,
    configuration: &'static str,
    content: &'static str,
    /// With more objects it takes too long for anybody to wait.
    most: usize,
}

const KNOWN: [Known; 3] = [
    Known {
        maker: Maker::Cloister,
        file: "cloister",
        variable: "CLOISTER_CONF",
        configuration: "cloister.toml",
        content: "log = 'off'\n[[slot]]\nid = 1\npath = 'token'\n",
        most: usize::MAX,
    },
    Known {
        maker: Maker::SoftHsm,
        file: "softhsm",
        variable: "SOFTHSM2_CONF",
        configuration: "softhsm2.conf",
        content: "directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
        most: 10_000,
    },
    Known {
        maker: Maker::Kryoptic,
        file: "kryoptic",
        variable: "KRYOPTIC_CONF",
        configuration: "kryoptic.conf",
        // Older releases say dbpath.
        content: "[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbpath = \"{folder}/token.sql\"\ndbargs = \"{folder}/token.sql\"\n",
        most: 10_000,
    },
];

impl Maker {
    /// By the name of the module's file.
    pub fn of(file: &Path) -> Maker {
        let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let known = KNOWN.iter().find(|known| name.contains(known.file));
        known.map_or(Maker::Other, |known| known.maker)
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.maker == self)
    }

    /// Whether this file is a configuration written here.
    pub fn configures(file: &Path) -> bool {
        KNOWN.iter().any(|known| file.ends_with(known.configuration))
    }

    /// How many objects it is measured with at most. Without a folder for each number, there is one token, with few.
    pub fn most(self) -> usize {
        match self.known() {
            Some(known) => known.most,
            None if own().next().is_some() => 10_000,
            None => FEW,
        }
    }

    /// Writes the configuration for a token in `folder`, if it is not there, and answers the environment that names it.
    pub fn configure(self, folder: &Path) -> Result<Vec<(String, OsString)>> {
        std::fs::create_dir_all(folder.join("tokens"))?;
        let text = folder.to_str().ok_or("the folder's name is not UTF-8")?;
        let Some(known) = self.known() else {
            return Ok(own().map(|(name, value)| (name, value.replace(FOLDER, text).into())).collect());
        };
        let file = folder.join(known.configuration);
        if !file.exists() {
            std::fs::write(&file, known.content.replace(FOLDER, text))?;
        }
        Ok(vec![(known.variable.to_owned(), file.into())])
    }
}

/// What stands in a value where a folder is meant, one for each number of objects.
const FOLDER: &str = "{folder}";

/// The caller's variables that have it.
fn own() -> impl Iterator<Item = (String, String)> {
    let text = |value: OsString| value.into_string().ok();
    let all = std::env::vars_os().filter_map(move |(name, value)| Some((text(name)?, text(value)?)));
    all.filter(|(_, value)| value.contains(FOLDER))
}

impl std::str::FromStr for Place {
    type Err = String;

    /// `NAME=FILE`.
    fn from_str(text: &str) -> std::result::Result<Place, String> {
        let (name, file) = text.split_once('=').ok_or("not NAME=FILE")?;
        Ok(Place::new(name, file.into()))
    }
}

impl Place {
    /// A module.
    pub fn new(name: &str, file: PathBuf) -> Place {
        Place { name: name.to_owned(), maker: Maker::of(&file), file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_the_folder_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        for known in &KNOWN {
            let environment = known.maker.configure(folder.path()).unwrap();
            let file = folder.path().join(known.configuration);
            assert_eq!(environment, [(known.variable.to_owned(), file.clone().into_os_string())]);
            assert!(!std::fs::read_to_string(&file).unwrap().contains(FOLDER));
            assert!(Maker::configures(&file));
        }
    }

    #[test]
    fn a_module_is_known_by_its_files_name() {
        assert_eq!(Maker::of(Path::new("/usr/lib/softhsm/libsofthsm2.so")), Maker::SoftHsm);
        assert_eq!(Maker::of(Path::new("target/release/libcloister.so")), Maker::Cloister);
        assert_eq!(Maker::of(Path::new("/nowhere/hsm.so")), Maker::Other);
    }
}
