//! A node joins a cluster.

use super::start::bind;
use super::{NodeError, address};
use crate::folder::Folder;
use crate::neighbours::{Question, Reply};
use crate::raft::network::ask_stranger;
use tokio::runtime::Builder;

/// How often to follow a node that names another as the leader.
const STEPS: usize = 8;

/// Has the cluster that is reached at one of the sync addresses `via` take in the node in this folder.
pub fn join(folder: &Folder, via: &[String]) -> Result<(), NodeError> {
    cloister::crypto::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| NodeError::failed("threads can't be started", error))?;
    runtime.block_on(async {
        // Better to know now than when the node is to run.
        drop(bind("sync", &folder.settings().sync).await?);
        super::checks::clocks(folder, via).await?;
        admitted(folder, via).await
    })
}

/// Asks each address, and where those say that the leader is.
async fn admitted(folder: &Folder, via: &[String]) -> Result<(), NodeError> {
    let mut addresses: Vec<String> = via.iter().rev().cloned().collect();
    let mut why = "no address to ask at was given; use --via HOST:PORT".to_owned();
    let mut steps = 0;
    while let Some(next) = addresses.pop() {
        let question = Question::Admit(address(folder.settings())).to_bytes();
        let asked = ask_stranger(folder.ca(), folder.identity(), &next, question).await;
        match asked.map(|(_, answer)| Reply::from_bytes(&answer)) {
            Ok(Some(Reply::Done)) => return Ok(()),
            Ok(Some(Reply::Refused(refused))) => {
                return Err(NodeError::configuration(format!(
                    "the cluster does not take the node in: {refused}"
                )));
            }
            Ok(Some(Reply::Elsewhere(Some(leader)))) if steps < STEPS => {
                steps += 1;
                why = format!("{next}: the leader is {leader}");
                addresses.push(leader);
            }
            Ok(Some(Reply::Elsewhere(_))) => why = format!("{next}: the cluster has no leader at the moment"),
            Ok(_) => why = format!("{next}: a node of another version answers there"),
            Err(error) => why = format!("{next}: {error}"),
        }
    }
    Err(NodeError::configuration(format!("no node of the cluster takes this one in ({why})")))
}
