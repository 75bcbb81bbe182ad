//! Is a node's data folder as it should be, and does its cluster answer?

use super::{Area, Finding};
use crate::render::printable;
use cloister::store::{Report, Store};
use cloister_node::admin::{self, ClusterReport, EXPIRES_SOON};
use cloister_node::clock;
use cloister_node::folder::{Folder, FolderError};
use cloister_node::node::{self, Probed};
use std::path::Path;

/// How far a clock may be off, in milliseconds, before that is worth a word; a node does not start when it is off by a minute.
const FAR_OFF: u64 = 5_000;
const DAY: u64 = 24 * 3600;

/// Looks at the folder, and asks the members.
pub fn look(path: &Path) -> Vec<Finding> {
    cloister::crypto::start();
    let folder = match Folder::look(path) {
        Ok(folder) => folder,
        Err(error) => return vec![wrong(error, "see to that, and run this again")],
    };
    let named =
        format!("node {} ({:016x}) in {}", folder.settings().name, folder.id(), folder.path().display());
    let mut findings = vec![good(format!("{named}: settings, certificates and permissions are right"))];
    findings.push(certificate(&folder));
    // Whoever has the lock looks after the store.
    findings.push(match Folder::open(path) {
        Ok(_locked) => store(&folder),
        Err(FolderError::Locked(_)) => running(path, &folder),
        Err(error) => wrong(error, "see to that, and run this again"),
    });
    match node::probe(&folder) {
        Ok(members) => {
            let others = members.iter().filter(|member| member.id != folder.id());
            findings.extend(others.map(member));
        }
        Err(error) => findings.push(wrong(error, "see to that, and run this again")),
    }
    findings
}

fn good(what: impl Into<String>) -> Finding {
    Finding::good(Area::Node, what)
}

fn wrong(what: impl ToString, advice: &str) -> Finding {
    Finding::bad(Area::Node, what.to_string(), advice)
}

fn certificate(folder: &Folder) -> Finding {
    let days = folder.certified_until().saturating_sub(clock::now()) / DAY;
    let what = format!("the certificate holds for {days} more days");
    match days < EXPIRES_SOON {
        true => wrong(what, "invite a new node, let it join, then remove this one (docs/operations.md)"),
        false => good(what),
    }
}

/// The store of a node that is not running: its folder is locked meanwhile.
fn store(folder: &Folder) -> Finding {
    let path = folder.token();
    if !path.exists() {
        return good("the node has not run yet: it has no store");
    }
    let check = || {
        let store = Store::open_replica(&path)?;
        if store.has_token()? { store.check(None).map(Some) } else { Ok(None) }
    };
    match check() {
        Ok(None) => good("the node is not running; no token has been made in its store yet"),
        Ok(Some(Report { problems, objects, users, .. })) if problems.is_empty() => {
            good(format!("the node is not running; its store is whole: {objects} objects, {users} users"))
        }
        Ok(Some(report)) => wrong(
            format!("the node's store is damaged: {}", report.problems.join("; ")),
            "don't start it: remove the node from the cluster, and let a new one join in its place",
        ),
        Err(error) => wrong(error, "see to that; if it can't be helped, let a new node join in its place"),
    }
}

/// A node that runs says itself how it is.
fn running(path: &Path, folder: &Folder) -> Finding {
    let status = admin::Client::connect(path).and_then(|mut client| client.status());
    let ClusterReport { members, .. } = match status {
        Ok(status) => status,
        Err(error) => {
            return wrong(format!("the node runs, but can't be asked: {error}"), "look into its log");
        }
    };
    let own = members.iter().find(|member| member.id.0 == folder.id());
    match own.and_then(|own| own.report.as_ref()).and_then(|own| own.not_serving.as_ref()) {
        Some(why) => wrong(
            format!("the node runs, but does not serve: {}", printable(why)),
            "`cloister cluster status` shows the others; its log tells since when",
        ),
        None if own.is_none() => wrong("the node runs, but is no member of its cluster", "look into its log"),
        None => good("the node runs and serves (its store is looked at only while it does not run)"),
    }
}

fn member(Probed { node, answer, .. }: &Probed) -> Finding {
    let named = format!("member {} at {}", printable(&node.name), printable(&node.address));
    match answer {
        Ok(skew) if skew.unsigned_abs() > FAR_OFF => wrong(
            format!("{named}: its clock is {skew:+} ms off this machine's"),
            "set the clocks right (with NTP)",
        ),
        Ok(skew) => good(format!("{named} answers; its clock is {skew:+} ms off this machine's")),
        Err(why) => wrong(
            format!("{named}: {}", printable(why)),
            "is it running, and is its sync port open to this machine? If it is gone for good, remove it",
        ),
    }
}
