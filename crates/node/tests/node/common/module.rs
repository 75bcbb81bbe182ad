//! The module in this process: one library for all tests, each with a slot and a node of its own.

use super::Node;
use super::certificates::Certificates;
use cloister_node::server::Limits;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

pub const SO_PIN: &str = "officer-1";
pub const USER_PIN: &str = "user-1234";

/// Slots on Unix sockets, and the one on TLS.
const SLOTS: usize = 10;
const TLS_SLOT: usize = 7;

struct Loaded {
    module: Pkcs11,
    nodes: Mutex<Vec<Option<Node>>>,
    _folder: TempDir,
}

fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::new();
        certificates.write_client(folder.path());
        let mut configuration = "log = 'off'\n".to_owned();
        let mut nodes = Vec::new();
        for slot in 0..SLOTS {
            let node = match slot {
                TLS_SLOT => Node::tls(Limits::default(), &certificates),
                _ => Node::unix(Limits::default()),
            };
            let place = match slot {
                TLS_SLOT => format!(
                    "'tls:localhost:{}']\nca = 'ca.pem'\ncertificate = 'client.pem'\nkey = 'client.key'",
                    node.address().port()
                ),
                // The first of the two is never there.
                _ => format!("'unix:nowhere.sock', 'unix:{}']", node.path().display()),
            };
            writeln!(configuration, "[[slot]]\nid = {slot}\nretry_ms = 500\nnodes = [{place}").unwrap();
            nodes.push(Some(node));
        }
        let file = folder.path().join("cloister.toml");
        std::fs::write(&file, configuration).unwrap();
        // SAFETY: every test comes through here before it does anything else, so no thread reads the environment yet.
        unsafe { std::env::set_var("CLOISTER_CONF", &file) };
        let module = Pkcs11::new(path()).unwrap();
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        Loaded { module, nodes: Mutex::new(nodes), _folder: folder }
    })
}

/// The module: `CLOISTER_TEST_MODULE`, or where cargo has just built it.
fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("CLOISTER_TEST_MODULE") {
        return path.into();
    }
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let places = [folder.join("libcloister.so"), folder.join("../libcloister.so")];
    places.into_iter().find(|place| place.exists()).expect("run `cargo build` first")
}

/// The library.
pub fn module() -> &'static Pkcs11 {
    &loaded().module
}

/// A slot and its node, of one test alone.
pub struct OnNodes {
    slot: Slot,
    node: Node,
}

impl OnNodes {
    /// A new token on a node with a Unix socket.
    pub fn slot(number: usize) -> OnNodes {
        assert_ne!(number, TLS_SLOT);
        OnNodes::new(number)
    }

    /// A new token on a node with TLS.
    pub fn tls_slot(number: usize) -> OnNodes {
        assert_eq!(number, TLS_SLOT);
        OnNodes::new(number)
    }

    fn new(number: usize) -> OnNodes {
        let loaded = loaded();
        let node = loaded.nodes.lock().unwrap()[number].take().expect("one test a slot");
        let slot = Slot::try_from(number as u64).unwrap();
        let so_pin = AuthPin::new(SO_PIN.to_owned().into());
        loaded.module.init_token(slot, &so_pin, "on nodes").unwrap();
        let session = loaded.module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&so_pin)).unwrap();
        session.init_pin(&AuthPin::new(USER_PIN.to_owned().into())).unwrap();
        session.logout().unwrap();
        OnNodes { slot, node }
    }

    /// The slot.
    pub fn slot_id(&self) -> Slot {
        self.slot
    }

    /// A session that can write, with the crypto user logged in.
    pub fn user(&self) -> Session {
        let session = module().open_rw_session(self.slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::new(USER_PIN.to_owned().into()))).unwrap();
        session
    }

    pub fn kill(&mut self) {
        self.node.kill();
    }

    pub fn restart(&mut self) {
        self.node.restart();
    }
}
