//! A machine of one's own for each test: a folder, a configuration, and the program in it.

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The officer's PIN of [`Machine::with_token`].
pub const OFFICER: &str = "officer-pin";
/// The default user's PIN of [`Machine::with_token`].
pub const USER: &str = "user-pin";

/// A folder with a configuration, tokens beneath it, and nothing of the outside.
pub struct Machine {
    folder: tempfile::TempDir,
}

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Machine {
    /// With a quick PIN check, and no token yet.
    pub fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        machine.configure("data_dir = 'data'\n[token]\nargon2_memory_kib = 8\nargon2_passes = 1\n");
        machine
    }

    /// With the token `box` in slot 0 and its default user.
    pub fn with_token() -> Machine {
        let machine = Machine::new();
        machine.run(&["token", "init", "box", "--with-user"]).done();
        machine
    }

    pub fn configure(&self, text: &str) {
        fs::write(self.path("cloister.toml"), text).unwrap();
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file and answers its path as an argument.
    pub fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The program with these arguments, the PINs above in its environment, and nobody to ask.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_without_pins(arguments);
        command.env("CLOISTER_SO_PIN", OFFICER).env("CLOISTER_PIN", USER);
        command
    }

    pub fn command_without_pins(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloister"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        command.env("CLOISTER_CONF", self.path("cloister.toml"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments))
    }

    /// The answer of a run that must succeed, in JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).done().json()
    }
}

/// An address of this machine that nobody listens on. Its port is none of those that connections begin at, which are above, and nobody else in this process is given it.
pub fn free_address() -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(64).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + (number % 20_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return address.to_string();
        }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Run {
    Run::of(command.output().unwrap())
}

/// The same, with lines on standard input.
pub fn run_with_input(command: &mut Command, input: &str) -> Run {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Run::of(child.wait_with_output().unwrap())
}

impl Run {
    fn of(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    pub fn done(self) -> Run {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Failed with this code, and one line on standard error that holds each of `words`.
    #[track_caller]
    pub fn failed(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        let mut lines = self.stderr.lines().filter(|line| line.starts_with("cloister: "));
        let line = lines.next_back().unwrap_or_default();
        for word in words {
            assert!(line.contains(word), "\"{word}\" is missing in: {}", self.stderr);
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The members called `key` of a list of objects.
pub fn column(list: &Value, key: &str) -> Vec<String> {
    let text = |row: &Value| row[key].as_str().map_or_else(|| row[key].to_string(), ToOwned::to_owned);
    list.as_array().unwrap().iter().map(text).collect()
}
