//! Is the loadable module where programs find it, and does it load?

use super::{Area, Finding};
use cryptoki::context::Pkcs11;
use std::path::{Path, PathBuf};

const MODULE: &str = "libcloister.so";

/// Where packages and `make install` put it, after the folders beside this program.
const FOLDERS: &[&str] = &[
    "/usr/local/lib",
    "/usr/local/lib/pkcs11",
    "/usr/lib",
    "/usr/lib/pkcs11",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib64",
    "/usr/lib64/pkcs11",
];

/// Looks for the module, and loads it as a program would.
pub fn look(named: Option<&Path>) -> Vec<Finding> {
    let file = match named {
        Some(file) => Some(file.to_owned()),
        None => candidates().into_iter().find(|file| file.is_file()),
    };
    vec![match file {
        Some(file) => load(&file),
        None => Finding::bad(
            Area::Installation,
            format!("{MODULE} is in none of its usual folders"),
            "run `make install`, or say where it is with --module FILE",
        ),
    }]
}

fn candidates() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| [folder.to_owned(), folder.join("../lib"), folder.join("../lib/pkcs11")]);
    let folders = beside.into_iter().flatten().chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(MODULE)).collect()
}

/// Loading it asks for its function lists; nothing in it is initialised, so no token is touched.
fn load(file: &Path) -> Finding {
    match Pkcs11::new(file) {
        Ok(_) => {
            Finding::good(Area::Installation, format!("{} loads and lists its functions", file.display()))
        }
        Err(error) => Finding::bad(
            Area::Installation,
            format!("{} doesn't load: {error}", file.display()),
            "build it anew with `cargo build --release`, for this machine, and install that file",
        ),
    }
}
