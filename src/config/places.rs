//! Where a configuration is looked for, and where data goes that none names.

use super::{Config, Problem, absolute, written};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file for all users of a machine.
const SYSTEM_FILE: &str = "/etc/cloister/cloister.toml";

/// What the process' environment says about files. Kept apart from it so that every rule can be tried.
pub(super) struct Places {
    /// `CLOISTER_CONF`: this file and no other.
    named: Option<PathBuf>,
    /// The user's folder for configuration.
    config_home: Option<PathBuf>,
    /// The user's folder for data.
    data_home: Option<PathBuf>,
    /// The file for all users.
    system: PathBuf,
}

impl Places {
    /// As this process' environment has them.
    pub(super) fn of_process() -> Places {
        Places::from_environment(|name| std::env::var_os(name).map(PathBuf::from), Path::new(SYSTEM_FILE))
    }

    fn from_environment(variable: impl Fn(&str) -> Option<PathBuf>, system: &Path) -> Places {
        let variable = |name: &str| variable(name).filter(|path| path.as_os_str() != OsStr::new(""));
        // The XDG base directory specification: a relative path counts as none.
        let folder = |name: &str| variable(name).filter(|path| path.is_absolute());
        let home = folder("HOME");
        let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
        Places {
            named: variable("CLOISTER_CONF"),
            config_home: folder("XDG_CONFIG_HOME").or_else(|| below_home(".config")),
            data_home: folder("XDG_DATA_HOME").or_else(|| below_home(".local/share")),
            system: system.to_owned(),
        }
    }

    /// The files to try, in order.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        if let Some(named) = &self.named {
            return vec![named.clone()];
        }
        let users = self.config_home.as_ref().map(|folder| folder.join("cloister/cloister.toml"));
        users.into_iter().chain([self.system.clone()]).collect()
    }

    /// The first file that exists, or the defaults. A named file that is missing is a problem: whoever named it
    /// doesn't want their keys elsewhere.
    pub(super) fn load(&self) -> Result<Config, Problem> {
        for file in self.files() {
            if self.named.is_some() || is_there(&file)? {
                return written::read(&file, self);
            }
        }
        Ok(Config::with_data_dir(self.data_dir()?))
    }

    /// The folder of slots where no file says another.
    pub(super) fn data_dir(&self) -> Result<PathBuf, Problem> {
        // No guess here: keys made in a folder that nobody expects are keys lost.
        let home = self.data_home.as_ref().ok_or_else(|| {
            Problem(format!(
                "no folder for tokens: neither HOME nor XDG_DATA_HOME is set. Set one of them, or write data_dir \
                 into {} or into a file that CLOISTER_CONF names",
                self.system.display()
            ))
        })?;
        absolute(&home.join("cloister"))
    }
}

/// Whether a file exists. One that can't be looked at is a problem, not a missing one.
fn is_there(file: &Path) -> Result<bool, Problem> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match file.metadata() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(Problem(format!(
            "{}: {error}. Make it readable, or name another file in CLOISTER_CONF",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A home folder, and what a process in it would find.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Home {
            Home(tempfile::tempdir().unwrap())
        }

        fn path(&self, relative: &str) -> PathBuf {
            self.0.path().join(relative)
        }

        /// Writes a configuration that says its own name.
        fn write(&self, relative: &str) {
            let path = self.path(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("data_dir = '/from/{relative}'")).unwrap();
        }

        fn places(&self, variables: &[(&str, &str)]) -> Places {
            let get = |name: &str| {
                let value = variables.iter().find(|(key, _)| *key == name)?.1;
                Some(PathBuf::from(value.replace('~', &self.0.path().to_string_lossy())))
            };
            Places::from_environment(get, &self.path("etc/cloister.toml"))
        }

        fn data_dir(&self, variables: &[(&str, &str)]) -> Result<PathBuf, Problem> {
            self.places(variables).load().map(|config| config.data_dir.unwrap())
        }
    }

    #[test]
    fn the_nearest_file_wins() {
        let home = Home::new();
        for file in ["named.toml", "xdg/cloister/cloister.toml", ".config/cloister/cloister.toml"] {
            home.write(file);
        }
        home.write("etc/cloister.toml");
        let all = [("CLOISTER_CONF", "~/named.toml"), ("XDG_CONFIG_HOME", "~/xdg"), ("HOME", "~")];
        let expected = [
            "/from/named.toml",
            "/from/xdg/cloister/cloister.toml",
            "/from/.config/cloister/cloister.toml",
            "/from/etc/cloister.toml",
        ];
        for (from, expected) in expected.iter().enumerate() {
            assert_eq!(home.data_dir(&all[from..]).unwrap(), Path::new(expected));
        }
    }

    #[test]
    fn a_named_file_that_is_missing_is_a_problem() {
        let home = Home::new();
        home.write("etc/cloister.toml");
        let Problem(text) = home.data_dir(&[("CLOISTER_CONF", "~/none.toml"), ("HOME", "~")]).unwrap_err();
        assert!(text.contains("none.toml") && text.contains("CLOISTER_CONF"), "{text}");
    }

    #[test]
    fn without_a_file_data_is_in_the_users_folder() {
        let home = Home::new();
        let data = |variables: &[(&str, &str)]| home.data_dir(variables).unwrap();
        assert_eq!(data(&[("HOME", "~")]), home.path(".local/share/cloister"));
        assert_eq!(data(&[("HOME", "~"), ("XDG_DATA_HOME", "~/data")]), home.path("data/cloister"));
    }

    #[test]
    fn empty_and_relative_variables_count_as_none() {
        let home = Home::new();
        let variables =
            [("CLOISTER_CONF", ""), ("XDG_CONFIG_HOME", "x"), ("XDG_DATA_HOME", "y"), ("HOME", "~")];
        assert_eq!(home.data_dir(&variables).unwrap(), home.path(".local/share/cloister"));
    }

    #[test]
    fn without_a_home_the_system_file_still_counts_and_else_it_says_what_to_do() {
        let home = Home::new();
        let Problem(text) = home.data_dir(&[]).unwrap_err();
        assert!(text.contains("XDG_DATA_HOME") && text.contains("CLOISTER_CONF"), "{text}");
        home.write("etc/cloister.toml");
        assert_eq!(home.data_dir(&[]).unwrap(), Path::new("/from/etc/cloister.toml"));
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_no_configuration() {
        let home = Home::new();
        fs::write(home.path(".config"), "").unwrap();
        assert_eq!(home.data_dir(&[("HOME", "~")]).unwrap(), home.path(".local/share/cloister"));
    }
}
