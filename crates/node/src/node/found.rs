//! A cluster's beginning.

use super::start::Core;
use super::{NodeError, address};
use crate::folder::Folder;
use crate::raft::cluster::Cluster;
use crate::raft::neighbour::Silent;
use crate::raft::status::Status;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// Far longer than a node takes to elect itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Founds a cluster whose only member is the node in this folder.
pub fn found(folder: &Folder) -> Result<(), NodeError> {
    let leads = |status: &Status| status.leader == Some(status.id) && status.applied.is_some();
    briefly(folder, async |cluster| {
        let failed = |error| NodeError::failed("the cluster can't be founded", error);
        cluster.found(address(folder.settings())).await.map_err(failed)?;
        cluster.wait_until(PATIENCE, leads).await.map(|_| ()).map_err(failed)
    })
}

/// Runs the node's part in consensus, and nothing else of it, for as long as `work` takes.
pub(super) fn briefly(
    folder: &Folder,
    work: impl AsyncFnOnce(&Cluster) -> Result<(), NodeError>,
) -> Result<(), NodeError> {
    cloister::crypto::start();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| NodeError::failed("threads can't be started", error))?;
    runtime.block_on(async {
        let Core { cluster, .. } = Core::start(folder, Arc::new(Silent)).await?;
        work(&cluster).await?;
        if let Some(cluster) = Arc::into_inner(cluster) {
            cluster.shutdown().await;
        }
        Ok(())
    })
}
