//! A token of its own in a folder of its own, and fronts over it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::requests::{Api, Signer};
use super::server::Server;
use crate::Result;
use crate::side::token::{OFFICER_PIN, USER_PIN};

/// The token's label.
pub const TOKEN: &str = "bench";

/// A folder with a token, the configuration that leads to it (`cloister.toml`) and its PIN (`pin`).
pub struct Home {
    /// `cloister`.
    program: PathBuf,
    /// The folder.
    pub folder: PathBuf,
}

impl Home {
    /// Makes the folder, and a fresh token in it.
    pub fn make(program: &Path, folder: PathBuf) -> Result<Home> {
        std::fs::create_dir(&folder)?;
        let home = Home { program: program.to_owned(), folder };
        let tokens = home.folder.join("tokens");
        std::fs::write(home.configuration(), format!("data_dir = '{}'\nlog = 'off'\n", tokens.display()))?;
        let pin = home.folder.join("pin");
        std::fs::write(&pin, USER_PIN)?;
        std::fs::set_permissions(&pin, Permissions::from_mode(0o600))?;
        let mut init = home.cloister(&["token", "init", TOKEN, "--with-user"]);
        run(init.env("CLOISTER_SO_PIN", OFFICER_PIN).env("CLOISTER_PIN", USER_PIN))?;
        Ok(home)
    }

    /// What `CLOISTER_CONF` is to name.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("cloister.toml")
    }

    /// A word of the command line about this token.
    pub fn cloister(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("CLOISTER_CONF", self.configuration()).args(arguments).stdin(Stdio::null());
        command
    }
}

/// Runs it to its end; what it said.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let done = command.output()?;
    match done.status.success() {
        true => Ok(done.stdout),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned().into()),
    }
}

/// A home whose token keeps a front's keys and records.
pub struct FrontHome {
    home: Home,
    settings: String,
    signer: Signer,
}

impl FrontHome {
    /// Makes it, with one access key.
    pub fn make(module: &Path, program: &Path, folder: PathBuf) -> Result<FrontHome> {
        let home = Home::make(program, folder)?;
        let settings = home.folder.join("kms.toml");
        let module = module.display();
        std::fs::write(
            &settings,
            format!("listen = '127.0.0.1:0'\nmodule = '{module}'\ntoken = '{TOKEN}'\npin-file = 'pin'\n"),
        )?;
        let settings = settings.to_str().ok_or("an odd path")?.to_owned();
        let root = "arn:aws:iam::000000000000:root";
        let added =
            run(&mut home.cloister(&["--json", "kms", "credential", "add", root, "--config", &settings]))?;
        let added: Value = serde_json::from_slice(&added)?;
        let text = |member: &str| added[member].as_str().ok_or_else(|| format!("no {member}"));
        let signer = Signer::new(Api::Kms, text("access_key_id")?, text("secret_access_key")?);
        Ok(FrontHome { home, settings, signer })
    }

    /// Starts a front, and waits until it listens. Several may share the token.
    pub fn start(&self) -> Result<Server> {
        let mut command = self.home.cloister(&["kms", "--config", &self.settings, "--log", "error"]);
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        Server::told(process, output, self.signer.clone())
    }
}
