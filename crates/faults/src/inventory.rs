//! What a node holds when all is over, asked of it alone.

use crate::check::Breach;
use crate::history::{Action, Outcome, Recorder};
use crate::load::{OFFICER_PIN, USER_PIN};
use crate::thing::Thing;
use cloister::attribute::Attributes;
use cloister::config::ClusterSettings;
use cloister::error::Result;
use cloister::pin::{Credentials, Role};
use cloister::token::remote::RemoteToken;
use cloister::token::{ObjectId, ObjectRef, Token, UserInfo};
use cryptoki_sys as ck;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const PROMISE: &str = "all nodes end with the same";

/// All that can be seen of a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Inventory {
    objects: BTreeMap<ObjectId, Attributes>,
    users: Vec<UserInfo>,
}

impl Inventory {
    /// Asks a node for everything.
    pub fn take(settings: ClusterSettings) -> Result<Inventory> {
        let token = RemoteToken::new(settings);
        let officer = token.login(Role::Officer, &Credentials::from_pin(Role::Officer, OFFICER_PIN))?;
        let mut users = token.users(Some(&officer))?;
        users.sort_by(|one, other| one.name.cmp(&other.name));
        let user = token.login(Role::User, &Credentials::from_pin(Role::User, USER_PIN))?;
        let mut objects = BTreeMap::new();
        for found in token.find(Some(&user), &Attributes::new())? {
            let info = token.info_of(Some(&user), &ObjectRef::Stored(found.id))?;
            objects.insert(found.id, info.attributes.clone());
        }
        Ok(Inventory { objects, users })
    }

    /// Writes down what the node at this place has of each thing that was ever asked for.
    pub fn note(&self, recorder: &Recorder, client: usize, place: usize, things: &[Arc<Thing>]) {
        let mut by_label: HashMap<&[u8], Vec<&Attributes>> = HashMap::new();
        for attributes in self.objects.values() {
            by_label.entry(attributes.bytes(ck::CKA_LABEL).unwrap_or_default()).or_default().push(attributes);
        }
        for thing in things {
            let outcome = match by_label.get(thing.label().as_slice()).map(Vec::as_slice) {
                None | Some([]) => Outcome::Gone,
                Some([attributes]) => thing.seen_in(attributes),
                Some(several) => Outcome::There(several.len()),
            };
            recorder.operation(client, thing.number, Action::Look { place }, || outcome);
        }
    }

    /// What is here that nobody asked for.
    pub fn strangers(&self, things: &[Arc<Thing>]) -> Option<Breach> {
        let labels: Vec<Vec<u8>> = things.iter().map(|thing| thing.label()).collect();
        let is_known = |attributes: &Attributes| {
            labels.iter().any(|label| attributes.bytes(ck::CKA_LABEL) == Some(label))
        };
        let (id, attributes) = self.objects.iter().find(|(_, attributes)| !is_known(attributes))?;
        let story = format!("{} is an object that nobody made: {attributes:?}", id.to_hex());
        Some(Breach { promise: "nothing is made that nobody asked for", story, object: None })
    }

    /// How another node differs, if it does.
    pub fn difference(&self, other: &Inventory, places: (usize, usize)) -> Option<Breach> {
        if self == other {
            return None;
        }
        let ids = self.objects.keys().chain(other.objects.keys());
        let mut differing = ids.filter(|id| self.objects.get(id) != other.objects.get(id));
        let story = match differing.next() {
            Some(id) => {
                let (one, two) = (self.objects.get(id), other.objects.get(id));
                format!("places {places:?} have of {}: {one:?} and {two:?}", id.to_hex())
            }
            None => format!("places {places:?} have other users: {:?} and {:?}", self.users, other.users),
        };
        Some(Breach { promise: PROMISE, story, object: None })
    }
}
