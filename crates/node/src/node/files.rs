//! Room for what the node keeps and for other nodes, however many clients come: each connection is an open file, and a node that can't open its own
//! store any more stops.

use super::NodeError;
use crate::raft::sync_socket;
use crate::server::{Limits, STRANGERS};
use cloister::crypto::ffi::files;

/// Files of the log, the store and its copies, the local sockets and all else.
const OWN: u64 = 192;
/// A node that has not even room for so many clients does not start.
const LEAST: u64 = 64;

/// The limits, with no more connections than there is room for.
pub(super) fn fitting(limits: &Limits) -> Result<Limits, NodeError> {
    let may = files::raise_limit()
        .map_err(|error| NodeError::failed("the limit of open files can't be read", error))?;
    let others = OWN + sync_socket::MOST_FILES + STRANGERS as u64;
    let room = may.saturating_sub(others);
    if room < LEAST {
        return Err(NodeError::configuration(format!(
            "only {may} files may be open at once: let the node have at least {} (`ulimit -n`, or LimitNOFILE of its service)",
            others + LEAST
        )));
    }
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < limits.connections {
        tracing::warn!(
            "only {may} files may be open at once: there is room for {room} connections of clients, not for {}",
            limits.connections
        );
    }
    Ok(Limits { connections: limits.connections.min(room), ..limits.clone() })
}
