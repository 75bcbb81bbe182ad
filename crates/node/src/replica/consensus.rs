//! Consensus as the store sees it: a change is proposed, and made here before its maker goes on.

use crate::metrics::Counters;
use crate::raft::cluster::Cluster;
use crate::server::turn;
use cloister::store::{Consensus, Verdict};
use std::sync::Arc;
use tokio::runtime::Handle;

/// The way from a store to the log. Asked from threads that may block.
pub struct Agreement {
    cluster: Arc<Cluster>,
    runtime: Handle,
    counters: Arc<Counters>,
}

impl Agreement {
    /// `runtime`: where the cluster runs.
    pub fn new(cluster: Arc<Cluster>, runtime: Handle, counters: Arc<Counters>) -> Agreement {
        Agreement { cluster, runtime, counters }
    }
}

impl Consensus for Agreement {
    fn agree(&self, command: Vec<u8>) -> Result<Verdict, String> {
        self.counters.proposed();
        let agreed = self.runtime.block_on(async {
            let (index, answer) = self.cluster.propose(command).await?;
            self.cluster.wait_applied(index).await?;
            Ok(answer)
        });
        let answer = agreed.map_err(|error: crate::raft::error::ClusterError| error.to_string())?;
        let verdict = answer.first().copied().and_then(Verdict::from_byte);
        verdict.ok_or_else(|| "the leader is of another version".to_owned())
    }

    /// Lets another call have the processor.
    fn about_to_wait(&self) {
        turn::give_up();
    }
}
