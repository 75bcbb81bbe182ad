//! Serves the token in each folder at the socket `node.sock` in it, until it is killed: for tests that hold a slot on nodes to the promises
//! of one on this machine. Its PINs cost nothing to guess and its cluster key is no secret.

use cloister::config::TokenSettings;
use cloister::token::local::LocalToken;
use cloister::token::local::export::ClusterKey;
use cloister_node::server::listen::Listener;
use cloister_node::server::service::{Lifetimes, Service};
use cloister_node::server::{Limits, serve};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    cloister::crypto::start();
    let cheap = TokenSettings { argon2_memory_kib: 64, argon2_passes: 1, ..TokenSettings::default() };
    let mut nodes = JoinSet::new();
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        std::fs::create_dir_all(&folder)?;
        let token = LocalToken::new(folder.clone(), cheap.clone());
        let cluster = ClusterKey::new(&Zeroizing::new([1; 32]))?;
        let service = Arc::new(Service::new(token, cluster, Lifetimes::default()));
        let listener = Listener::unix(&folder.join("node.sock"), 0o600)?;
        nodes.spawn(serve(listener, service, Limits::default(), Arc::default()));
    }
    println!("ready");
    nodes.join_next().await;
    Ok(())
}
