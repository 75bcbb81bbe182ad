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
    used.peek().is_some() && used.all(|material| material.is_here(now))
}

/// What kinds of operations ask of a key's state. Each is a row of [`ALLOWED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// None: what only describes, what withdraws rights, key policies.
    Anything,
    /// Works with the material (Encrypt, Sign, GetPublicKey, ...), or gives a key that works a new one or a new primary Region.
    Material,
    /// Changes what is said of the key: tags, description, aliases towards it.
    Alive,
    /// EnableKey and DisableKey.
    Switchable,
    /// ReplicateKey.
    Enabled,
    /// CreateGrant.
    Grantable,
    /// GetParametersForImport.
    Awaiting,
    /// ImportKeyMaterial.
    Importable,
    /// DeleteImportedKeyMaterial.
    Forgettable,
    /// ScheduleKeyDeletion.
    Deletable,
    /// CancelKeyDeletion.
    Scheduled,
}

/// The columns of [`ALLOWED`].
const COLUMNS: [State; 8] = [
    State::Enabled,
    State::Disabled,
    State::PendingDeletion,
    State::PendingReplicaDeletion,
    State::PendingImport,
    State::Unavailable,
    State::Creating,
    State::Updating,
];

const O: bool = true;
const X: bool = false;

/// What each state allows, after the guide's "Key states of AWS KMS keys".
#[rustfmt::skip]
const ALLOWED: [(Need, [bool; 8]); 11] = [
    //                   Enabled Disabled Deletion ReplicaDel. Import Unavail. Creating Updating
    (Need::Anything,    [O,      O,       O,       O,          O,     O,       O,       O]),
    (Need::Material,    [O,      X,       X,       X,          X,     X,       X,       O]),
    (Need::Alive,       [O,      O,       X,       X,          O,     O,       O,       O]),
    (Need::Switchable,  [O,      O,       X,       X,          X,     O,       X,       X]),
    (Need::Enabled,     [O,      X,       X,       X,          X,     X,       X,       X]),
    (Need::Grantable,   [O,      X,       X,       X,          X,     O,       X,       O]),
    (Need::Awaiting,    [O,      O,       X,       X,          O,     X,       X,       X]),
    (Need::Importable,  [O,      O,       X,       X,          O,     X,       X,       O]),
    (Need::Forgettable, [O,      O,       O,       O,          O,     X,       X,       X]),
    (Need::Deletable,   [O,      O,       X,       X,          O,     O,       O,       X]),
    (Need::Scheduled,   [X,      X,       O,       O,          X,     X,       X,       X]),
];

fn allows(state: State, need: Need) -> bool {
    let row = ALLOWED.iter().find(|(row, _)| *row == need);
    let cell = row.and_then(|(_, cells)| COLUMNS.iter().zip(cells).find(|(column, _)| **column == state));
    cell.is_some_and(|(_, allowed)| *allowed)
}

/// Whether a key in `state` may serve `need`; the refusal as KMS words it.
pub fn check(need: Need, state: State, arn: &str) -> Result<()> {
    if allows(state, need) {
        return Ok(());
    }
    let invalid = |why| Err(Code::KMSInvalidStateException.because(format!("{arn} {why}")));
    if need == Need::Scheduled {
        return invalid("is not pending deletion.");
    }
    match state {
        State::Disabled => Err(Code::DisabledException.because(format!("{arn} is disabled."))),
        State::PendingDeletion => invalid("is pending deletion."),
        State::PendingReplicaDeletion => invalid("is pending replica deletion."),
        State::PendingImport => invalid("is pending import."),
        State::Unavailable => invalid("is unavailable because its custom key store is not connected."),
        State::Creating => invalid("is creating."),
        // Every need but `Scheduled` is served by an enabled key.
        State::Updating | State::Enabled => invalid("is updating."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guide's table: operation, what it asks, and per column how it ends: `ok`, or the number of the guide's footnote.
    #[rustfmt::skip]
    const GUIDE: &[(&str, Need, [&str; 8])] = &[
        ("CancelKeyDeletion",         Need::Scheduled,   ["4",  "4",  "ok", "ok", "4",  "4",  "4",  "4"]),
        ("CreateAlias",               Need::Alive,       ["ok", "ok", "3",  "3",  "ok", "ok", "ok", "ok"]),
        ("CreateGrant",               Need::Grantable,   ["ok", "1",  "3",  "3",  "5",  "ok", "14", "ok"]),
        ("Decrypt",                   Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("DeleteImportedKeyMaterial", Need::Forgettable, ["ok", "ok", "ok", "ok", "ok", "11", "14", "15"]),
        ("DescribeKey",               Need::Anything,    ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
        ("DisableKey",                Need::Switchable,  ["ok", "ok", "3",  "3",  "5",  "ok", "14", "15"]),
        ("DisableKeyRotation",        Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("EnableKey",                 Need::Switchable,  ["ok", "ok", "3",  "3",  "5",  "ok", "14", "15"]),
        ("EnableKeyRotation",         Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("Encrypt",                   Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("GetKeyRotationStatus",      Need::Anything,    ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
        ("GetParametersForImport",    Need::Awaiting,    ["ok", "ok", "3",  "3",  "ok", "11", "14", "15"]),
        ("GetPublicKey",              Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("ImportKeyMaterial",         Need::Importable,  ["ok", "ok", "3",  "3",  "ok", "11", "14", "ok"]),
        ("PutKeyPolicy",              Need::Anything,    ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
        ("ReplicateKey",              Need::Enabled,     ["ok", "1",  "3",  "3",  "5",  "11", "14", "15"]),
        ("RotateKeyOnDemand",         Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
        ("ScheduleKeyDeletion",       Need::Deletable,   ["ok", "ok", "3",  "3",  "ok", "ok", "ok", "15"]),
        ("TagResource",               Need::Alive,       ["ok", "ok", "3",  "3",  "ok", "ok", "ok", "ok"]),
        ("UpdateKeyDescription",      Need::Alive,       ["ok", "ok", "3",  "3",  "ok", "ok", "ok", "ok"]),
        ("UpdatePrimaryRegion",       Need::Material,    ["ok", "1",  "3",  "3",  "5",  "11", "14", "ok"]),
    ];

    fn footnote(result: &Result<()>) -> &'static str {
        let Err(fault) = result else { return "ok" };
        let ends = |end| fault.message.contains(end);
        match fault.code {
            Code::DisabledException if ends("is disabled") => "1",
            Code::KMSInvalidStateException if ends("is not pending deletion") => "4",
            Code::KMSInvalidStateException
                if ends("is pending deletion") || ends("is pending replica deletion") =>
            {
                "3"
            }
            Code::KMSInvalidStateException if ends("is pending import") => "5",
            Code::KMSInvalidStateException if ends("is unavailable") => "11",
            Code::KMSInvalidStateException if ends("is creating") => "14",
            Code::KMSInvalidStateException if ends("is updating") => "15",
            _ => "another refusal",
        }
    }

    #[test]
    fn k47_k49_each_state_allows_what_the_guide_says() {
        for (operation, need, row) in GUIDE {
            for (state, expected) in COLUMNS.iter().zip(row) {
                let result = check(*need, *state, "arn:aws:kms:us-east-1:111122223333:key/k");
                assert_eq!(footnote(&result), *expected, "{operation} of a key that is {}", state.name());
            }
        }
    }

    #[test]
    fn every_need_has_its_row() {
        for (_, need, _) in GUIDE {
            assert_eq!(ALLOWED.iter().filter(|(row, _)| row == need).count(), 1, "{need:?}");
        }
    }
}
