//! Secondary authorization: who may use which key for what, beyond a right signature (specification, "Authorization").

use super::settings::{self, Authorization, Effect, Wrong};
use crate::xks::protocol::messages::RequestMetadata;
use regex::Regex;

/// The policy of a prefix.
#[derive(Debug)]
pub(super) enum Policy {
    AllowAll,
    Rules(Vec<Rule>),
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    name: String,
    effect: Effect,
    /// What must fit, all of it.
    conditions: Vec<(Field, Vec<Regex>)>,
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug)]
enum Field {
    Key,
    Principal,
    Operation,
    KeyArn,
    Vpc,
    VpcEndpoint,
    ViaService,
}

impl Field {
    fn of<'a>(self, key: &'a str, metadata: &'a RequestMetadata) -> Option<&'a str> {
        match self {
            Field::Key => Some(key),
            Field::Principal => metadata.aws_principal_arn.as_deref(),
            Field::Operation => Some(&metadata.kms_operation),
            Field::KeyArn => metadata.kms_key_arn.as_deref(),
            Field::Vpc => metadata.aws_source_vpc.as_deref(),
            Field::VpcEndpoint => metadata.aws_source_vpce.as_deref(),
            Field::ViaService => metadata.kms_via_service.as_deref(),
        }
    }
}

impl Policy {
    pub(super) fn of(prefix: &settings::Prefix) -> Result<Policy, Wrong> {
        match prefix.authorization {
            Authorization::AllowAll => Ok(Policy::AllowAll),
            Authorization::Rules => {
                prefix.rules.iter().map(Rule::of).collect::<Result<_, _>>().map(Policy::Rules)
            }
        }
    }

    /// Whether a request may use the key: the name of the rule that says so, or which one, if any, is against it.
    pub(super) fn decide(&self, key: &str, metadata: &RequestMetadata) -> Result<&str, Option<&str>> {
        let Policy::Rules(rules) = self else { return Ok("allow-all") };
        let first = |effect: Effect| {
            rules
                .iter()
                .find(|rule| rule.effect == effect && rule.fits(key, metadata))
                .map(|rule| rule.name.as_str())
        };
        match first(Effect::Deny) {
            Some(rule) => Err(Some(rule)),
            None => first(Effect::Allow).ok_or(None),
        }
    }
}

impl Rule {
    fn of(rule: &settings::Rule) -> Result<Rule, Wrong> {
        let lists = [
            (Field::Key, &rule.keys),
            (Field::Principal, &rule.principals),
            (Field::Operation, &rule.operations),
            (Field::KeyArn, &rule.key_arns),
            (Field::Vpc, &rule.vpcs),
            (Field::VpcEndpoint, &rule.vpc_endpoints),
            (Field::ViaService, &rule.via_services),
        ];
        let conditions = lists.into_iter().filter_map(|(field, list)| Some((field, list.as_ref()?)));
        let compiled = conditions.map(|(field, list)| {
            list.iter().map(|text| pattern(text)).collect::<Result<_, _>>().map(|patterns| (field, patterns))
        });
        let conditions = compiled.collect::<Result<_, _>>();
        let conditions = conditions.map_err(|Wrong(why)| Wrong(format!("rule {:?}: {why}", rule.name)))?;
        Ok(Rule { name: rule.name.clone(), effect: rule.effect, conditions })
    }

    fn fits(&self, key: &str, metadata: &RequestMetadata) -> bool {
        self.conditions.iter().all(|(field, patterns)| {
            field
                .of(key, metadata)
                .is_some_and(|value| patterns.iter().any(|pattern| pattern.is_match(value)))
        })
    }
}

/// `*` for any characters, `?` for one.
fn pattern(text: &str) -> Result<Regex, Wrong> {
    let inner = regex::escape(text).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("^(?s:{inner})$")).map_err(|_| Wrong(format!("pattern {text:?} is too long")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &str) -> Policy {
        let text = format!("path = \"\"\ncredentials = \"c\"\nauthorization = \"rules\"\n{rules}");
        Policy::of(&toml::from_str(&text).unwrap()).unwrap()
    }

    fn by(principal: &str, operation: &str) -> RequestMetadata {
        RequestMetadata {
            aws_principal_arn: Some(principal.to_owned()),
            kms_operation: operation.to_owned(),
            kms_key_arn: Some("arn:aws:kms:eu-west-1:111122223333:key/k".to_owned()),
            ..RequestMetadata::default()
        }
    }

    const RULES: &str = r#"
        [[rule]]
        name = "staff"
        keys = ["orders*"]
        principals = ["arn:aws:iam::111122223333:user/?lice", "ec2.amazonaws.com"]
        operations = ["Encrypt", "Decrypt"]
        [[rule]]
        name = "not in Ireland"
        effect = "deny"
        operations = ["Decrypt"]
        key-arns = ["arn:aws:kms:eu-west-1:*"]
        [[rule]]
        name = "by the door"
        vpcs = ["vpc-1"]
    "#;

    #[test]
    fn k82_a_rule_must_fit_in_all_that_it_names_and_none_deny() {
        let policy = policy(RULES);
        let alice = "arn:aws:iam::111122223333:user/Alice";
        assert_eq!(policy.decide("orders-1", &by(alice, "Encrypt")), Ok("staff"));
        assert_eq!(policy.decide("orders-1", &by("ec2.amazonaws.com", "Encrypt")), Ok("staff"));
        assert_eq!(policy.decide("orders-1", &by(alice, "Decrypt")), Err(Some("not in Ireland")));
        assert_eq!(policy.decide("orders-1", &by(alice, "ReEncrypt")), Err(None));
        assert_eq!(policy.decide("bills", &by(alice, "Encrypt")), Err(None));
        assert_eq!(policy.decide("orders-1", &by(&format!("{alice}x"), "Encrypt")), Err(None));
        assert_eq!(policy.decide("orders-1", &by(&format!("x{alice}"), "Encrypt")), Err(None));
    }

    #[test]
    fn k82_what_a_request_does_not_say_fits_no_pattern_for_it() {
        let policy = policy(RULES);
        let mut stranger = by("arn:aws:iam::999:root", "Encrypt");
        assert_eq!(policy.decide("bills", &stranger), Err(None));
        stranger.aws_source_vpc = Some("vpc-1".to_owned());
        assert_eq!(policy.decide("bills", &stranger), Ok("by the door"));
        // A dot is a dot.
        let dotted = self::policy("[[rule]]\nname = \"r\"\nvia-services = [\"s3.*.amazonaws.com\"]");
        stranger.kms_via_service = Some("s3.eu-west-1.amazonaws.com".to_owned());
        assert_eq!(dotted.decide("k", &stranger), Ok("r"));
        stranger.kms_via_service = Some("s3.eu-west-1xamazonaws.com".to_owned());
        assert_eq!(dotted.decide("k", &stranger), Err(None));
    }
}
