//! Which node may do a call: one table, which nodes read, and libraries for what they must not do twice.

use super::message::{Call, Origin, Place};
use crate::attribute::Attributes;
use cryptoki_sys as ck;

/// What a call takes of the node that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any node, once it has come to the log index that the request tells.
    Here,
    /// Any node, after a read barrier: all that any client has been told of is seen.
    Current,
    /// The leader: it changes what the nodes share. Doing it twice would be seen; a wrong PIN counts each time.
    Leader,
}

impl Call {
    /// What this call takes.
    pub fn needs(&self) -> Needs {
        match self {
            Call::Ping
            | Call::Renew
            | Call::Run { .. }
            | Call::SignDigest { .. }
            | Call::Wrap { .. }
            | Call::Random { .. }
            | Call::Seed { .. } => Needs::Here,
            Call::Info | Call::IsInitialized | Call::Holds | Call::Find { .. } => Needs::Current,
            Call::InfoOf { object } | Call::Reveal { object, .. } | Call::SizeOf { object } => {
                of_stored(object, Needs::Current)
            }
            Call::Set { object, .. } | Call::Destroy { object } => of_stored(object, Needs::Leader),
            Call::Make { origin, template } => made(is_session(origin, template)),
            Call::Encapsulate { template, .. } => made(!template.is_true(ck::CKA_TOKEN)),
            Call::MakePair { public, private, .. } => {
                made(!public.is_true(ck::CKA_TOKEN) && !private.is_true(ck::CKA_TOKEN))
            }
            Call::Derive { templates, .. } => made(templates.iter().all(says_session)),
            Call::Initialize { .. }
            | Call::InitializeFirst { .. }
            | Call::Login { .. }
            | Call::Confirm { .. }
            | Call::InitPin { .. }
            | Call::SetPin { .. }
            | Call::Users
            | Call::CreateUser { .. }
            | Call::DeleteUser { .. }
            | Call::UnlockUser { .. } => Needs::Leader,
        }
    }
}

/// A capsule is nobody's but the caller's.
fn of_stored(object: &Place, needs: Needs) -> Needs {
    match object {
        Place::Stored(_) => needs,
        Place::Capsule(_) => Needs::Here,
    }
}

fn made(in_session: bool) -> Needs {
    if in_session { Needs::Here } else { Needs::Leader }
}

/// Whether a new object will surely be a session object. A copy is in the token if its original is; the template that a key imposes on what it
/// unwraps, derives or decapsulates may put that into the token, but not against what the caller's own template says.
fn is_session(origin: &Origin, template: &Attributes) -> bool {
    match origin {
        Origin::Create | Origin::Generate(_) => !template.is_true(ck::CKA_TOKEN),
        Origin::Unwrap { .. } | Origin::Decapsulate { .. } | Origin::Copy(_) => says_session(template),
    }
}

/// Whether a template says by itself that its object is a session object.
fn says_session(template: &Attributes) -> bool {
    template.bool(ck::CKA_TOKEN) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::ObjectId;

    const STORED: Place = Place::Stored(ObjectId([1; 16]));

    fn template(token: Option<bool>) -> Attributes {
        token.map(|token| (ck::CKA_TOKEN, token)).into_iter().collect()
    }

    fn needs_of(origin: Origin, token: Option<bool>) -> Needs {
        Call::Make { origin, template: template(token) }.needs()
    }

    #[test]
    fn session_objects_are_made_anywhere_and_token_objects_by_the_leader() {
        for (token, needs) in [(None, Needs::Here), (Some(false), Needs::Here), (Some(true), Needs::Leader)] {
            assert_eq!(needs_of(Origin::Create, token), needs, "{token:?}");
        }
    }

    #[test]
    fn what_may_become_a_token_object_by_another_objects_will_is_made_by_the_leader() {
        for (token, needs) in [(None, Needs::Leader), (Some(false), Needs::Here), (Some(true), Needs::Leader)]
        {
            assert_eq!(needs_of(Origin::Copy(STORED), token), needs, "{token:?}");
        }
    }

    #[test]
    fn an_encapsulated_key_is_made_anywhere_if_it_stays_in_its_session_and_its_other_side_only_if_it_says_so()
    {
        let chosen = || {
            let row = crate::mechanism::registry::find(ck::CKM_ML_KEM).unwrap();
            (&crate::mechanism::Mechanism { row, params: crate::mechanism::Params::None }).into()
        };
        for (token, one, other) in [
            (None, Needs::Here, Needs::Leader),
            (Some(false), Needs::Here, Needs::Here),
            (Some(true), Needs::Leader, Needs::Leader),
        ] {
            let template = template(token);
            assert_eq!(Call::Encapsulate { mechanism: chosen(), key: STORED, template }.needs(), one);
            let ciphertext = vec![1].into();
            let origin = Origin::Decapsulate { mechanism: chosen(), key: STORED, ciphertext };
            assert_eq!(needs_of(origin, token), other, "{token:?}");
        }
    }

    #[test]
    fn a_capsule_is_changed_anywhere_and_a_token_object_by_the_leader() {
        let capsule = || Place::Capsule(vec![1].into());
        assert_eq!(Call::Destroy { object: STORED }.needs(), Needs::Leader);
        assert_eq!(Call::Destroy { object: capsule() }.needs(), Needs::Here);
        let set = |object| Call::Set { object, changes: Attributes::new() }.needs();
        assert_eq!((set(STORED), set(capsule())), (Needs::Leader, Needs::Here));
    }

    #[test]
    fn one_half_in_the_token_makes_a_pair_the_leaders() {
        let pair = |public, private| {
            let mechanism = crate::mechanism::registry::find(ck::CKM_EC_KEY_PAIR_GEN).unwrap();
            let params = crate::mechanism::Params::None;
            let mechanism = (&crate::mechanism::Mechanism { row: mechanism, params }).into();
            Call::MakePair { mechanism, public: template(public), private: template(private) }.needs()
        };
        assert_eq!(pair(None, Some(false)), Needs::Here);
        assert_eq!(pair(Some(true), None), Needs::Leader);
        assert_eq!(pair(None, Some(true)), Needs::Leader);
    }
}
