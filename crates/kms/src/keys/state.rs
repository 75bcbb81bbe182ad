//! The states of a key, derived from its record and the time, and what each operation allows: one table, after the guide's page on key states.

use super::record::{KeyRecord, Origin};
use crate::api::error::{Code, Result};
use crate::clock::Moment;

/// A key's state as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the API's own names")]
pub enum State {
    Creating,
    Enabled,
    Disabled,
    PendingDeletion,
    PendingImport,
    PendingReplicaDeletion,
    Unavailable,
    Updating,
}

impl State {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingImport => "PendingImport",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
            Self::Unavailable => "Unavailable",
            Self::Updating => "Updating",
        }
    }

    /// The state of a key now. `reachable`: whether its custom key store is connected (true for all others).
    pub fn of(key: &KeyRecord, now: Moment, reachable: bool) -> Self {
        if let Some(deletion) = &key.deletion {
            return if deletion.at.is_some() { Self::PendingDeletion } else { Self::PendingReplicaDeletion };
        }
        if let Some(settling) = key.multi_region.as_ref().and_then(|multi| multi.settling.as_ref())
            && now < settling.until
        {
            return if settling.creating { Self::Creating } else { Self::Updating };
        }
        if !reachable {
            return Self::Unavailable;
        }
        if key.origin == Origin::External && !has_material(key, now) {
            return Self::PendingImport;
        }
        if key.enabled { Self::Enabled } else { Self::Disabled }
    }
}

/// Whether every material that the key has ever used is there and hasn't expired: one that is missing makes the whole key wait for its import.
fn has_material(key: &KeyRecord, now: Moment) -> bool {
    let mut used =
        key.materials.iter().filter(|material| material.cause != super::record::Cause::Pending).peekable();
    used.peek().is_some()
        && used.all(|material| {
            material.object.is_some()
                && material
                    .import
                    .as_ref()
                    .and_then(|import| import.expires)
                    .is_none_or(|expires| now < expires)
        })
}

/// What kinds of operations ask of a key's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// None: what only describes (DescribeKey, ListGrants of a key that is pending deletion, ...).
    Anything,
    /// Works with the material: Encrypt, Sign, GetPublicKey, ...
    Material,
    /// Changes what is said of the key (tags, policy, description, aliases towards it): not while it is pending deletion or settling.
    Alive,
    /// EnableKey and DisableKey: alive, with material.
    Switchable,
    /// Rotation and ReplicateKey: enabled.
    Enabled,
    /// CreateGrant: usable, though its material may be away.
    Grantable,
    /// Import: alive, whatever is missing.
    Importable,
    /// ScheduleKeyDeletion: not already scheduled.
    Deletable,
    /// CancelKeyDeletion: scheduled.
    Scheduled,
}

/// Whether a key in `state` may serve `need`; the refusal as KMS words it.
pub fn check(need: Need, state: State, arn: &str) -> Result<()> {
    use Need as N;
    use State as S;
    let allowed = match (need, state) {
        (N::Anything, _) => true,
        (N::Material | N::Enabled, state) => state == S::Enabled,
        (N::Alive, state) => matches!(state, S::Enabled | S::Disabled | S::PendingImport | S::Unavailable),
        (N::Switchable, state) => matches!(state, S::Enabled | S::Disabled | S::Unavailable),
        (N::Grantable, state) => matches!(state, S::Enabled | S::PendingImport | S::Unavailable),
        (N::Importable, state) => matches!(state, S::Enabled | S::Disabled | S::PendingImport),
        (N::Deletable, state) => {
            matches!(state, S::Enabled | S::Disabled | S::PendingImport | S::Unavailable)
        }
        (N::Scheduled, state) => matches!(state, S::PendingDeletion | S::PendingReplicaDeletion),
    };
    if allowed {
        return Ok(());
    }
    if state == S::Disabled {
        return Err(Code::DisabledException.because(format!("{arn} is disabled.")));
    }
    let why = match state {
        S::PendingDeletion => "is pending deletion.",
        S::PendingReplicaDeletion => "is pending replica deletion.",
        S::PendingImport => "is pending import.",
        S::Unavailable => "is unavailable because its custom key store is not connected.",
        S::Creating => "is creating.",
        S::Updating => "is updating.",
        S::Enabled | S::Disabled => "is not pending deletion.",
    };
    Err(Code::KMSInvalidStateException.because(format!("{arn} {why}")))
}
