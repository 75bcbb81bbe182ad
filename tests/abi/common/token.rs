//! A folder of slots and a token of the test's own.

use super::*;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The default crypto officer's PIN.
pub const SO_PIN: &str = "officer-1";
/// The default crypto user's PIN.
pub const USER_PIN: &str = "user-1234";

/// Nothing is logged.
const QUIET: &str = "log = \"off\"\n";

const LABEL: &str = "under test";

/// A new folder with a configuration that this process and those it starts use.
pub struct Folder {
    folder: TempDir,
    /// The clusters that the slots are on, where they are.
    nodes: Option<Nodes>,
}

/// Clusters of the test's own, run by `tests/cluster/with-nodes` until it hears a line or nothing any more.
struct Nodes {
    program: Child,
    /// The slots' part of a configuration; the nodes' folders are around it.
    slots: PathBuf,
}

impl Nodes {
    /// With `count` slots: the first on three nodes, the others on one each. `reads`: what readers see of others, as in the settings of nodes;
    /// `token`: a line for these settings' `[token]`, or none.
    fn start(program: &OsStr, count: usize, reads: &str, token: &str) -> Nodes {
        let mut program = Command::new(program)
            .args([
                "--slots",
                &count.to_string(),
                "--reads",
                reads,
                "--token",
                token,
                "sh",
                "-c",
                "echo \"$CLOISTER_TEST_SLOTS\"; read -r end",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut slots = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut slots).unwrap();
        assert!(slots.ends_with('\n'), "the nodes don't start");
        Nodes { program, slots: slots.trim_end().into() }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // A process that a test has forked still holds the pipe: closing it would not be enough.
        let _ = self.program.stdin.as_mut().map(|end| end.write_all(b"\n"));
        let _ = self.program.wait();
    }
}

impl Folder {
    /// Slots on demand, and a PIN check that costs next to nothing.
    ///
    /// With `CLOISTER_TEST_NODES`, which names `tests/cluster/with-nodes`: a slot on three nodes, and a free one beside it.
    pub fn new() -> Folder {
        Folder::for_tokens(1)
    }

    /// The same; what one process has done another sees at its next call, as nodes have it only where they are told to.
    pub fn shared() -> Folder {
        Folder::made(1, "current", QUIET, "")
    }

    /// The same, with everything from this level on logged to the file `log`.
    pub fn logging(level: &str) -> Folder {
        Folder::made(1, "session", &format!("log = \"{level}\"\nlog_file = \"log\"\n"), "")
    }

    /// The same, with a line for `[token]`: of this program's settings, and of the nodes'.
    pub fn with_token(setting: &str) -> Folder {
        Folder::made(1, "session", QUIET, setting)
    }

    /// The same, with room for so many tokens and a free slot.
    pub fn for_tokens(count: usize) -> Folder {
        Folder::made(count, "session", QUIET, "")
    }

    fn made(count: usize, reads: &str, log: &str, token: &str) -> Folder {
        let folder = TempDir::new().unwrap();
        let Some(program) = on_nodes() else {
            let data = folder.path().join("data");
            return Folder::configured(folder, &format!("data_dir = {data:?}\n{log}{CHEAP_PINS}{token}\n"));
        };
        let nodes = Nodes::start(&program, count + 1, reads, token);
        let slots = std::fs::read_to_string(&nodes.slots).unwrap();
        let folder = Folder::configured(folder, &format!("{log}{slots}\n[token]\n{token}\n"));
        Folder { nodes: Some(nodes), ..folder }
    }

    /// With configuration of the test's own; `{folder}` stands for the folder.
    pub fn with(configuration: &str) -> Folder {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        Folder::configured(folder, &configuration.replace("{folder}", &path))
    }

    fn configured(folder: TempDir, configuration: &str) -> Folder {
        let file = folder.path().join("cloister.toml");
        std::fs::write(&file, configuration).unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let other = folder.path().join("softhsm2.conf");
        std::fs::write(&other, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display()))
            .unwrap();
        // Tests run alone in their process, and nothing else has been started in it yet.
        unsafe {
            std::env::set_var("CLOISTER_CONF", &file);
            std::env::set_var("SOFTHSM2_CONF", &other);
        }
        Folder { folder, nodes: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Every file below the folder of slots, and of the nodes.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        folders.extend(self.nodes.iter().filter_map(|nodes| nodes.slots.parent().map(Path::to_owned)));
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path)
                } else if path.is_file() {
                    files.push(path)
                }
            }
        }
        files.sort();
        files
    }

    /// The log in which the only token's changes come to the disk.
    pub fn log(&self) -> PathBuf {
        self.files().into_iter().find(|path| path.ends_with("token.db-wal")).expect("a log")
    }
}

/// The program that runs clusters, where slots are to be on nodes.
fn on_nodes() -> Option<OsString> {
    std::env::var_os("CLOISTER_TEST_NODES")
}

/// What tokens in tests get: a PIN check of no cost.
pub const CHEAP_PINS: &str = "[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n";

/// An initialised token with both default users.
pub struct Token {
    /// Its slot.
    pub slot: CK_SLOT_ID,
    /// Its folder; `None` in a process that only joined.
    pub folder: Option<Folder>,
}

impl Token {
    /// A new token in a new folder, in a library just initialised.
    pub fn new() -> Token {
        Token::new_in(Folder::new())
    }

    /// A new token in a folder that further processes use too.
    pub fn shared() -> Token {
        Token::new_in(Folder::shared())
    }

    /// A new token in `folder`, in a library just initialised.
    pub fn new_in(folder: Folder) -> Token {
        module().initialize().unwrap();
        let slot = Token::add(LABEL);
        Token { slot, folder: Some(folder) }
    }

    /// Makes a token in the free slot; the slot.
    pub fn add(label: &str) -> CK_SLOT_ID {
        let module = module();
        let free = |slot: &&CK_SLOT_ID| module.token_info(**slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0;
        let slots = module.slots(true).unwrap();
        let slot = *slots.iter().find(free).expect("there is always a free slot");
        module.init_token(slot, SO_PIN, label).unwrap();
        let slot = Token::labelled(label);
        let session = module.open(slot, CKF_RW_SESSION).unwrap();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        session.logout().unwrap();
        session.close().unwrap();
        slot
    }

    /// The token that another process of the test made, in a library just initialised.
    pub fn join() -> Token {
        module().initialize().unwrap();
        Token { slot: Token::labelled(LABEL), folder: None }
    }

    fn labelled(label: &str) -> CK_SLOT_ID {
        let padded = format!("{label:<32}");
        let named = |slot: &&CK_SLOT_ID| module().token_info(**slot).unwrap().label == padded.as_bytes();
        let slots = module().slots(true).unwrap();
        *slots.iter().find(named).expect("the token just made")
    }

    /// A session that can write, nobody logged in.
    pub fn public(&self) -> Session {
        module().open(self.slot, CKF_RW_SESSION).unwrap()
    }

    /// A session that can only read, nobody logged in by it.
    pub fn read_only(&self) -> Session {
        module().open(self.slot, 0).unwrap()
    }

    /// A session that can write, with the default crypto user logged in.
    pub fn user(&self) -> Session {
        let session = self.public();
        session.login(CKU_USER, USER_PIN).unwrap();
        session
    }

    /// A session that can write, with the default crypto officer logged in.
    pub fn officer(&self) -> Session {
        let session = self.public();
        session.login(CKU_SO, SO_PIN).unwrap();
        session
    }

    /// `C_GetTokenInfo`.
    pub fn info(&self) -> CK_TOKEN_INFO {
        module().token_info(self.slot).unwrap()
    }
}
