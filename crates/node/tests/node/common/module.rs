//! The module in this process: one library for all tests, each with a slot and nodes of its own.

use super::certificates::Certificates;
use super::{Node, three};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

pub const SO_PIN: &str = "officer-1";
pub const USER_PIN: &str = "user-1234";

/// Slots: most on one node with a Unix socket, two on three nodes, of which one by TLS.
const SLOTS: usize = 10;
const THREE_NODES: usize = 5;
const TLS_SLOT: usize = 7;

struct Loaded {
    module: Pkcs11,
    nodes: Mutex<Vec<Option<Vec<Node>>>>,
    _folder: TempDir,
}

/// The nodes of all slots, started side by side.
fn start_nodes(certificates: &Certificates) -> Vec<Option<Vec<Node>>> {
    std::thread::scope(|scope| {
        let start = |slot| {
            scope.spawn(move || match slot {
                THREE_NODES | TLS_SLOT => three(certificates),
                _ => vec![Node::founded(certificates, "")],
            })
        };
        let starting: Vec<_> = (0..SLOTS).map(start).collect();
        starting.into_iter().map(|starting| Some(starting.join().unwrap())).collect()
    })
}

/// A slot's entry in the configuration.
fn entry(slot: usize, nodes: &[Node]) -> String {
    let places: Vec<String> = match slot {
        TLS_SLOT => nodes.iter().map(|node| format!("'tls:localhost:{}'", node.address().port())).collect(),
        // The first of them is never there.
        _ => std::iter::once("'unix:nowhere.sock'".to_owned())
            .chain(nodes.iter().map(|node| format!("'unix:{}'", node.path().display())))
            .collect(),
    };
    let tls =
        if slot == TLS_SLOT { "ca = 'ca.pem'\ncertificate = 'client.pem'\nkey = 'client.key'\n" } else { "" };
    format!("[[slot]]\nid = {slot}\nretry_ms = 500\nnodes = [{}]\n{tls}", places.join(", "))
}

fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::new();
        certificates.write_client(folder.path());
        let nodes = start_nodes(&certificates);
        let entries = nodes.iter().enumerate().map(|(slot, nodes)| entry(slot, nodes.as_ref().unwrap()));
        let configuration = format!("log = 'off'\n{}", entries.collect::<String>());
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

/// A slot and its nodes, of one test alone.
pub struct OnNodes {
    slot: Slot,
    nodes: Vec<Node>,
}

impl OnNodes {
    /// A new token.
    pub fn slot(number: usize) -> OnNodes {
        let loaded = loaded();
        let nodes = loaded.nodes.lock().unwrap()[number].take().expect("one test a slot");
        let slot = Slot::try_from(number as u64).unwrap();
        let so_pin = AuthPin::new(SO_PIN.to_owned().into());
        loaded.module.init_token(slot, &so_pin, "on nodes").unwrap();
        let session = loaded.module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&so_pin)).unwrap();
        session.init_pin(&AuthPin::new(USER_PIN.to_owned().into())).unwrap();
        session.logout().unwrap();
        OnNodes { slot, nodes }
    }

    /// A new token on three nodes.
    pub fn on_three() -> OnNodes {
        OnNodes::slot(THREE_NODES)
    }

    /// A new token on three nodes with TLS.
    pub fn by_tls() -> OnNodes {
        OnNodes::slot(TLS_SLOT)
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

    /// Ends all nodes.
    pub fn kill(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }

    /// Starts them again.
    pub fn start(&mut self) {
        self.nodes.iter_mut().for_each(Node::start);
    }

    /// Ends each node and starts it again, one after the other.
    pub fn restart(&mut self) {
        self.nodes.iter_mut().for_each(Node::restart);
    }
}
