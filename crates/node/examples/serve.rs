//! Founds a cluster of one node in each folder that has none yet, and serves it at the socket `node.sock` there, until it is killed: for tests that
//! hold a slot on nodes to the promises of one on this machine. Its PINs cost nothing to guess.

use cloister::proto::peer::Role;
use cloister_node::folder::{Folder, NewFolder};
use cloister_node::node::{self, Node};
use cloister_node::pki::Identity;
use cloister_node::raft::types::new_node_id;
use cloister_node::settings::NewSettings;
use std::error::Error;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

const SETTINGS: &str =
    "client-socket = \"../node.sock\"\n[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n";

fn main() -> Result<(), Box<dyn Error>> {
    let mut nodes = Vec::new();
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let data = folder.join("data");
        if !data.exists() {
            found(&data)?;
        }
        let node = Node::start(Folder::open(&data)?)?;
        while node.not_serving().is_some() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        nodes.push(node);
    }
    println!("ready");
    loop {
        std::thread::park();
    }
}

fn found(data: &Path) -> Result<(), Box<dyn Error>> {
    let (id, ca) = (new_node_id()?, Identity::new_ca("test")?);
    let settings = NewSettings {
        name: "node".to_owned(),
        id,
        sync: TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string(),
        advertise: None,
        client: None,
        metrics: None,
    };
    let new = NewFolder::create(data, &settings, &ca.certificate, ca.issue(&Role::Node(id))?)?;
    node::found(new.folder())?;
    new.keep()?;
    let mut file = std::fs::File::options().append(true).open(data.join("node.toml"))?;
    Ok(file.write_all(SETTINGS.as_bytes())?)
}
