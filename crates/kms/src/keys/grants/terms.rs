//! What a grant allows to whom: the same members in the request that makes it, in its record and in lists.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::constraints::Constraints;
use super::fit;
use crate::api::error::{Code, Result};
use crate::keys::record::KeyRecord;
use crate::policy::Principal;
use crate::service::Ask;

/// The terms of a grant. Grants of the same name and the same terms are one grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct Terms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantee_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantee_service_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retiring_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retiring_service_principal: Option<String>,
    pub operations: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Constraints>,
}

impl Terms {
    /// Refuses terms that no grant of `key` may have.
    ///
    /// # Errors
    ///
    /// `ValidationException`; `InvalidArnException` for what is no principal.
    pub fn check(&self, key: &KeyRecord) -> Result<()> {
        let invalid = |text: &str| Err(Code::ValidationException.because(text));
        match (&self.grantee_principal, &self.grantee_service_principal) {
            (Some(_), Some(_)) => {
                return invalid("You cannot specify both GranteePrincipal and GranteeServicePrincipal");
            }
            (None, None) => {
                return invalid("You must specify either GranteePrincipal or GranteeServicePrincipal");
            }
            _ => {}
        }
        if self.retiring_principal.is_some() && self.retiring_service_principal.is_some() {
            return invalid("You cannot specify both RetiringPrincipal and RetiringServicePrincipal");
        }
        if self.grantee_service_principal.is_some() {
            if self.constraints.as_ref().is_none_or(|constraints| constraints.source_arn.is_none()) {
                return invalid("A grant to a GranteeServicePrincipal must have a SourceArn constraint");
            }
            if self.retiring_principal.is_none() && self.retiring_service_principal.is_none() {
                return invalid(
                    "A grant to a GranteeServicePrincipal must have a RetiringPrincipal or a RetiringServicePrincipal",
                );
            }
        }
        self.grantee()?;
        self.retiring()?;
        fit::check(&self.operations, key)?;
        self.constraints.as_ref().map_or(Ok(()), |constraints| constraints.check(key))
    }

    /// Who may do what the grant allows.
    pub fn grantee(&self) -> Result<Option<Principal>> {
        principal(&self.grantee_principal, &self.grantee_service_principal)
    }

    /// Who may retire it.
    pub fn retiring(&self) -> Result<Option<Principal>> {
        principal(&self.retiring_principal, &self.retiring_service_principal)
    }

    /// Whether the grant allows its grantee what is asked.
    pub fn allow(&self, ask: &Ask) -> bool {
        if !self.operations.contains(ask.action) {
            return false;
        }
        let constraints = self.constraints.as_ref();
        match (ask.action, ask.grant) {
            // Who may make grants by a grant passes on no more than it has (KMS guide, "Granting CreateGrant permission").
            ("CreateGrant", Some(passed_on)) => {
                passed_on.operations.is_subset(&self.operations)
                    && constraints.is_none_or(|own| own.no_looser(passed_on.constraints.as_ref()))
            }
            _ => constraints.is_none_or(|own| own.hold(ask)),
        }
    }
}

fn principal(arn: &Option<String>, service: &Option<String>) -> Result<Option<Principal>> {
    let (text, principal) = match (arn, service) {
        (Some(arn), _) => (arn, Principal::parse_aws(arn).or_else(|| Principal::parse_service(arn))),
        (None, Some(service)) => (service, Principal::parse_service(service)),
        (None, None) => return Ok(None),
    };
    match principal {
        Some(principal) if principal != Principal::Everyone => Ok(Some(principal)),
        _ => {
            Err(Code::InvalidArnException.because(format!("ARN does not refer to a valid principal: {text}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn terms(operations: &[&str], constraints: Option<Constraints>) -> Terms {
        let operations = operations.iter().map(|name| (*name).to_owned()).collect();
        Terms { operations, constraints, ..Terms::default() }
    }

    fn subset(pairs: &[(&str, &str)]) -> Option<Constraints> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Some(Constraints { encryption_context_subset: Some(pairs), ..Constraints::default() })
    }

    #[test]
    fn k39_a_grant_allows_its_operations_and_no_others() {
        let grant = terms(&["Decrypt"], None);
        assert!(grant.allow(&Ask::to("Decrypt")));
        assert!(!grant.allow(&Ask::to("Encrypt")));
    }

    #[test]
    fn k39_constraints_hold_for_what_has_a_context_and_not_for_the_rest() {
        let grant = terms(&["Decrypt", "DescribeKey", "RetireGrant"], subset(&[("a", "b")]));
        let context = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert!(grant.allow(&Ask::to("Decrypt").context(Some(&context))));
        assert!(!grant.allow(&Ask::to("Decrypt")));
        assert!(grant.allow(&Ask::to("DescribeKey")) && grant.allow(&Ask::to("RetireGrant")));
    }

    #[test]
    fn k39_a_grant_passes_on_no_more_than_it_has() {
        let grant = terms(&["CreateGrant", "Decrypt"], subset(&[("a", "b")]));
        let passes = |passed_on: Terms| grant.allow(&Ask::to("CreateGrant").grant(&passed_on));
        assert!(passes(terms(&["Decrypt"], subset(&[("a", "b")]))));
        assert!(passes(terms(&["Decrypt"], subset(&[("a", "b"), ("c", "d")]))));
        assert!(!passes(terms(&["Decrypt"], None)));
        assert!(!passes(terms(&["Decrypt"], subset(&[("c", "d")]))));
        assert!(!passes(terms(&["Decrypt", "Encrypt"], subset(&[("a", "b")]))));
    }

    #[test]
    fn k39_everyone_and_what_is_no_principal_get_no_grants() {
        let to = |arn: &str| Terms { grantee_principal: Some(arn.to_owned()), ..Terms::default() }.grantee();
        assert!(to("arn:aws:iam::111122223333:user/alice").is_ok());
        assert!(to("arn:aws:iam::111122223333:root").is_ok());
        for refused in ["*", "alice", "arn:aws:s3:::bucket"] {
            assert_eq!(to(refused).unwrap_err().code, Code::InvalidArnException, "{refused}");
        }
    }
}
