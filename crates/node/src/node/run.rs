//! A node that runs until it is told to end.

use super::{Node, NodeError};
use crate::folder::Folder;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the node until it is told to end (SIGTERM, SIGINT), or can't go on.
pub fn run(folder: Folder) -> Result<(), NodeError> {
    let name = folder.settings().name.clone();
    let [sync, client, metrics] = {
        let settings = folder.settings();
        let shown = |address: &Option<String>| address.as_deref().unwrap_or("nowhere").to_owned();
        [settings.sync.clone(), shown(&settings.client), shown(&settings.metrics)]
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), sync, client, metrics, "{name} starts");
    let node = Node::start(folder)?;
    let ended = node.block_on(async {
        let failed = |error| NodeError::failed("signals can't be heard", error);
        let mut term = signal(SignalKind::terminate()).map_err(failed)?;
        let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
        tokio::select! {
            _ = term.recv() => Ok(()),
            _ = int.recv() => Ok(()),
            why = node.cluster.stopped() => Err(NodeError::Failed(format!("the node has stopped: {why}"))),
        }
    });
    node.end();
    tracing::info!("{name} ends");
    ended.unwrap_or(Ok(()))
}
