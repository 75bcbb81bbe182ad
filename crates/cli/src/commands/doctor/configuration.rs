//! Is there a valid configuration, and are its folders closed to others?

use super::{Area, Finding};
use crate::commands::config::origin;
use cloister::config::Config;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Looks at the configuration and the folders it names. `None`: there is no valid one.
pub fn look() -> (Option<Config>, Vec<Finding>) {
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => {
            let advice = "correct it; `cloister config check` says whether it is right";
            return (None, vec![Finding::bad(Area::Configuration, problem.0, advice)]);
        }
    };
    let mut findings =
        vec![Finding::good(Area::Configuration, format!("the configuration is valid: {}", origin(&config)))];
    let slots = config.slots.iter().filter_map(|slot| slot.folder());
    let folders = config.data_dir.as_deref().into_iter().chain(slots);
    findings.extend(folders.map(folder));
    findings.extend(config.log_file.as_deref().and_then(log_file));
    (Some(config), findings)
}

/// A folder of tokens: it may be missing until the first is made, but no one else may get at it.
fn folder(path: &Path) -> Finding {
    let shown = path.display();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::good(Area::Configuration, format!("{shown} is made when its first token is"));
        }
        Err(error) => {
            let advice = "let the user who runs the programs into this folder and those above it";
            return Finding::bad(Area::Configuration, format!("{shown}: {error}"), advice);
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    if !metadata.is_dir() {
        Finding::bad(
            Area::Configuration,
            format!("{shown} is no folder"),
            "name a folder in the configuration",
        )
    } else if mode & 0o022 != 0 {
        Finding::bad(
            Area::Configuration,
            format!("{shown} can be written by others (mode {mode:o}): they can delete or replace tokens"),
            format!("chmod go-w {shown}"),
        )
    } else {
        Finding::good(Area::Configuration, format!("{shown} is there (mode {mode:o})"))
    }
}

/// A log file's folder has to exist: nobody makes it.
fn log_file(path: &Path) -> Option<Finding> {
    let folder = path.parent()?;
    let bad = |what: String| {
        let advice = format!("make the folder (mkdir -p {}), or name another log_file", folder.display());
        Finding::bad(Area::Configuration, what, advice)
    };
    (!folder.is_dir()).then(|| bad(format!("log_file can't be written: {} is no folder", folder.display())))
}
