//! An attempt to connect a store, in the background of the front that was asked: log in to the cluster, give kmsuser a new password; or ask the
//! proxy how it is.
//!
//! kmsuser's password is changed at each attempt, so that from then on KMS alone knows it. The new one is in the record before the cluster hears
//! of it, so whatever a crash leaves, one of the two that the record has is right, and the next attempt finds out which. Attempts may overlap, of
//! several fronts too: each changes the password under the store's latch, only while it is the store's attempt, from one that the cluster has just
//! accepted to the one in the record. Of that one nobody knows whether the cluster has it, so it is never put aside for another: an attempt that finds
//! it gives kmsuser the same.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::cluster::KMSUSER;
use super::code::ErrorCode;
use super::record::{Backing, CloudHsm, Connection, StoreRecord};
use super::xks::{self, Asker};
use crate::api::error::{Code, Result};
use crate::auth::credentials::Secret;
use crate::clock::{elapsed, uptime};
use crate::hsm::{Login, Token, Trouble};
use crate::service::Stores;

/// An attempt that took so long, by uptime, leaves the password alone: who has watched it for [`crate::watch::LEFT_BEHIND`] begins another.
const PATIENCE: Duration = Duration::from_secs(20);

/// The length of passwords that KMS makes: the longest that the API takes.
const PASSWORD: usize = 32;

/// The state of a store that somebody begins to connect; the second is the attempt's name.
pub fn begin() -> (Connection, String) {
    let attempt = hex::encode(crate::keys::create::random::<16>());
    (Connection::Connecting { attempt: attempt.clone() }, attempt)
}

/// Who asked for an attempt: what a proxy is told.
pub struct Asked {
    /// The principal's ARN.
    pub principal: String,
    /// The request's id.
    pub request: String,
}

/// Makes the attempt of that name, in the background.
pub fn start(stores: &Arc<Stores>, label: String, attempt: String, asked: Asked) -> Result<()> {
    let stores = stores.clone();
    let run = move || make(&stores, &label, &attempt, &asked);
    let started = std::thread::Builder::new().name("connect".to_owned()).spawn(run);
    started.map(|_| ()).map_err(|error| {
        Code::KMSInternalException.because(format!("The key store can't be connected now: {error}"))
    })
}

fn make(stores: &Stores, label: &str, attempt: &str, asked: &Asked) {
    let begun = uptime();
    let outcome = match stores.change(label, |record| Ok(record.clone())) {
        Ok(record) => match &record.backing {
            Backing::CloudHsm(cluster) => log_in(stores, label, attempt, cluster, begun),
            Backing::External(external) => {
                let asker = Asker {
                    principal: &asked.principal,
                    request: &asked.request,
                    operation: "ConnectCustomKeyStore",
                    region: &record.region,
                };
                xks::check(&stores.proxies, external, &asker)
                    .map(|()| None)
                    .map_err(|failure| failure.row().connect)
            }
        },
        Err(_) => Err(ErrorCode::InternalError),
    };
    let concluded = stores.change(label, |record| {
        conclude(record, attempt, outcome);
        Ok(())
    });
    if let Err(fault) = concluded {
        tracing::warn!(store = label, %fault, "the end of an attempt to connect can't be kept; another will follow");
    }
}

/// Writes down how it went. A password that the cluster has is kept even if the store was disconnected meanwhile.
fn conclude(
    record: &mut StoreRecord,
    attempt: &str,
    outcome: std::result::Result<Option<Secret>, ErrorCode>,
) {
    if let (Backing::CloudHsm(cluster), Ok(Some(password))) = (&mut record.backing, &outcome)
        // Another one is of a newer attempt, which isn't over.
        && cluster.pending.as_ref() == Some(password)
    {
        cluster.password = password.clone();
        cluster.pending = None;
    }
    if matches!(&record.connection, Connection::Connecting { attempt: now } if now == attempt) {
        record.connection = match outcome {
            Ok(_) => Connection::Connected { attempt: attempt.to_owned() },
            Err(code) => Connection::Failed { code },
        };
    }
}

/// Logs in as kmsuser and changes its password; the password that holds from now on.
fn log_in(
    stores: &Stores,
    label: &str,
    attempt: &str,
    store: &CloudHsm,
    begun: Duration,
) -> std::result::Result<Option<Secret>, ErrorCode> {
    let cluster = stores.clusters.find(&store.cluster).ok_or(ErrorCode::ClusterNotFound)?;
    let told = |trouble: Trouble| {
        tracing::warn!(store = label, %trouble, "a key store can't be connected");
        ErrorCode::from(&trouble)
    };
    if stores.clusters.active(cluster).map_err(told)? == 0 {
        return Err(ErrorCode::InsufficientCloudhsmHsms);
    }
    // What is left of an earlier connection would be in the way.
    stores.forget(label);
    let mut refused = Trouble::WrongPin;
    for password in store.passwords() {
        match stores.clusters.log_in(cluster, Login::named(KMSUSER, password.expose())) {
            Ok(token) => {
                let renewed = renew(stores, label, attempt, &Accepted { token: &token, password }, begun);
                token.log_out();
                return renewed.map(Some);
            }
            Err(trouble @ Trouble::WrongPin) => refused = trouble,
            Err(trouble) => return Err(told(trouble)),
        }
    }
    Err(told(refused))
}

/// A password that the cluster has accepted.
struct Accepted<'a> {
    /// The login with it.
    token: &'a Token,
    password: &'a Secret,
}

/// Gives kmsuser another password; nobody else does meanwhile. The one that holds from now on.
fn renew(
    stores: &Stores,
    label: &str,
    attempt: &str,
    accepted: &Accepted,
    begun: Duration,
) -> std::result::Result<Secret, ErrorCode> {
    let lost = |_| ErrorCode::InternalError;
    let fresh = password().map_err(|_| ErrorCode::InternalError)?;
    let mut store = stores.hold(label).map_err(|_| ErrorCode::InternalError)?;
    let old = accepted.password;
    let before = store.record.cluster().and_then(|cluster| cluster.pending.clone());
    let new = prepare(&mut store.record, attempt, old, fresh).ok_or(ErrorCode::InternalError)?;
    store.keep().map_err(lost)?;
    if elapsed(begun) > PATIENCE {
        return Err(ErrorCode::NetworkErrors);
    }
    let (from, to) = (Login::named(KMSUSER, old.expose()), Login::named(KMSUSER, new.expose()));
    match accepted.token.change_pin(&from, &to) {
        Ok(()) => Ok(new),
        // A library without C_SetPIN, as CloudHSM's own is: kmsuser keeps its password.
        Err(Trouble::Unsupported(_)) => {
            if let Backing::CloudHsm(cluster) = &mut store.record.backing {
                cluster.pending = before.filter(|pending| pending != old);
            }
            store.keep().map_err(lost)?;
            Ok(old.clone())
        }
        Err(trouble) => {
            tracing::warn!(store = label, %trouble, "kmsuser's password can't be changed");
            Err(ErrorCode::from(&trouble))
        }
    }
}

/// Notes which password the cluster has accepted, and which it is to have: `fresh`, unless one is pending that it may have yet. None, and nothing is
/// noted, if the store has another attempt by now, or doesn't know the accepted one any more.
fn prepare(record: &mut StoreRecord, attempt: &str, accepted: &Secret, fresh: Secret) -> Option<Secret> {
    let ours = matches!(&record.connection, Connection::Connecting { attempt: now } if now == attempt);
    let Backing::CloudHsm(cluster) = &mut record.backing else { return None };
    if !ours || !cluster.passwords().any(|known| known == accepted) {
        return None;
    }
    // The one before an accepted one is wrong for good: from there, passwords are only changed to the accepted one.
    let new = cluster.pending.take().filter(|pending| pending != accepted).unwrap_or(fresh);
    cluster.password = accepted.clone();
    cluster.pending = Some(new.clone());
    Some(new)
}

/// A new password of letters and digits.
fn password() -> std::result::Result<Secret, openssl::error::ErrorStack> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD));
    while text.len() < PASSWORD {
        let mut byte = Zeroizing::new([0u8; 1]);
        openssl::rand::rand_bytes(&mut *byte)?;
        let [drawn] = *byte;
        // 6 bits; the two values beyond the alphabet are drawn again, so that all characters are as likely.
        if let Some(character) = ALPHABET.get(usize::from(drawn & 63)) {
            text.push(char::from(*character));
        }
    }
    Ok(Secret::new(text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

    fn record(connection: Connection) -> StoreRecord {
        StoreRecord {
            format: 1,
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            id: "cks-0123456789abcdef0".to_owned(),
            name: "store".to_owned(),
            created: Moment(1),
            connection,
            backing: Backing::CloudHsm(CloudHsm {
                cluster: "cluster-abcdefghij2".to_owned(),
                trust_anchor: String::new(),
                password: secret("old"),
                pending: Some(secret("new")),
            }),
        }
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn k71_kmsuser_gets_a_password_of_32_letters_and_digits() {
        let (one, other) = (password().expect("random"), password().expect("random"));
        assert!(one.expose().len() == 32 && one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }

    #[test]
    fn k71_the_password_that_the_cluster_has_is_kept_whatever_became_of_the_attempt() {
        let (connecting, attempt) = begin();
        for (connection, connected) in
            [(connecting, true), (Connection::Disconnected, false), (begin().0, false)]
        {
            let mut record = record(connection.clone());
            conclude(&mut record, &attempt, Ok(Some(secret("new"))));
            let cluster = record.cluster().expect("a cluster");
            assert_eq!((&cluster.password, &cluster.pending), (&secret("new"), &None));
            assert_eq!(record.connection.is_connected(), connected);
            assert!(connected || record.connection == connection);
        }
    }

    #[test]
    fn k71_an_attempt_that_is_not_the_stores_any_more_changes_no_password() {
        let (connecting, attempt) = begin();
        for connection in [begin().0, Connection::Disconnected] {
            let mut record = record(connection);
            let before = record.clone();
            assert_eq!(prepare(&mut record, &attempt, &secret("old"), secret("fresh")), None);
            assert_eq!(record, before);
        }
        let mut record = record(connecting);
        assert_eq!(prepare(&mut record, &attempt, &secret("unknown"), secret("fresh")), None);
    }

    #[test]
    fn k71_a_password_that_the_cluster_may_have_yet_is_not_put_aside() {
        // Which of both the cluster has just accepted, and what the record has then.
        for (accepted, password, pending) in [("old", "old", "new"), ("new", "new", "fresh")] {
            let (connecting, attempt) = begin();
            let mut record = record(connecting);
            let new = prepare(&mut record, &attempt, &secret(accepted), secret("fresh"));
            assert_eq!(new, Some(secret(pending)));
            let cluster = record.cluster().expect("a cluster");
            assert_eq!((&cluster.password, &cluster.pending), (&secret(password), &new));
        }
    }

    #[test]
    fn k71_the_end_of_an_older_attempt_leaves_the_newer_ones_password() {
        let mut record = record(begin().0);
        let before = record.clone();
        conclude(&mut record, "older", Ok(Some(secret("old"))));
        assert_eq!(record, before);
    }

    #[test]
    fn k71_a_failed_attempt_keeps_both_passwords_and_says_why() {
        let (connecting, attempt) = begin();
        let mut record = record(connecting);
        conclude(&mut record, &attempt, Err(ErrorCode::NetworkErrors));
        assert_eq!(record.connection, Connection::Failed { code: ErrorCode::NetworkErrors });
        assert_eq!(record.cluster().map(|cluster| cluster.passwords().count()), Some(2));
    }
}
